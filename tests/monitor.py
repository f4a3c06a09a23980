# SPDX-License-Identifier: Apache-2.0
"""hozo-monitor by hand: the descriptors that hozo would give it, process 1 of namespaces made for it, and in place of a
hypervisor a program that hands the guest's byte stream to the test, which then plays the agent."""
import array
import errno
import fcntl
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import termios
import time

import host
from harness import Skip, libc, same

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLONE_NEWPID, CLONE_NEWNET, PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 0x20000000, 0x40000000, 1, 24

SYNC, PLAN, CONTROL, START, RESULT, LOG, SETUP, INITRD, GUEST, TAPS = *range(3, 12), 16
LOG_MAX, FRAME_MAX, WINDOW = 256 << 10, 16384, 256 << 10
SYNC_CREATED, SYNC_FAILED, SYNC_GUEST_FAILED, SYNC_MACHINE_FAILED = 5, 6, 9, 10
STDIN, STDOUT, STDERR = range(3)
BROKEN = 255

FRAMES = ("READY RECORD SET_UP UP BROKEN PLAN SPAWN FAILED CREATED START REFUSED EXECUTED DATA CREDIT SIGNAL RESIZE "
          "EXITED OFF WRITTEN").split()
FRAME = {name: number for number, name in enumerate(FRAMES, 1)}
CONTROLS = "EXEC CREATED EXECUTED FAILED EXITED ENDED SIGNAL RESIZE DONE".split()
PACKET = {name: number for number, name in enumerate(CONTROLS, 1)}

# Gives its descriptors and what it knows of itself away, and then does as it is told.
HYPERVISOR = """
import array, json, os, signal, socket, sys, time
path, name = sys.argv[1:3]
fds = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))
fds = [fd for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")]
s = socket.socket(socket.AF_UNIX)
s.connect(path)
mine = [fd for fd in fds if fd > 2]
facts = {"name": name, "fds": fds, "args": sys.argv[3:], "env": open("/proc/self/environ").read(), "ppid": os.getppid(),
         "status": open("/proc/self/status").read(),
         "input": os.path.realpath("/proc/self/fd/0"), "blocked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, [])]}
text = json.dumps(facts).encode()
socket.send_fds(s, [len(text).to_bytes(4, "little")], mine)
s.sendall(text)
for fd in mine:
    os.close(fd)
for line in s.makefile():
    word, _, rest = line.rstrip("\\n").partition(" ")
    if word == "say":
        os.write(1, json.loads(rest).encode())
    elif word == "err":
        os.write(2, json.loads(rest).encode())
    elif word == "exit":
        os._exit(int(rest))
    elif word == "die":
        os.kill(os.getpid(), int(rest))
    elif word == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""


def is_sanitized(box):
    with open(f"{box.build}/meson-info/intro-buildoptions.json") as f:
        return any(o["name"] == "b_sanitize" and o["value"] not in ("none", []) for o in json.load(f))


def program(box):
    """The built hozo-monitor; of a build with sanitizers the one that is compiled with them."""
    path = box.build and f"{box.build}/{'tests/vm/monitor' if is_sanitized(box) else 'plugins/vm/monitor/hozo-monitor'}"
    if not path or not os.path.exists(path):
        raise Skip("hozo-monitor is not built")
    return path


def memfd(content):
    fd = os.memfd_create("test")
    os.write(fd, content)
    return fd


# --- plans

def _constants():
    with open(f"{SOURCE}/core/plan-ops.h") as f:
        text = f.read()
    operations = re.findall(r"^\s+OP\((\w+),", text, re.M)
    return operations.index("CONSOLE"), int(re.search(r"PLAN_ARGS_MAX\s+(\d+)", text)[1])


def plan(terminal=False, filling=0):
    """As much of a plan as the monitor looks at."""
    console, arguments = _constants()
    operation = struct.pack("<HHIII", console, 0, 0, 0, 0) + bytes(8 * arguments) if terminal else b""
    size = 48 + len(operation) + filling
    return struct.pack("<8s10I", b"hozoplan", 1, size, 0, 0, bool(operation), 48, 0, 0, 0, 0) + operation + (
        bytes(i * 7 % 251 for i in range(filling)))


def records(*rows):
    return b"".join(b"".join(str(w).encode() + b"\0" for w in row) + b"\0" for row in rows) + b"\0"


# --- the agent

class Agent:
    """The guest's end of the byte stream."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.buffer = b""

    def send(self, name, payload=b"", process=0, stream=0, size=None, number=None):
        head = struct.pack("<BBHI", number or FRAME[name], stream, process, len(payload) if size is None else size)
        self.socket.sendall(head + payload)

    def frame(self, seconds=10):
        """(name, process, stream, payload), or None at the end of the stream."""
        deadline = time.monotonic() + seconds
        while True:
            if len(self.buffer) >= 8:
                kind, stream, process, size = struct.unpack_from("<BBHI", self.buffer)
                assert size <= FRAME_MAX, size
                if len(self.buffer) >= 8 + size:
                    payload, self.buffer = self.buffer[8:8 + size], self.buffer[8 + size:]
                    return FRAMES[kind - 1], process, stream, payload
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.socket], [], [], left)[0], "no frame came"
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more

    def expect(self, name, process=0, stream=0, payload=None):
        got = self.frame()
        same(got and got[:3], (name, process, stream), f"frame ({got})")
        assert payload is None or got[3] == payload, f"{got[3]!r} instead of {payload!r}"
        return got[3]

    def until(self, name):
        """The first frame of this name; those before it are about streams."""
        while (f := self.frame())[0] != name:
            assert f[0] in ("CREDIT", "DATA"), f
        return f

    def rest(self, seconds=0.3):
        """The frames that come until none comes for so long."""
        found = []
        while len(self.buffer) >= 8 or select.select([self.socket], [], [], seconds)[0]:
            f = self.frame()
            if not f:
                break
            found.append(f)
        return found

    def quiet(self, seconds=0.2):
        assert not self.buffer and not select.select([self.socket], [], [], seconds)[0], f"a frame came: {self.frame()}"

    def set_up(self):
        """From the first frame to UP; the records."""
        self.send("READY", b"6.12.1")
        return self.take_records()

    def take_records(self):
        found = []
        while (f := self.frame())[0] == "RECORD":
            found.append([w.decode() for w in f[3].split(b"\0")[:-1]])
        same(f[0], "SET_UP")
        self.send("UP")
        return found

    def take_plan(self, process=1):
        """The plan, and what SPAWN says: (terminal, rows, columns)."""
        pieces = b""
        while (f := self.frame())[0] in ("PLAN", "DATA", "CREDIT"):
            if f[0] == "PLAN":
                same(f[1], process)
                pieces += f[3]
        same(f[:2], ("SPAWN", process))
        return pieces, struct.unpack("<IHH", f[3])

    def created(self, process=1):
        result = self.take_plan(process)
        self.send("CREATED", process=process)
        return result

    def exited(self, code=0, number=0, process=1):
        self.send("EXITED", struct.pack("<II", code, number), process)

    def data(self, payload, stream=STDOUT, process=1):
        self.send("DATA", payload, process, stream)

    def credit(self, n, process=1):
        self.send("CREDIT", struct.pack("<I", n), process, STDIN)

    def close(self):
        self.socket.close()


