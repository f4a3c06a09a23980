# SPDX-License-Identifier: Apache-2.0
"""A bundle around a real root file system, made from busybox-static."""
import contextlib
import copy
import functools
import json
import os
import shutil
import subprocess

import machines
from harness import Skip

BUSYBOX = "/bin/busybox"

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]

# What `runc spec` writes, without a terminal.
DEFAULT = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["true"],
        "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: CAPABILITIES for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "tenon",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
         "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                        "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}


def make_rootfs(path):
    """A root file system with busybox, its applets, and a few accounts."""
    if not os.access(BUSYBOX, os.X_OK) or b"statically" not in _kind_of_busybox():
        raise Skip("busybox-static is not installed")
    for d in ("bin", "dev", "etc", "proc", "root", "home/ann", "sys", "tmp", "usr/bin", "var"):
        os.makedirs(f"{path}/{d}", exist_ok=True)
    shutil.copy(BUSYBOX, f"{path}/bin/busybox")
    # An inode for each, as symbolic links need them, takes ten times as long.
    for applet in applets():
        with contextlib.suppress(FileExistsError):
            os.link(f"{path}/bin/busybox", f"{path}/bin/{applet}")
    with open(f"{path}/etc/passwd", "w") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n")
    with open(f"{path}/etc/group", "w") as f:
        f.write("root:x:0:\nann:x:1000:\n")
    os.chmod(f"{path}/tmp", 0o1777)
    os.chown(f"{path}/home/ann", 1000, 1000)


@functools.cache
def applets():
    if not os.access(BUSYBOX, os.X_OK):
        return []
    return subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True).stdout.split()


def _kind_of_busybox():
    with open(BUSYBOX, "rb") as f:
        return b"dynamically" if b"/lib64/ld-linux" in f.read(4096) else b"statically"


class Bundle:
    """A directory with rootfs/ and config.json; `config` may be changed until the bundle is used."""

    def __init__(self, path, program, cgroup, rootfs=None):
        self.path, self.rootfs = path, rootfs or f"{path}/rootfs"
        os.makedirs(path)
        self.config = copy.deepcopy(DEFAULT)
        if rootfs:
            self.config["root"]["path"] = rootfs
        else:
            make_rootfs(self.rootfs)
        self.config["linux"]["cgroupsPath"] = cgroup
        self.unit = cgroup if cgroup.endswith(".scope") else None
        self.kernel = None  # of a machine, which this container is then
        self.program(program)

    def program(self, program):
        """A script for the container's shell, or a list of arguments."""
        args = ["/bin/sh", "-c", program] if isinstance(program, str) else list(program)
        self.process["args"] = args

    @property
    def process(self):
        return self.config["process"]

    @property
    def linux(self):
        return self.config["linux"]

    def mount(self, destination, source="tmpfs", fstype="tmpfs", options=()):
        self.config["mounts"].append({"destination": destination, "type": fstype,
                                      "source": source, "options": list(options)})

    def bind(self, source, destination, *options):
        self.mount(destination, source, "bind", ["bind", *options])

    def namespaces(self, *kinds):
        self.linux["namespaces"] = [{"type": k} for k in kinds]

    def without_namespace(self, kind):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != kind]

    def capabilities(self, *names):
        self.process["capabilities"] = {k: list(names) for k in ("bounding", "effective", "permitted")}

    def hook(self, kind, path, args=None, **more):
        hooks = self.config.setdefault("hooks", {}).setdefault(kind, [])
        hooks.append({"path": path, **({"args": args} if args is not None else {}), **more})

    def script(self, name, text):
        """Writes an executable script beside the root file system, and returns its path."""
        path = f"{self.path}/{name}"
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def write(self):
        with open(f"{self.path}/config.json", "w") as f:
            json.dump(self._as_asked(), f)
        return self

    def _as_asked(self):
        config = copy.deepcopy(self.config)
        if self.kernel:
            machines.ask(config, self.kernel)
        if self.unit:
            self._name_unit(config)
        return config

    def _name_unit(self, config):
        """As systemd wants to have the group named. In the slice at the top, of which it makes no directory, the unit
        "hozo-x.scope" lies where the path "/hozo-x.scope" leads without systemd."""
        path = config["linux"].get("cgroupsPath") or self.unit
        if ":" not in path:
            prefix, dash, name = path.lstrip("/").partition("-")
            if not dash or "/" in name or not name.endswith(".scope"):
                raise Skip("no unit has such a path")
            config["linux"]["cgroupsPath"] = f"-.slice:{prefix}:{name.removesuffix('.scope')}"
