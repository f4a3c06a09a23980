# SPDX-License-Identifier: Apache-2.0
"""The process that becomes a container ends with its runtime, also while it waits for a hook: the kernel forgets the
death signal at birth, and again when the process becomes root of a user namespace."""
import os
import signal

import host
from harness import test

MAPPINGS = {kind: [{"containerID": 0, "hostID": 100000, "size": 65536}] for kind in ("uidMappings", "gidMappings")}


def within(box, users):
    b = box.bundle()
    if users:
        b.linux["namespaces"].append({"type": "user"})
        b.linux.update(MAPPINGS)
        os.chown(b.path, 100000, 100000)
        os.chmod(b.path, 0o755)
        os.chmod(box.dir, 0o755)
    return b


@test(cases={"as root": False, "as root of a user namespace": True})
def it_ends_in_the_midst_of_a_hook(box, users):
    b = within(box, users)
    mark = f"{b.path}/mark"
    b.hook("createContainer", "/bin/sh", ["sh", "-c", f"echo > {mark}; exec sleep 30"])
    p = box.spawn("create", "--bundle", b.write().path, "c1")
    host.eventually(lambda: os.path.exists(mark))
    pid = box.state()["pid"]
    assert host.command_line(pid).startswith("hozo-init"), host.command_line(pid)
    p.send_signal(signal.SIGKILL)
    p.wait()
    host.eventually(lambda: not host.alive(pid), 5, "the end of hozo-init")
    box.hozo("delete", "--force", "c1").ok()


@test
def a_hook_has_the_callers_limit_of_descriptors(box):
    """hozo-init has more of them only while it is handed sources of mounts."""
    b = within(box, True)
    b.hook("createContainer", "/bin/sh", ["sh", "-c", f"ulimit -n > {b.path}/limit"])
    box.created(b, preexec_fn=lambda: __import__("resource").setrlimit(7, (321, 4096)))
    with open(f"{b.path}/limit") as f:
        assert f.read() == "321\n"
