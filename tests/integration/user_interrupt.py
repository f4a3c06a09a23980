# SPDX-License-Identifier: Apache-2.0
"""What the helper holds, and a signal while a source of a mount is opened, which a file system of the network may keep for long."""
import os
import shutil
import signal
import subprocess
import time

import host
from box import ENVIRONMENT
from harness import Skip, same, test


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def held(pid):
    """What its descriptors are, but for the caller's streams."""
    return sorted(os.readlink(f"/proc/{pid}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{pid}/fd") if int(n) > 2)


def stands_still(runtime):
    """One of its processes does so for longer than strace takes for a system call."""
    for _ in range(50):
        if not any(host.process_state(c) in ("t", "T") for c in children(runtime)):
            return False
        time.sleep(0.01)
    return True


@test(timeout=40, sanitized=False)
def ends_the_waiting(box):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    b = box.bundle("echo ran")
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update({k: [{"containerID": 0, "hostID": 100000, "size": 65536}] for k in ("uidMappings", "gidMappings")})
    p = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=open_tree:signal=STOP:when=1",
                          box.runtime, "--root", box.root, "run", "--bundle", b.write().path, "c1"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    box.processes.append(p)
    runtime, = host.eventually(lambda: [c for c in children(p.pid) if host.command_line(c).startswith(box.runtime)])
    host.eventually(lambda: stands_still(runtime), 10, "the helper's stop")
    helper, = [c for c in children(runtime) if host.process_state(c) in ("t", "T")]
    same(held(helper), ["/", "mnt", "socket"], "the tree, the namespace that was joined, and who waits for it")
    os.kill(runtime, signal.SIGTERM)
    p.wait(10)
    box.nothing_left()
