# SPDX-License-Identifier: Apache-2.0
"""conmon as CRI-O and podman call it: it creates the container, holds its streams and notes how it ends."""
import json
import os
import socket
import subprocess

import host
from engine import need
from harness import same, test

LIMIT = 60


class Conmon:
    """One container of a box and the conmon beside it."""

    def __init__(self, box, id="c1"):
        need(("conmon", "conmon"))
        self.box, self.id, self.dir = box, id, f"{box.dir}/conmon"
        for directory in ("exits", "sockets", "persist"):
            os.makedirs(f"{self.dir}/{directory}", exist_ok=True)

    def create(self, bundle, *options):
        """What conmon answers: the pid of the container, or -1 and a message."""
        return self._start(["--bundle", bundle.write().path, "--container-pidfile", f"{self.dir}/pid",
                            "--exit-dir", f"{self.dir}/exits", *options])

    def exec(self, process, *options):
        """The answers to start and to the end: the pid and the exit status, or -1 and a message."""
        with open(f"{self.dir}/process.json", "w") as f:
            json.dump(process, f)
        return self._start(["--bundle", self.dir, "--api-version", "1", "--exec", "--exec-process-spec", f"{self.dir}/process.json",
                            "--container-pidfile", f"{self.dir}/exec-pid", *options], answers=2)

    def _start(self, arguments, answers=1):
        ours, theirs = os.pipe()
        command = ["conmon", "--cid", self.id, "--cuuid", self.id, "--name", self.id, "--runtime", self.box.runtime,
                   "--runtime-arg", f"--root={self.box.root}", "--log-path", f"k8s-file:{self.dir}/log",
                   "--socket-dir-path", f"{self.dir}/sockets", "--persist-dir", f"{self.dir}/persist",
                   "--conmon-pidfile", f"{self.dir}/conmon-pid", *arguments]
        with open(f"{self.dir}/said", "ab") as said:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, timeout=20,
                           env={"PATH": os.environ["PATH"], "_OCI_SYNCPIPE": str(theirs), "XDG_RUNTIME_DIR": ""},
                           pass_fds=[theirs], cwd=self.dir)
        os.close(theirs)
        with os.fdopen(ours) as f:
            lines = [json.loads(f.readline() or "null") for _ in range(answers)]
        return lines if answers > 1 else lines[0]

    def exit_status(self):
        path = f"{self.dir}/exits/{self.id}"
        host.eventually(lambda: os.path.exists(path) and open(path).read(), 10, "conmon's note of the end")
        return int(open(path).read())

    def log(self):
        """What the container wrote: stream and text of each line."""
        with open(f"{self.dir}/log") as f:
            return [tuple(line.rstrip("\n").split(" ", 3)[1:4:2]) for line in f]

    def attach(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(10)
        s.connect(f"{self.dir}/sockets/{self.id}/attach")
        return s


def read_until(attached, text):
    seen = b""
    while text not in seen:
        data = attached.recv(8192)
        assert data, seen
        seen += data[1:]  # the first byte tells the stream
    return seen


@test(timeout=LIMIT)
def conmon_holds_the_streams_and_notes_the_end(box):
    c = Conmon(box)
    answer = c.create(box.bundle("echo out; echo err >&2; sleep 0.1; exit 7"))
    pid = box.state()["pid"]
    same((answer["pid"], open(f"{c.dir}/pid").read()), (pid, str(pid)))
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok().silent()
    same(c.exit_status(), 7)
    same(sorted(c.log()), [("stderr", "err"), ("stdout", "out")])
    box.hozo("delete", "c1").ok()


@test(timeout=LIMIT)
def a_failed_create_comes_back_in_words(box):
    c = Conmon(box)
    answer = c.create(box.bundle(["frobnicate"]))
    assert answer["pid"] == -1 and "executable file not found in $PATH" in answer["message"], answer
    assert not os.path.exists(f"{c.dir}/pid")
    box.unknown()


@test(timeout=LIMIT)
def a_terminal_is_attached_to(box):
    c = Conmon(box)
    b = box.bundle("tty; while read x; do echo got $x; [ $x = end ] && exit 5; done")
    b.process["terminal"] = True
    b.process["consoleSize"] = {"height": 30, "width": 100}
    c.create(b, "--terminal", "--stdin")
    with c.attach() as attached:
        box.hozo("start", "c1").ok()
        read_until(attached, b"/dev/pts/0")
        attached.send(b"word\n")
        read_until(attached, b"got word")
        attached.send(b"end\n")
        same(c.exit_status(), 5)
    box.hozo("delete", "c1").ok()


@test(timeout=LIMIT)
def standard_input_is_attached_to(box):
    c = Conmon(box)
    c.create(box.bundle("read x; echo got $x; exit 3"), "--stdin")
    with c.attach() as attached:
        box.hozo("start", "c1").ok()
        attached.send(b"word\n")
        read_until(attached, b"got word")
    same(c.exit_status(), 3)
    box.hozo("delete", "c1").ok()


def process(bundle, script, **more):
    return {**bundle.process, "args": ["/bin/sh", "-c", script], **more}


@test(timeout=LIMIT)
def exec_tells_pid_and_exit_status(box):
    c = Conmon(box)
    b = box.bundle("sleep 1000")
    c.create(b)
    box.hozo("start", "c1").ok()
    started, ended = c.exec(process(b, "echo said; sleep 0.2; exit 9"))
    assert started["data"] == int(open(f"{c.dir}/exec-pid").read()) > 1, started
    same(ended["data"], 9)
    same(c.log()[-1], ("stdout", "said"))
    started, ended = c.exec(process(b, "test -t 0 && tty && exit 4", terminal=True), "--terminal")
    same(ended["data"], 4)
    os.unlink(f"{c.dir}/exec-pid")
    started, _ = c.exec({**b.process, "args": ["frobnicate"]})
    assert started["data"] == -1 and "executable file not found in $PATH" in started["message"], started
    assert not os.path.exists(f"{c.dir}/exec-pid")
    box.hozo("kill", "c1", "KILL").ok()
    same(c.exit_status(), 137)
    box.hozo("delete", "c1").ok()


@test(timeout=LIMIT)
def conmon_ends_what_takes_too_long(box):
    c = Conmon(box)
    c.create(box.bundle("sleep 1000"), "--timeout", "1")
    box.hozo("start", "c1").ok()
    assert c.exit_status() != 0
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
