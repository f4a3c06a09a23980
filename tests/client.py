# SPDX-License-Identifier: Apache-2.0
"""Engines as tests play them: what each says before a verb, in which environment, and how it reads errors."""
import datetime
import json
import os
import re
import subprocess

import host
from box import ENVIRONMENT, SANITIZER_OPTIONS, Output
from harness import Skip, libc, same


# --- typing

def start(box, words, **options):
    """The runtime with these words and no other: box.hozo() would add --root."""
    box.count += 1
    out, err = f"{box.dir}/{box.count}.out", f"{box.dir}/{box.count}.err"
    with open(out, "wb") as o, open(err, "wb") as e:
        process = subprocess.Popen([box.runtime, *map(str, words)],
                                   **{"env": ENVIRONMENT, "stdin": subprocess.DEVNULL, "stdout": o, "stderr": e,
                                      **options})
    process.output = Output(process.args, None, out, err)
    return process


def types(box, *words, **options):
    process = start(box, words, **options)
    process.output.code = process.wait(25)
    return process.output


class Engine:
    """One client in one place: what it says before each verb, and how."""

    def __init__(self, box, *head, **options):
        self.box, self.head, self.options = box, head, options

    def __call__(self, *words, **options):
        return types(self.box, *self.head, *words, **{**self.options, **options})

    def start(self, *words):
        process = start(self.box, [*self.head, *words], **self.options)
        self.box.processes.append(process)
        return process

    def state(self, id="c1"):
        """Both streams together."""
        r = self("state", id).ok()
        return json.loads(r.out + r.err)


def shim(box, *more):
    """containerd's shim: go-runc."""
    return Engine(box, "--root", box.root, "--log", f"{box.dir}/log.json", "--log-format", "json", *more)


def private_run():
    """For clients that leave --root to the runtime: /run of this test alone."""
    host.private_mounts()
    if libc.mount(b"none", b"/run", b"tmpfs", 0, None):
        raise Skip("no tmpfs can be mounted")


def podman(box, *more):
    """Podman itself: nothing but the verb, and an XDG_RUNTIME_DIR that is empty if it is root."""
    private_run()
    return Engine(box, *more, env={"XDG_RUNTIME_DIR": "", "PATH": ENVIRONMENT["PATH"], **SANITIZER_OPTIONS})


def crio(box, *more):
    return Engine(box, "--root", box.root, *more, env={"PATH": ENVIRONMENT["PATH"], "XDG_RUNTIME_DIR": "/run/user/0",
                                                       "CRI_O_EXTERNAL": "1", **SANITIZER_OPTIONS})


def pid_of(file):
    """As go-runc and BuildKit do it: no byte but digits."""
    with open(file) as f:
        text = f.read()
    assert re.fullmatch(r"[0-9]+", text), repr(text)
    return int(text)


def process_file(box, program, **members):
    path = f"{box.dir}/process-{len(os.listdir(box.dir))}.json"
    with open(path, "w") as f:
        json.dump({"args": ["/bin/sh", "-c", program], "cwd": "/", "user": {"uid": 0, "gid": 0},
                   "env": ["PATH=/bin"], **members}, f)
    return path


# --- reading errors

def containerd_error(log):
    """All values of the log; the last with level "error" counts; anything malformed spoils all."""
    with open(log) as f:
        text, decoder, message, at = f.read(), json.JSONDecoder(), None, 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        entry, at = decoder.raw_decode(text, at)
        assert {"level", "msg", "time"} <= entry.keys(), entry
        rfc3339(entry["time"])
        if entry["level"] == "error":
            message = entry["msg"].strip()
    return message


def podman_error(log):
    """The whole log is one object."""
    with open(log) as f:
        entry = json.loads(f.read())
    same(entry["level"], "error")
    assert isinstance(entry["time"], str)
    return entry["msg"]


def rfc3339(text):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text), text
    return datetime.datetime.fromisoformat(re.sub(r"\.\d+|Z$", "", text))


def docker_code(message, command):
    lower = message.lower()
    if any(command in message and s in lower for s in
           ("executable file not found", "no such file or directory", "system cannot find the file specified")):
        return 127
    if "permission denied" in lower:
        return 126
    return 127 if "not a directory" in lower else 125


def podman_code(message):
    if re.search("permission denied|operation not permitted", message, re.I):
        return 126
    missing = "executable file not found in|no such file or directory|open executable"
    return 127 if re.search(missing, message, re.I) else 125