class Child:
    """What a child of the monitor has told."""

    def __init__(self, listener):
        listener.settimeout(15)
        self.socket, _ = listener.accept()
        self.socket.settimeout(15)
        head, fds, _, _ = socket.recv_fds(self.socket, 4, 64)
        size, text = int.from_bytes(head, "little"), b""
        while len(text) < size:
            text += self.socket.recv(size - len(text))
        self.facts = json.loads(text)
        self.fds = dict(zip([fd for fd in self.facts["fds"] if fd > 2], fds))
        self.pid = socket_peer(self.socket)

    def field(self, name):
        return host.status_field(self.facts["status"], name)

    def tell(self, word, rest=""):
        self.socket.sendall(f"{word} {rest}\n".encode())

    def close(self):
        self.socket.close()
        for fd in self.fds.values():
            try:
                os.close(fd)
            except OSError:
                pass


def socket_peer(s):
    """The pid of who is at the other end."""
    return struct.unpack("iII", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


# --- processes

def _execute(arguments, fds, netns, capabilities, isolated, controlling, closed):
    """In a forked process: fds are {number: descriptor}."""
    high = {number: fcntl.fcntl(fd, fcntl.F_DUPFD, 300) for number, fd in fds.items()}
    # Never the host's: the monitor takes its devices over.
    if isolated:
        assert not (libc.unshare(CLONE_NEWNET) if netns is None else libc.setns(netns, CLONE_NEWNET)), "network namespace"
    for cap in range(64):
        if capabilities is not None and not capabilities >> cap & 1:
            libc.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0)
    for number in range(3):
        if closed:
            os.close(number)
        elif number not in high:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    os.closerange(3, 300)
    for number, fd in high.items():
        os.dup2(fd, number)
    os.closerange(300, 1024)
    if controlling:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It keeps what it needs to its end, and as process 1 nobody could look for leaks.
    os.execve(arguments[0], arguments, {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99",
                                       "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99"})


