# SPDX-License-Identifier: Apache-2.0
"""Units of systemd, where it is PID 1."""
import glob
import os
import subprocess
import time

import harness
import host
from harness import Skip, same

CGROUP = "/sys/fs/cgroup"

# What systemctl says while another test lets systemd restart.
RESTARTING = ("Transport endpoint is not connected", "Connection refused", "Connection reset", "Failed to connect",
              "Broken pipe", "disconnected", "No such file or directory")


def is_booted():
    return os.path.isdir("/run/systemd/system")


def needed():
    if not is_booted():
        raise Skip("systemd is not PID 1 here")


def is_v2():
    return os.path.exists(f"{CGROUP}/cgroup.controllers")


def v2_needed():
    needed()
    if not is_v2():
        raise Skip("systemd manages cgroup v1 here")


def systemctl(*words, user=None, check=True):
    """What it prints; as an ordinary user it asks that user's manager."""
    command, how = ["systemctl", "--no-pager", *words], {}
    if user:
        command.insert(1, "--user")
        how = {"user": user, "group": user, "extra_groups": [], "env": user_environment(user)}
    r = asked(command, **how)
    assert not check or r.returncode == 0, f"{' '.join(command)}: {r.stdout}{r.stderr}"
    return r.stdout


def asked(command, **how):
    """Runs what asks systemd, again if that restarts meanwhile."""
    for _ in range(50):
        r = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **how)
        if r.returncode == 0 or not any(text in r.stderr for text in RESTARTING):
            break
        time.sleep(0.2)
    return r


def user_environment(uid):
    return {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": f"/run/user/{uid}", "HOME": "/tmp"}


def properties(unit, *names, user=None):
    lines = systemctl("show", unit, *(f"--property={n}" for n in names), user=user).splitlines()
    return dict(line.split("=", 1) for line in lines)


def value(unit, name, user=None):
    return properties(unit, name, user=user)[name]


def named(prefix):
    """All units in systemd's memory whose names begin so."""
    rows = systemctl("list-units", "--all", "--plain", "--no-legend", "--full", f"{prefix}*").splitlines()
    return [row.split()[0] for row in rows if row.strip()]


def transient(prefix):
    """… and files of transient ones."""
    return [os.path.basename(p) for p in glob.glob(f"/run/systemd/transient/{prefix}*")]


def is_active(unit):
    return value(unit, "ActiveState") == "active"


def gone(unit):
    # A slice needs no file to be known; one that had failed would be "failed".
    known = ("ActiveState", "inactive") if unit.endswith(".slice") else ("LoadState", "not-found")
    same(value(unit, known[0]), known[1], unit)
    # In Python it takes seconds where the machine is emulated.
    same(subprocess.run(["find", CGROUP, "-type", "d", "-name", unit], capture_output=True, text=True).stdout, "")
    same(transient(unit), [])


def eventually_gone(unit):
    host.eventually(lambda: value(unit, "LoadState") == "not-found", 5, f"the end of {unit}")
    gone(unit)


class Scope:
    """A bundle whose container is to be a unit, in `slice`; the unit's name is the test's own."""

    def __init__(self, box, program="sleep 1000", slice="system.slice", name="c", suffix=".scope", **resources):
        needed()
        box.systemd = True
        self.box, self.prefix, self.group = box, box.cgroup.strip("/"), ""
        self.unit = f"{self.prefix}-{name}{suffix}" if suffix == ".scope" else f"{self.prefix}{name}{suffix}"
        self.bundle = box.bundle(program)
        self.linux, self.config = self.bundle.linux, self.bundle.config
        part = name if suffix == ".scope" else self.unit
        self.linux["cgroupsPath"] = f"{slice}:{self.prefix}:{part}"
        self.bundle.unit = None
        self.linux["resources"].update(resources)

    def file(self, name):
        """The text of a file of the unit's cgroup."""
        with open(f"{self.directory()}/{name}") as f:
            return f.read().rstrip("\n")

    def directory(self, controller=None):
        self.group = self.group or value(self.unit, "ControlGroup")
        return f"{CGROUP}{self.group}" if is_v2() else host.controller_directory(controller, self.group)

    def properties(self, *names):
        return properties(self.unit, *names)

    def value(self, name):
        return value(self.unit, name)


def reload():
    systemctl("daemon-reload")


def reexec():
    systemctl("daemon-reexec")


def shake(unit):
    """All that makes systemd write a unit's limits again, or read what it knows of it."""
    reload()
    yield "daemon-reload"
    reexec()
    yield "daemon-reexec"
    for name, other in (("CPUWeight", "77"), ("IOWeight", "77")) if is_v2() else (("CPUShares", "777"),):
        systemctl("set-property", "--runtime", unit, f"{name}={other}")
    yield "set-property"
    reload()
    yield "daemon-reload after set-property"


def patience(seconds):
    return seconds * harness.patience
