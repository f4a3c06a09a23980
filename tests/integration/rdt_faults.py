# SPDX-License-Identifier: Apache-2.0
"""hozo fails, or is killed, at every call from where it finds resctrl until the container is in its class: what is left
is a container, or nothing."""
import collections
import os
import shutil
import subprocess

from box import ENVIRONMENT, Output
from emulated_resctrl import Resctrl, with_rdt
from harness import Skip, same, test

SECTION = {"closID": "gold", "schemata": ["L3:0=f", "MB:0=50"], "enableMonitoring": True}


def strace(box, injections, *arguments):
    """The runtime alone; its children are not traced."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    out, err = f"{box.dir}/out", f"{box.dir}/err"
    command = ["strace", "-qq", "-o", f"{box.dir}/trace", *injections, box.runtime, "--root", box.root, *arguments]
    with open(out, "wb") as o, open(err, "wb") as e:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=ENVIRONMENT, timeout=20).returncode
    return Output(command, code, out, err)


def calls(box, *arguments):
    """Those that concern resctrl when all goes well: (name, which of that name)."""
    strace(box, [], *arguments).ok()
    with open(f"{box.dir}/trace") as f:
        lines = f.read().splitlines()
    seen, found, locked = collections.Counter(), [], False
    for line in lines:
        name = line.split("(")[0]
        seen[name] += 1
        locked |= name == "flock"
        if locked and name in ("flock", "openat2", "mkdirat", "write", "openat", "renameat", "fsync", "fdatasync"):
            found.append((name, seen[name]))
        if "gold/mon_groups/c1/tasks" in line:
            found.append(("write", seen["write"] + 1))
            break
    assert {"flock", "openat2", "mkdirat", "write"} <= {name for name, _ in found} and len(found) > 15, found
    return found


def prepared(box):
    r = Resctrl(box)
    arguments = "create", "--bundle", with_rdt(box, **SECTION).write().path, "c1"
    found = calls(box, *arguments)
    box.hozo("delete", "--force", "c1").ok()
    same(r.groups(), [])
    return r, arguments, found


@test(sanitized=False, timeout=120)
def a_create_that_fails_anywhere_leaves_no_group(box):
    r, arguments, found = prepared(box)
    for name, number in found:
        result = strace(box, [f"-einject={name}:error=EIO:when={number}"], *arguments)
        if result.code == 0:
            box.hozo("delete", "--force", "c1").ok()
        same(r.groups(), [], f"{name} {number}: {result}")
        box.unknown()


@test(sanitized=False, timeout=120)
def a_create_that_is_killed_anywhere_is_cleaned_up(box):
    r, arguments, found = prepared(box)
    for name, number in found:
        result = strace(box, [f"-einject={name}:signal=KILL:when={number}"], *arguments)
        if os.path.isdir(f"{box.root}/c1"):
            box.hozo("delete", "--force", "c1").ok()
        same(r.groups(), [], f"{name} {number}: {result}")


@test(sanitized=False, timeout=120)
def a_class_that_was_there_is_as_it_was(box):
    """Lines that were written into it go back."""
    r, arguments, found = prepared(box)
    r.make("gold", "L3:1=3", "MB:1=20")
    before = r.read("gold/schemata")
    for name, number in found[:[n for n, _ in found].index("mkdirat")]:
        result = strace(box, [f"-einject={name}:error=EIO:when={number}"], *arguments)
        if result.code == 0:
            continue_with(box, r, before)
        same((r.groups(), r.groups("gold/mon_groups")), (["gold"], []), f"{name} {number}: {result}")
        same(r.read("gold/schemata"), before, f"{name} {number}: {result}")


def continue_with(box, r, before):
    """The container is there: its lines are, too."""
    assert r.read("gold/schemata") != before
    box.hozo("delete", "--force", "c1").ok()
    for line in before.splitlines():
        r.write("gold/schemata", line)
