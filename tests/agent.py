# SPDX-License-Identifier: Apache-2.0
"""hozo-agent, asked as a monitor asks it (plugins/vm/wire.h): on this host in namespaces of its own, or in a guest."""
import copy
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time

import bundle
import harness
from harness import Skip

(READY, RECORD, SET_UP, UP, BROKEN, PLAN, SPAWN, FAILED, CREATED, START, REFUSED, EXECUTED, DATA, CREDIT, SIGNAL,
 RESIZE, EXITED, OFF, WRITTEN) = range(1, 20)
STDIN, STDOUT, STDERR = range(3)
NAMES = ("- READY RECORD SET_UP UP BROKEN PLAN SPAWN FAILED CREATED START REFUSED EXECUTED DATA CREDIT SIGNAL RESIZE "
         "EXITED OFF WRITTEN").split()
HEADER, FRAME_MAX, WINDOW = struct.Struct("<BBHI"), 16384, 256 << 10


class Ended(Exception):
    """Nobody is at the other end of the port any more."""


class Process:
    """What the agent has told of a process."""

    def __init__(self):
        self.output = {STDOUT: b"", STDERR: b""}
        self.ended = set()
        self.told = []  # types of frames, but for streams
        self.exited = self.failed = self.refused = None
        self.allowed = WINDOW  # that may be sent to its standard input
        self.held = {STDOUT: 0, STDERR: 0}  # credit that was not given back


class Monitor:
    def __init__(self, port, build):
        self.port, self.build = port, build
        self.buffer, self.processes, self.told, self.text = b"", {}, [], b""
        self.generous = True  # every byte that comes is granted again

    # --- frames

    def send(self, kind, process=0, payload=b"", stream=0):
        data = HEADER.pack(kind, stream, process, len(payload)) + payload
        while data:
            try:
                data = data[self.port.send(data):]
            except BlockingIOError:
                # Whoever only writes while the other side does as well stands still.
                self.turn(0.05)
            except (BrokenPipeError, ConnectionResetError):
                raise Ended from None

    def turn(self, seconds):
        """Reads what is there, or comes within so many seconds. False: nothing did."""
        if not select.select([self.port], [], [], seconds)[0]:
            return False
        try:
            data = self.port.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended
        self.buffer += data
        while len(self.buffer) >= HEADER.size:
            kind, stream, number, size = HEADER.unpack_from(self.buffer)
            assert 0 < kind <= WRITTEN and size <= FRAME_MAX, self.buffer[:64]
            if len(self.buffer) < HEADER.size + size:
                break
            payload = self.buffer[HEADER.size:HEADER.size + size]
            self.buffer = self.buffer[HEADER.size + size:]
            self.take(kind, stream, number, payload)
        return True

    def take(self, kind, stream, number, payload):
        if not number:
            self.told.append(kind)
            self.text = payload
            return
        p = self.processes[number]
        if kind == DATA:
            assert stream not in p.ended
            if not payload:
                p.ended.add(stream)
            p.output[stream] += payload
            p.held[stream] += len(payload)
            assert p.held[stream] <= WINDOW, "more than was granted"
            if self.generous and payload:
                self.grant(number, stream)
        elif kind == CREDIT:
            assert not p.exited
            p.allowed += struct.unpack("<I", payload)[0]
            assert p.allowed <= WINDOW
        else:
            p.told.append(kind)
            if kind == EXITED:
                p.exited = struct.unpack("<II", payload)
            elif kind == FAILED:
                p.failed = struct.unpack("<IiI", payload)
            elif kind == REFUSED:
                p.refused = payload

    def grant(self, number, stream):
        p = self.processes[number]
        held, p.held[stream] = p.held[stream], 0
        self.send(CREDIT, number, struct.pack("<I", held), stream)

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds * harness.patience
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0 and self.turn(left) or condition(), (
                [NAMES[k] for k in self.told],
                {n: ([NAMES[k] for k in p.told], p.exited, p.failed, p.output) for n, p in self.processes.items()})

    # --- what a monitor does

    def set_up(self, *records, seconds=20):
        """True once it is UP; False and self.text if it is BROKEN."""
        self.until(lambda: READY in self.told, seconds)
        for record in records:
            self.send(RECORD, payload=b"".join(word.encode() + b"\0" for word in record))
        self.send(SET_UP)
        self.until(lambda: UP in self.told or BROKEN in self.told, seconds)
        return UP in self.told

    def plan(self, *arguments):
        r = subprocess.run([f"{self.build}/tests/vm/guest_plan", *arguments], capture_output=True)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def spawn(self, number, plan, terminal=False, rows=0, columns=0):
        p = self.processes[number] = Process()
        for at in range(0, len(plan), FRAME_MAX):
            self.send(PLAN, number, plan[at:at + FRAME_MAX])
        self.send(SPAWN, number, struct.pack("<IHH", terminal, rows, columns))
        return p

    def created(self, config, number=1, **options):
        """Process 1 of this configuration, up to CREATED."""
        p = self.spawn(number, self.plan("create", config), **options)
        self.until(lambda: p.told)
        assert p.told == [CREATED], (p.told, p.failed)
        return p

    def started(self, config, **options):
        p = self.created(config, **options)
        self.send(START, 1)
        self.until(lambda: len(p.told) > 1)
        assert p.told[1] == EXECUTED, (p.told, p.refused)
        return p

    def executed(self, number, config, process, **options):
        """A further process, once its program runs."""
        p = self.spawn(number, self.plan("exec", config, process), **options)
        self.until(lambda: len(p.told) > 1 or p.failed)
        assert p.told[:2] == [CREATED, EXECUTED], (p.told, p.failed)
        return p

    def write(self, number, data):
        """To its standard input, as it is allowed."""
        p = self.processes[number]
        while data:
            self.until(lambda: p.allowed)
            piece = data[:min(p.allowed, FRAME_MAX)]
            p.allowed -= len(piece)
            self.send(DATA, number, piece, STDIN)
            data = data[len(piece):]

    def close(self, number):
        self.send(DATA, number, b"", STDIN)

    def signal(self, number, sig):
        self.send(SIGNAL, number, struct.pack("<I", sig))

    def end(self, number=1):
        """How it has ended."""
        p = self.processes[number]
        self.until(lambda: p.exited)
        return p.exited

    def off(self, seconds=20):
        self.send(OFF)
        self.until(lambda: WRITTEN in self.told, seconds)


