# SPDX-License-Identifier: Apache-2.0
"""Freezing a container's control group behind the runtime's back, and a process that cannot be frozen."""
import ctypes
import fcntl
import mmap
import os
import signal
import struct

import host
from harness import Skip, libc

LAYOUTS = {"as the host is": lambda: None, "on cgroup v2": host.cgroup_v2_too}
ALL_LAYOUTS = {**LAYOUTS, "on cgroup v1": host.cgroup_v1_only}


def group(pid):
    """The directory in which the process is frozen; Skip where there is none."""
    paths = host.cgroup_of(pid)
    if "freezer" in paths:
        for point, names in host.hierarchies().items():
            if "freezer" in names:
                return point + paths["freezer"]
    for point, names in host.hierarchies().items():
        if names == {""} and os.path.exists(f"{point}{paths['']}/cgroup.freeze"):
            return point + paths[""]
    raise Skip("the host has no freezer")


def order(directory, freeze):
    v1 = os.path.exists(f"{directory}/freezer.state")
    with open(f"{directory}/{'freezer.state' if v1 else 'cgroup.freeze'}", "w") as f:
        f.write({True: "FROZEN", False: "THAWED"}[freeze] if v1 else str(int(freeze)))


def state(directory):
    """FROZEN, FREEZING or THAWED."""
    if os.path.exists(f"{directory}/freezer.state"):
        with open(f"{directory}/freezer.state") as f:
            return f.read().strip()
    with open(f"{directory}/cgroup.events") as f:
        if "frozen 1" in f.read():
            return "FROZEN"
    with open(f"{directory}/cgroup.freeze") as f:
        return "FREEZING" if f.read() == "1\n" else "THAWED"


SYS_USERFAULTFD = {"x86_64": 323, "aarch64": 282}
UFFDIO_API, UFFDIO_REGISTER, MODE_MISSING = 0xc018aa3f, 0xc020aa00, 1


class Unfreezable:
    """A process in the kernel's hands, waiting for a page that nobody brings: it can be killed, but not frozen."""

    def __init__(self, directory):
        said, say = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._wait_for_ever(directory, say)
            finally:
                os._exit(1)
        os.close(say)
        with os.fdopen(said) as f:
            if f.read(1) != "x":
                raise Skip("no userfaultfd here")
        host.eventually(lambda: host.process_state(self.pid) in "SD", what="the fault")

    @staticmethod
    def _wait_for_ever(directory, say):
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        with open(f"{directory}/cgroup.procs", "w") as f:
            f.write("0")
        fd = libc.syscall(SYS_USERFAULTFD[os.uname().machine], os.O_CLOEXEC)
        fcntl.ioctl(fd, UFFDIO_API, struct.pack("QQQ", 0xAA, 0, 0))
        page = mmap.mmap(-1, mmap.PAGESIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        fcntl.ioctl(fd, UFFDIO_REGISTER, struct.pack("QQQQ", address, mmap.PAGESIZE, MODE_MISSING, 0))
        read, write = os.pipe()
        os.write(write, b"y")
        os.write(say, b"x")
        os.close(say)
        libc.read(read, ctypes.c_void_p(address), 1)

    def end(self):
        """It may be dead already: not while it is to be frozen with cgroup v1."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