class Process:
    """A program with exactly these descriptors, the child of a process that may be killed as hozo may be. With
    `isolated` it is process 1 of a pid namespace."""

    def __init__(self, arguments, fds, netns=None, capabilities=None, isolated=True, controlling=False,
                 closed=False):
        told, tells = os.pipe()
        self.runtime = os.fork()
        if not self.runtime:
            try:
                os.setsid()
                if isolated:
                    assert not libc.unshare(CLONE_NEWPID), "unshare"
                pid = os.fork()
                if not pid:
                    _execute(arguments, fds, netns, capabilities, isolated, controlling, closed)
                os.write(tells, struct.pack("i", pid))
                os.closerange(3, tells)
                os.closerange(tells + 1, 1024)
                _, status = os.waitpid(pid, 0)
                os.write(tells, struct.pack("i", status))
            finally:
                os._exit(0)
        os.close(tells)
        self.told = told
        self.pid = struct.unpack("i", os.read(told, 4))[0]
        self.status = None

    def kill_runtime(self):
        os.kill(self.runtime, signal.SIGKILL)
        os.waitpid(self.runtime, 0)
        self.runtime = 0

    def signal(self, number):
        os.kill(self.pid, number)

    def alive(self):
        return host.alive(self.pid)

    def wait(self, seconds=15):
        """The exit status, or minus the signal."""
        if self.status is None:
            if self.runtime:
                assert select.select([self.told], [], [], seconds)[0], f"still running after {seconds} s"
                status = struct.unpack("i", os.read(self.told, 4))[0]
                os.waitpid(self.runtime, 0)
                self.runtime = 0
            else:
                host.await_end(self.pid, seconds)
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                assert pid, f"still running after {seconds} s"
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def ends(self, code):
        same(self.wait(), code, "exit status")

    def kill(self):
        if self.status is None and host.alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)


