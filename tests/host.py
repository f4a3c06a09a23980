# SPDX-License-Identifier: Apache-2.0
"""What a test asks of the host: mounts, control groups, processes, terminals, namespaces."""
import array
import fcntl
import functools
import os
import select
import socket
import struct
import termios
import time
import traceback

import harness
from harness import Skip, children, libc

CLONE_NEWPID = 0x20000000
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2


class Mount:
    def __init__(self, line):
        fields = line.split()
        dash = fields.index("-")
        self.root, self.point = fields[3], fields[4].encode().decode("unicode_escape")
        self.options, self.tags = fields[5].split(","), fields[6:dash]
        self.fstype, self.source = fields[dash + 1], fields[dash + 2]
        self.super_options = fields[dash + 3].split(",")


def mounts(text=None):
    """The mounts of a /proc/PID/mountinfo text, by default our own; the last on a point is on top."""
    if text is None:
        with open("/proc/self/mountinfo") as f:
            text = f.read()
    return [Mount(line) for line in text.splitlines() if " - " in line]


def mount_points_below(directory):
    return [m.point for m in mounts() if (m.point + "/").startswith(directory + "/")]


def detach(point):
    libc.umount2(point.encode(), MNT_DETACH)


# --- control groups

def hierarchies():
    """Mount point → its controllers ("" for cgroup v2)."""
    return {m.point: set(m.super_options) if m.fstype == "cgroup" else {""}
            for m in mounts() if m.fstype in ("cgroup", "cgroup2")}


def cgroup_directories(prefix):
    """Every control group whose name at the top of a hierarchy starts so ("/name" or "name")."""
    prefix, found = prefix.lstrip("/"), []
    for point in hierarchies():
        try:
            found += [f"{point}/{n}" for n in os.listdir(point) if n.startswith(prefix)]
        except OSError:
            pass
    return found


def remove_cgroup(directory):
    """Ends what is in it, and removes it with all below."""
    for path, _, files in os.walk(directory):
        if "freezer.state" in files:  # cgroup v1: what is frozen does not end
            with open(f"{path}/freezer.state", "w") as f:
                f.write("THAWED")
    for path, _, _ in os.walk(directory, topdown=False):
        for _ in range(100):
            for pid in cgroup_processes(path):
                try:
                    os.kill(pid, 9)
                except OSError:
                    pass
            try:
                os.rmdir(path)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)


def cgroup_processes(directory):
    try:
        with open(f"{directory}/cgroup.procs") as f:
            return [int(pid) for pid in f.read().split()]
    except OSError:
        return []


def cgroup_of(pid):
    """Hierarchy ("pids", "name=systemd", "" for v2) → path, as /proc/PID/cgroup tells it."""
    with open(f"/proc/{pid}/cgroup") as f:
        rows = [line.rstrip("\n").split(":", 2) for line in f]
    return {name: path for _, names, path in rows for name in names.split(",")}


def controller_directory(controller, path):
    """Where `controller` of this control group is managed, or Skip."""
    for point, names in hierarchies().items():
        if controller in names:
            return point + path
        if names == {""}:
            with open(f"{point}/cgroup.controllers") as f:
                if controller in f.read().split():
                    return point + path
    raise Skip(f"the host has no {controller} controller")


def has_swap():
    with open("/proc/swaps") as f:
        return len(f.readlines()) > 1


def cgroup_v2_only():
    """Gives this test a mount namespace in which /sys/fs/cgroup is cgroup v2 and nothing else."""
    private_mounts()
    while any(m.point.startswith("/sys/fs/cgroup") for m in mounts()):
        detach([m.point for m in mounts() if m.point.startswith("/sys/fs/cgroup")][-1])
    if libc.mount(b"none", b"/sys/fs/cgroup", b"cgroup2", 0, None):
        raise Skip("cgroup2 cannot be mounted here")


def cgroup_v2_too():
    """For what is tested as the host is as well."""
    if {"cgroup", "cgroup2"} & {m.fstype for m in mounts()} == {"cgroup2"}:
        raise Skip("the host has cgroup v2 alone: this is how it is tested there")
    cgroup_v2_only()


