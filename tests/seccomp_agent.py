# SPDX-License-Identifier: Apache-2.0
"""An agent that answers for system calls: it listens where a profile's listenerPath says, notes what comes, and gives
the answers of a test."""
import array
import fcntl
import json
import os
import select
import socket
import struct
import threading

from seccomp_probe import probing, profile, rule

RECV, SEND, ID_VALID = 0xC0502100, 0xC0182101, 0x40082102
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


class Call:
    """A call that waits for its answer."""

    def __init__(self, listener, data):
        self.listener = listener
        self.id, self.pid, _, self.number, self.architecture, self.pointer, *self.arguments = struct.unpack("QIIiIQ6Q", data)

    def valid(self):
        try:
            fcntl.ioctl(self.listener, ID_VALID, struct.pack("Q", self.id))
            return True
        except FileNotFoundError:
            return False


def value(n):
    return (n, 0, 0)


def error(n):
    return (0, -n, 0)


def carry_on():
    return (0, 0, CONTINUE)


class Connection:
    """What one connection brought: its pieces, each with the number of descriptors that came with it."""

    def __init__(self, s):
        self.pieces, self.fds, self.ended = [], [], False
        s.settimeout(5)
        with s:
            while not self.ended:
                data, control, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
                found = array.array("i")
                for _, _, c in control:
                    found.frombytes(c[:len(c) - len(c) % 4])
                self.ended = not data
                if data:
                    self.pieces.append((data, len(found)))
                    self.fds += list(found)

    @property
    def state(self):
        return json.loads(b"".join(data for data, _ in self.pieces))


class Agent:
    """Use it with `with`. answer(call) gives value(…), error(…) or carry_on(), or None for no answer."""

    def __init__(self, path, answer=lambda call: carry_on()):
        self.path, self.answer = path, answer
        self.connections, self.calls, self.problems = [], [], []
        self._end = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        directory = os.open(os.path.dirname(path), os.O_PATH)
        try:
            self.socket.bind(f"/proc/self/fd/{directory}/{os.path.basename(path)}")  # however long it is
        finally:
            os.close(directory)
        os.chmod(path, 0o777)
        self.socket.listen(8)

    def __enter__(self):
        self.thread = threading.Thread(target=self._guarded)
        self.thread.start()
        return self

    def __exit__(self, problem, *_):
        self._end.set()
        self.thread.join()
        self.socket.close()
        os.unlink(self.path)
        for c in self.connections:
            for fd in c.fds:
                os.close(fd)
        if not problem:
            assert not self.problems, self.problems

    def numbers(self):
        return [c.number for c in self.calls]

    def _guarded(self):
        try:
            self._loop()
        except Exception as e:
            self.problems.append(repr(e))

    def _loop(self):
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        while not self._end.is_set():
            for fd, event in poll.poll(20):
                if fd == self.socket.fileno():
                    connection = Connection(self.socket.accept()[0])
                    self.connections.append(connection)
                    for listener in connection.fds:
                        poll.register(listener, select.POLLIN)
                elif event & select.POLLIN:
                    self._serve(fd)
                else:
                    poll.unregister(fd)  # nobody has the filter any more

    def _serve(self, listener):
        try:
            call = Call(listener, fcntl.ioctl(listener, RECV, bytes(80)))
        except FileNotFoundError:
            return
        self.calls.append(call)
        answer = self.answer(call)
        if answer:
            try:
                fcntl.ioctl(listener, SEND, struct.pack("QqiI", call.id, *answer))
            except FileNotFoundError:
                pass  # it was interrupted, and is made again


def notifying(box, names="getpriority", program=("probe", "getpriority", "getsid"), path=None, **more):
    """A bundle with a profile that asks about these calls, and permits all others."""
    b = probing(box, profile("ALLOW", rule(names, "NOTIFY"), listenerPath=path or f"{box.dir}/agent", **more))
    b.program(program)
    return b


def agent(box, answer=lambda call: value(4242)):
    """The one of these bundles."""
    return Agent(f"{box.dir}/agent", answer)
