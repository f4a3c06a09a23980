# SPDX-License-Identifier: Apache-2.0
"""A container that looks at every process of hozo in its pid namespace, at every system call of theirs."""
import os
import shutil
import socket
import subprocess

import host
from box import ENVIRONMENT, Output
from harness import Skip, same

# hozo has it in its environment and in the configuration's annotations; no plan needs it.
SECRET = "a-secret-of-the-runtime"

CAPABILITIES = [f"CAP_{c}" for c in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
    "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
    "PERFMON BPF CHECKPOINT_RESTORE").split()]


class File:
    """A link of /proc/PID, and what lies behind it."""

    def __init__(self, name, mode, device, inode, mount, fstype, link):
        self.name, self.mode, self.link = name, int(mode, 8), link
        self.id, self.mount, self.fstype = (int(device), int(inode)), int(mount), int(fstype, 16)

    def __repr__(self):
        return f"{self.name} → {self.link} {self.mode:o} {self.id} mount {self.mount} type {self.fstype:x}"


class Look:
    """What the neighbour found in one process."""

    def __init__(self):
        self.files, self.maps, self.denied, self.texts = {}, set(), [], {}

    def add(self, kind, *words):
        if kind == "file":
            self.files[words[0]] = File(*words)
        elif kind == "maps":
            self.maps.add(words[0])
        elif kind == "denied":
            self.denied.append(words)
        else:
            self.texts[kind] = [int(w) for w in words]

    def below(self, directory):
        return [f for name, f in self.files.items() if name.startswith(directory + "/")]

    def descriptors(self):
        return {int(f.name[3:]): f for f in self.below("fd")}

    def __str__(self):
        return "\n".join([*map(str, self.files.values()), str(self.texts), str(self.denied)])


class Stop:
    """A moment at which a process of hozo stood still: what the neighbour saw of which processes."""

    def __init__(self, pid, point, number):
        self.pid, self.point, self.number, self.looks = int(pid), point, int(number), {}


class Neighbour:
    """A container with all capabilities. With `message`, (when, type, value), it also sends that in the name of
    the process that it sees, at the look of that number."""

    def __init__(self, box, *options, message=()):
        self.box, self.known = box, set()
        self.ours, theirs = socket.socketpair()
        bundle = box.bundle(["/bin/neighbour", SECRET, *map(str, message)])
        shutil.copy(self.program("neighbour"), f"{bundle.rootfs}/bin/neighbour")
        bundle.capabilities(*CAPABILITIES)
        self.pid = box.running(self.secretive(bundle), *options, id="neighbour", stdin=theirs)
        theirs.close()

    def program(self, name):
        path = f"{self.box.build}/tests/neighbours/{name}"
        if not os.path.exists(path):
            raise Skip(f"no build directory with tests/neighbours/{name} was given")
        return path

    @staticmethod
    def secretive(bundle):
        """With something to find, and something for which hozo opens a procfs of the host."""
        bundle.config["annotations"] = {"com.example.secret": SECRET}
        bundle.process["oomScoreAdj"] = 100
        return bundle

    def bundle_beside(self):
        """A bundle for another container in this one's pid namespace."""
        bundle = self.secretive(self.box.bundle("true"))
        for namespace in bundle.linux["namespaces"]:
            if namespace["type"] == "pid":
                namespace["path"] = f"/proc/{self.pid}/ns/pid"
        return bundle

    def watch(self, *command):
        """Starts the command under the eyes of the neighbour."""
        log, errors = f"{self.box.dir}/watched", f"{self.box.dir}/watched.err"
        with open(log, "w") as out, open(errors, "w") as err:
            process = subprocess.Popen(
                [self.program("stop"), str(self.ours.fileno()), *command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, pass_fds=[self.ours.fileno()],
                env={**ENVIRONMENT, "HOZO_TEST_SECRET": SECRET})
            self.given = [os.stat(os.devnull), os.fstat(out.fileno()), os.fstat(err.fileno())]
        process.output = Output(process.args, None, log, errors)
        self.box.processes.append(process)
        return process

    def stops(self, process, code=0):
        """All stops of the watched command, which has ended so."""
        process.wait(25)
        stops, ended = [], None
        for line in process.output.out.splitlines():
            pid, *words = line.split("\t")
            if pid == "stop":
                stops.append(Stop(*words))
            elif pid == "ended":
                ended = int(words[0])
            elif pid not in self.known:
                stops[-1].looks.setdefault(pid, Look()).add(*words)
        assert ended == code and process.output.err == "", f"{ended}\n{process.output.err}"
        return stops

    def held(self):
        """What was executed or mapped, by name, and whether the neighbour can write to it by now."""
        self.ours.sendall(b"e")
        text = self.ours.makefile("r")
        return {words[4]: words[3] == "1" for line in iter(text.readline, ".\n")
                for words in [line.rstrip("\n").split("\t")]}


def identity(path):
    st = os.stat(path)
    return st.st_dev, st.st_ino


def inside_process(stops):
    """What was seen of the process that the container gets: all from its birth to its program."""
    pid = stops[-1].pid
    same(stops[-1].point, "exec", "the last stop")
    seen = {name for s in stops for name in s.looks}
    assert len(seen) == 1, f"several processes of hozo were seen: {seen}"
    own = [s for s in stops if s.pid == pid]
    same(own[0].point, "birth", "the first stop")
    assert all(s.looks for s in own), "the neighbour did not see the process at each stop"
    assert sum(s.point == "entry" for s in own) > 30
    clone = next(n for n, s in enumerate(stops) if s.point == "clone" or s == own[0])
    assert not any(s.looks for s in stops[:clone]), "a process of hozo was seen before this one"
    return [look for s in stops for look in s.looks.values()]