class Agent(Monitor):
    """One on this host, as process 1 of namespaces of its own."""

    def __init__(self, box):
        if not box.build:
            raise Skip("no build directory")
        if os.geteuid():
            raise Skip("needs root")
        ours, theirs = socket.socketpair()
        build = box.build
        # A parent that cannot be told of its end would leave it behind: so it ends with the stream.
        self.child = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--uts", "--ipc",
             f"{build}/tests/vm/agent", "--on", str(theirs.fileno()), f"{build}/core/init/hozo-init"],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        ours.setblocking(False)
        super().__init__(ours, build)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.port.close()
        try:
            self.child.wait(10 * harness.patience)
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait()
            if not exception[0]:
                raise AssertionError("the agent outlives its port") from None


def configuration(directory, args, change=None, root=None):
    """A file with a configuration as a guest gets it: no control groups, no network namespace."""
    config = copy.deepcopy(bundle.DEFAULT)
    config["process"]["args"] = args
    config["root"] = {"path": root or f"{directory}/rootfs", "readonly": False}
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    del config["linux"]["resources"]
    config["linux"]["namespaces"] = [{"type": t} for t in ("pid", "ipc", "uts", "mount")]
    if change:
        change(config)
    path = f"{directory}/config-{len(os.listdir(directory))}.json"
    with open(path, "w") as f:
        json.dump(config, f)
    return path


def process(directory, args, **more):
    """A file with a process for exec."""
    path = f"{directory}/process-{len(os.listdir(directory))}.json"
    with open(path, "w") as f:
        json.dump({**bundle.DEFAULT["process"], "args": args, **more}, f)
    return path
