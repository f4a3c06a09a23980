# SPDX-License-Identifier: Apache-2.0
"""What is at the ends of hozo-monitor's streams: who feeds and collects, a terminal, a program in the guest."""
import os
import struct
import threading

import host
from harness import same
from monitor import STDERR, STDIN, STDOUT, WINDOW, read_all

MEBIBYTE = bytes(i * i % 253 for i in range(1 << 20))


def number(n):
    return struct.pack("<I", n)


class Feeder(threading.Thread):
    """Writes all of it, and closes."""

    def __init__(self, fd, content):
        super().__init__(daemon=True)
        self.fd, self.content = fd, content
        self.start()

    def run(self):
        left = memoryview(self.content)
        while left:
            left = left[os.write(self.fd, left):]
        os.close(self.fd)


class Collector(threading.Thread):
    """Reads to the end."""

    def __init__(self, fd):
        super().__init__(daemon=True)
        self.fd, self.found = fd, None
        self.start()

    def run(self):
        self.found = read_all(self.fd, 25)

    def all(self):
        self.join(25)
        return self.found


def echo(agent, expected, process=1):
    """Plays a program that writes what it reads, to both outputs in turn, within its credit; ends with the stream."""
    allowed, found, waiting = {STDOUT: WINDOW, STDERR: WINDOW}, b"", []
    ended = False

    def pump():
        while waiting and allowed[waiting[0][0]] >= len(waiting[0][1]):
            stream, payload = waiting.pop(0)
            allowed[stream] -= len(payload)
            agent.data(payload, stream, process)
    turn = 0
    while not ended or waiting:
        name, of, stream, payload = agent.frame()
        same(of, process)
        if name == "CREDIT":
            allowed[stream] += struct.unpack("<I", payload)[0]
        elif name == "DATA":
            same(stream, STDIN)
            found += payload
            ended |= not payload
            if payload:
                agent.credit(len(payload), process)
                turn += 1
                waiting.append((STDOUT if turn % 2 else STDERR, payload))
        pump()
    assert found == expected, f"{len(found)} bytes, or others"


class Terminal(host.Terminal):
    def __init__(self, rows=24, columns=80):
        master, self.slave = os.openpty()
        super().__init__(master)
        self.resize(rows, columns)
