# SPDX-License-Identifier: Apache-2.0
"""What hozo-agent does with processes, signals and streams, without a machine around it."""
import os
import random
import signal
import struct
import time

import agent
import bundle
import host
from agent import (CREATED, CREDIT, DATA, EXECUTED, FRAME_MAX, OFF, PLAN, SIGNAL, SPAWN, START, STDERR, STDIN, STDOUT,
                   WINDOW, Agent, configuration, process)
from harness import same, test


def shell(box, script, change=None):
    """A configuration whose program is this script."""
    if not os.path.exists(f"{box.dir}/rootfs"):
        bundle.make_rootfs(f"{box.dir}/rootfs")
    return configuration(box.dir, ["/bin/sh", "-c", script], change)


@test
def a_process_from_its_plan_to_its_exit_status(box):
    with Agent(box) as a:
        assert a.set_up()
        p = a.created(shell(box, "echo out; echo err >&2; exit 42"))
        assert not p.output[STDOUT]
        a.send(START, 1)
        same(a.end(), (42, 0))
        same(p.told[:2], [CREATED, EXECUTED])
        same(p.output, {STDOUT: b"out\n", STDERR: b"err\n"})
        a.until(lambda: p.ended == {STDOUT, STDERR})
        a.off()
