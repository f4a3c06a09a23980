# SPDX-License-Identifier: Apache-2.0
"""Files of the control group of a container, whatever its layout; block devices to be slowed down."""
import os
import subprocess

import host
from harness import Skip

V2_NAMES = {"blkio": "io"}
PAGE = os.sysconf("SC_PAGESIZE")


class Group:
    """The files of one controller in the control group of a bundle. `controller` is the name in cgroup v1."""

    def __init__(self, b, controller):
        self.path, self.v2 = b.linux["cgroupsPath"], False
        for point, names in host.hierarchies().items():
            if controller in names:
                self.directory = point + self.path
                return
        self.v2 = True
        self.directory = host.controller_directory(V2_NAMES.get(controller, controller), self.path)

    def has(self, v1, v2=None):
        return os.path.exists(f"{self.directory}/{v2 if self.v2 and v2 else v1}")

    def read(self, v1, v2=None):
        """Without the newline; v1 and v2 are names of files."""
        with open(f"{self.directory}/{v2 if self.v2 and v2 else v1}") as f:
            return f.read().rstrip("\n")

    def write(self, file, text):
        with open(f"{self.directory}/{file}", "w") as f:
            f.write(text)

    def snapshot(self):
        """{file: content} of what can be set: files that are written and read, and do not count."""
        found = {}
        for name in os.listdir(self.directory):
            if name.startswith(("cgroup.", "tasks", "notify_", "release_")) or "pressure" in name:
                continue
            if not os.stat(f"{self.directory}/{name}").st_mode & 0o200 or "failcnt" in name or "usage" in name \
                    or "peak" in name:
                continue
            try:
                found[name] = self.read(name)
            except OSError:
                pass
        return found


def only(version):
    """Skips on the other layout; version is "v1" or "v2"."""
    v2 = set(map(frozenset, host.hierarchies().values())) == {frozenset({""})}
    if v2 != (version == "v2"):
        raise Skip("the host has no pure cgroup v2" if version == "v2" else "the host has only cgroup v2")


class Disk:
    """A block device over a file of the test's own: `with Disk(box) as disk: disk.path, disk.major, disk.minor`."""

    def __init__(self, box, megabytes=8):
        self.file = f"{box.dir}/disk"
        with open(self.file, "wb") as f:
            f.write(os.urandom(1 << 20) * megabytes)

    def __enter__(self):
        if not os.path.exists("/dev/loop-control"):
            subprocess.run(["modprobe", "loop"], capture_output=True)
        r = subprocess.run(["losetup", "--find", "--show", "--direct-io=off", self.file], capture_output=True,
                           text=True)
        if r.returncode:
            raise Skip(f"no loop device: {r.stderr.strip()}")
        self.path = r.stdout.strip()
        number = os.stat(self.path).st_rdev
        self.major, self.minor = os.major(number), os.minor(number)
        self.device = {"path": "/dev/disk", "type": "b", "major": self.major, "minor": self.minor}
        return self

    def __exit__(self, *_):
        subprocess.run(["losetup", "--detach", self.path], capture_output=True)

    def give(self, b):
        b.linux["devices"] = [*b.linux.get("devices", []), self.device]
        b.linux["resources"]["devices"].append({"allow": True, "type": "b", "major": self.major,
                                                "minor": self.minor, "access": "rw"})

    def number(self, **more):
        return {"major": self.major, "minor": self.minor, **more}
