# SPDX-License-Identifier: Apache-2.0
"""What the tests with engines share: programs and how they ended, terminals, what must not be written to the host."""
import fcntl
import os
import pty
import shutil
import subprocess
import termios

import host
from harness import Skip

# Our limits cannot be raised without CAP_SYS_RESOURCE, as podman would by default. Locks in files are not
# shared with another podman of this host.
SETTINGS = """
[containers]
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
lock_type = "file"
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime_supports_json = ["{name}"]
runtime_supports_nocgroup = ["{name}"]
[network]
network_config_dir = "{dir}/networks"
"""

# What podman and its libraries write whatever they are told.
OWN = ("/run", "/var/lib/containers", "/var/cache/containers")


def need(*programs):
    for program, package in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed (package {package})")


def own_system_directories():
    """A mount namespace in which they are the test's. Below its /run lie the runtime's states, too."""
    host.private_mounts()
    for directory in OWN:
        if os.path.isdir(directory) and host.libc.mount(b"none", directory.encode(), b"tmpfs", 0, b"mode=755"):
            raise Skip(f"no tmpfs can be mounted on {directory}")


def on_terminal(box, command, **more):
    """Starts a program with a terminal; the process and the terminal's master."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **more)
    os.close(slave)
    box.processes.append(process)
    return process, host.Terminal(master)


def cgroups_below(prefix):
    return [f"{path}/{name}" for top in host.cgroup_directories(prefix) for path, names, _ in os.walk(top)
            for name in names]


class Result:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def ends(self, code):
        assert self.code == code, f"exit status {self.code}, not {code}\n{self}"
        return self

    def ok(self):
        return self.ends(0)

    def says(self, *texts):
        for text in texts:
            assert text in self.err, f"standard error does not say {text!r}\n{self}"
        return self

    def __str__(self):
        return f"$ {' '.join(self.command)}\nstdout: {self.out!r}\nstderr: {self.err!r}"


def finish(command, timeout=30, **more):
    """Runs a program to its end; a Result."""
    more.setdefault("stdin", subprocess.DEVNULL)
    try:
        r = subprocess.run(command, capture_output=True, text=True, timeout=timeout, errors="replace", **more)
    except subprocess.TimeoutExpired as e:
        raise AssertionError(f"still running after {timeout} s: {e.cmd}\n{e.stdout}\n{e.stderr}") from None
    return Result(command, r.returncode, r.stdout, r.stderr)