class Sync:
    """hozo's end."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(15)

    def message(self):
        """(type, value, errnum, step), or None at the end."""
        try:
            m = self.ours.recv(64)
        except ConnectionResetError:
            return None
        return struct.unpack("<IIiI", m) if m else None

    def until(self, name):
        """The first frame of this name; those before it are about streams."""
        while (f := self.frame())[0] != name:
            assert f[0] in ("CREDIT", "DATA"), f
        return f

    def rest(self, seconds=0.3):
        """The frames that come until none comes for so long."""
        found = []
        while len(self.buffer) >= 8 or select.select([self.socket], [], [], seconds)[0]:
            f = self.frame()
            if not f:
                break
            found.append(f)
        return found

    def quiet(self, seconds=0.2):
        assert not select.select([self.ours], [], [], seconds)[0], f"a message came: {self.message()}"


class Machine:
    """A monitor with everything. `rows`: the records of its setup behind those of children; `before`: in front."""

    def __init__(self, box, before=(), rows=(), stdin=None, stdout=None, stderr=None, the_plan=None, netns=None,
                 capabilities=None, setup=None, child_capabilities="0", arguments=(), hypervisor=None, initrd=b"initrd",
                 log=None, helpers=(), controlling=False, start_flags=os.O_RDWR):
        self.box = box
        box.count += 1
        self.dir = f"{box.dir}/m{box.count}"
        os.makedirs(self.dir)
        box.undo.append(self.close)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.dir}/meet")
        self.listener.listen(8)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.bind(f"{self.dir}/control")
        self.control.listen(64)
        self.sync, self.agent, self.child = Sync(), None, None
        self.children, self.visitors = [], []
        self.log_path = f"{self.dir}/log"
        if setup is None:
            child = hypervisor or ("child", "hypervisor", child_capabilities,
                                   *self.fake("hypervisor", "@TAPS@", *arguments))
            others = [("child", name, "0", *self.fake(name)) for name in helpers]
            setup = records(*before, *others, child, ("tap", "tap,@FD@,@MAC@,@INDEX@"), *rows)
        fifos = {}
        for name in ("start", "result"):
            os.mkfifo(f"{self.dir}/{name}")
            fifos[name] = os.open(f"{self.dir}/{name}", start_flags if name == "start" else os.O_RDWR)
        fds = {SYNC: self.sync.theirs.fileno(), PLAN: memfd(plan() if the_plan is None else the_plan),
               CONTROL: self.control.fileno(), START: fifos["start"], RESULT: fifos["result"],
               LOG: os.open(self.log_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), SETUP: memfd(setup)}
        if log is not None:
            os.write(fds[LOG], log)
        if initrd is not None:
            fds[INITRD] = memfd(initrd)
        own = list(fds.values())
        for number, fd in enumerate((stdin, stdout, stderr)):
            if fd is not None:
                fds[number] = fd
        self.process = Process([program(box), "machine"], fds, netns, capabilities, controlling=controlling)
        for fd in own[1:]:
            if fd != self.control.fileno():
                os.close(fd)
        self.sync.theirs.close()
        self.control.close()

    def fake(self, name, *arguments):
        """The words of a child that talks to the test."""
        path = f"{self.dir}/child.py"
        if not os.path.exists(path):
            with open(path, "w") as f:
                f.write(HYPERVISOR)
        return os.path.realpath(sys.executable), "-S", "-E", path, f"{self.dir}/meet", name, *arguments

    def meet(self):
        """The next child that has started."""
        child = Child(self.listener)
        self.children.append(child)
        if child.facts["name"] == "hypervisor":
            self.child = child
            if GUEST in child.fds:
                self.agent = Agent(child.fds.pop(GUEST))
        return child

    def up(self):
        self.meet()
        self.records = self.agent.set_up()
        return self

    def created(self):
        self.up()
        self.agent.created()
        same(self.sync.message(), (SYNC_CREATED, 0, 0, 0))
        return self

    def press_start(self):
        """As hozo does; the open end of the result."""
        result = os.open(f"{self.dir}/result", os.O_RDONLY | os.O_NONBLOCK)
        start = os.open(f"{self.dir}/start", os.O_WRONLY | os.O_NONBLOCK)
        os.write(start, b"\0")
        os.close(start)
        return result

    def running(self):
        self.created()
        result = self.press_start()
        self.agent.expect("START", 1)
        self.agent.send("EXECUTED", process=1)
        same(read_all(result), b"x", "result")
        os.close(result)
        return self

    def ends(self, code):
        self.process.ends(code)

    def off(self):
        """Behind EXITED of process 1."""
        self.agent.until("OFF")
        self.agent.send("WRITTEN")

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode(errors="replace")

    def fails(self, *texts, errnum=None):
        """It tells hozo, and its log's last line says why."""
        m = self.sync.message()
        assert m and m[0] == SYNC_MACHINE_FAILED, m
        assert errnum is None or m[2] == errnum, m
        last = self.log().splitlines()[-1]
        for text in texts:
            assert text in last, f"{last!r} does not say {text!r}"
        self.ends(BROKEN)

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(10)
        try:
            s.connect(f"{self.dir}/control")
        except OSError as e:
            raise AssertionError(f"{e}: the monitor is {'there' if self.process.alive() else 'gone'}; {self.log()!r}")
        return s

    def ask(self, name, a=0, b=0, c=0, fds=()):
        """A connection on which this packet was sent."""
        s = self.connect()
        send_packet(s, name, a, b, c, fds)
        return s

    def visit(self, stdin=None, stdout=None, stderr=None, the_plan=None, controlling=False, closed=False):
        """A visitor, and what hozo hears of it."""
        sync, connection = Sync(), self.connect()
        fds = {SYNC: sync.theirs.fileno(), PLAN: memfd(plan() if the_plan is None else the_plan),
               CONTROL: connection.fileno()}
        for number, fd in enumerate((stdin, stdout, stderr)):
            if fd is not None:
                fds[number] = fd
        process = Process([program(self.box), "visit"], fds, isolated=False, controlling=controlling,
                          closed=closed)
        os.close(fds[PLAN])
        sync.theirs.close()
        connection.close()
        self.visitors.append(process)
        return process, sync

    def close(self):
        for p in [self.process, *self.visitors]:
            p.kill()
            p.wait()
        for c in [*self.children, *([self.agent] if self.agent else [])]:
            c.close()


def packet(s):
    """(name, a, b, c), or None at the end."""
    try:
        p = s.recv(64)
    except ConnectionResetError:
        return None
    if not p:
        return None
    kind, *rest = struct.unpack("<Iiii", p)
    return CONTROLS[kind - 1], *rest


def send_packet(s, name, a=0, b=0, c=0, fds=()):
    p = struct.pack("<Iiii", PACKET[name], a, b, c)
    s.sendmsg([p], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def read_all(fd, seconds=10):
    """To the end of file."""
    found, deadline = b"", time.monotonic() + seconds
    while True:
        assert select.select([fd], [], [], max(0, deadline - time.monotonic()))[0], f"no end of file behind {found[:80]!r}"
        try:
            more = os.read(fd, 1 << 16)
        except OSError as e:
            if e.errno == errno.EIO:
                return found
            raise
        if not more:
            return found
        found += more


def read_some(fd, size, seconds=10):
    found, deadline = b"", time.monotonic() + seconds
    while len(found) < size:
        assert select.select([fd], [], [], max(0, deadline - time.monotonic()))[0], f"only {found[:80]!r} came"
        more = os.read(fd, size - len(found))
        assert more, f"the end behind {found[:80]!r}"
        found += more
    return found