def cgroup_v1_only():
    """The same without cgroup v2."""
    private_mounts()
    for point in [m.point for m in mounts() if m.fstype == "cgroup2"]:
        detach(point)
    if not any(m.fstype == "cgroup" for m in mounts()):
        raise Skip("the host has no cgroup v1")


def private_mounts():
    if libc.unshare(CLONE_NEWNS):
        raise Skip("no permission to make a mount namespace")
    libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)


def memfd_noexec(value):
    """The test's function is called in a pid namespace with this value of the sysctl vm.memfd_noexec."""
    def decorate(function):
        return functools.wraps(function)(lambda *arguments: _with_memfd_noexec(value, function, *arguments))
    return decorate


def _with_memfd_noexec(value, function, box, *arguments):
    if not os.path.exists("/proc/sys/vm/memfd_noexec"):
        raise Skip("the kernel has no sysctl vm.memfd_noexec")
    if libc.unshare(CLONE_NEWPID):
        raise Skip("no permission to make a pid namespace")
    read, write = os.pipe()
    if not os.fork():
        try:
            private_mounts()
            libc.mount(b"proc", b"/proc", b"proc", 0, None)
            with open("/proc/sys/vm/memfd_noexec", "w") as f:
                f.write(value)
            function(box, *arguments)
            box.close()
        except BaseException:
            os.write(write, traceback.format_exc().encode())
        os._exit(0)
    os.close(write)
    os.wait()
    with open(read) as f:
        problem = f.read()
    assert not problem, problem


# --- processes

def process_state(pid):
    """The letter of /proc/PID/stat, or None without such a process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(") ")[2][0]
    except OSError:
        return None


def place_descriptors(fds):
    """A preexec_fn that makes these descriptors 3, 4, 5, … of the program; to be used with close_fds=False."""
    def place():
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 200) for fd in fds]
        for number, fd in enumerate(high, 3):
            os.dup2(fd, number)
            os.close(fd)
    return place


def alive(pid):
    return process_state(pid) not in (None, "Z", "X")


def await_end(pid, seconds):
    """Waits for the end of a child, but not for longer. Another thread may have reaped it."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        select.select([fd], [], [], seconds)
    finally:
        os.close(fd)


def living_children():
    """Our children but for zombies."""
    return [pid for pid in children(os.getpid()) if alive(pid)]


def reap(but=()):
    """Collects our zombies, but for the processes that somebody waits for."""
    for pid in children(os.getpid()):
        if pid not in but and process_state(pid) == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read().replace("\0", " ").strip()
    except OSError:
        return ""


def status_field(text, field):
    """A field of a /proc/PID/status text."""
    for line in text.splitlines():
        if line.startswith(field + ":"):
            return line.split(":", 1)[1].strip()
    raise AssertionError(f"no field {field} in {text!r}")


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def eventually(condition, seconds=10, what="the condition"):
    """Waits until condition() is true, and returns its value."""
    seconds *= harness.patience
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.01 * harness.patience)


# --- terminals

class ConsoleSocket:
    """The receiving end of --console-socket."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(10 * harness.patience)

    def receive(self):
        """The master of the terminal: exactly one descriptor, beside at least one byte."""
        connection, _ = self.listener.accept()
        connection.settimeout(10 * harness.patience)
        with connection:
            data, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
        assert data, "no byte came with the descriptor"
        assert len(control) == 1, f"{len(control)} control messages"
        fds = array.array("i", control[0][2])
        assert len(fds) == 1, f"{len(fds)} descriptors came"
        return Terminal(fds[0])


class Terminal:
    """The master of a pseudo-terminal."""

    def __init__(self, fd):
        self.fd = fd
        self.seen = b""

    def size(self):
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(self.fd, termios.TIOCGWINSZ, b"\0" * 8))
        return rows, columns

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def write(self, data):
        os.write(self.fd, data)

    def read_until(self, text, seconds=10):
        """Reads until `text` was seen, and returns all that was read up to now."""
        os.set_blocking(self.fd, False)
        eventually(lambda: text in self._more(), seconds, f"{text!r} on the terminal")
        return self.seen

    def _more(self):
        try:
            self.seen += os.read(self.fd, 65536)
        except (BlockingIOError, OSError):
            pass
        return self.seen
