# SPDX-License-Identifier: Apache-2.0
"""A frozen control group never hangs a verb: paused by hozo, frozen from above by somebody else, or only half
frozen, since one process cannot be stopped."""
import json
import os
import time

import freezing
import host
from freezing import LAYOUTS
from harness import same, test

SECONDS = 15


class Frozen:
    """A container whose processes do not run, and what its verbs shall answer."""

    def __init__(self, box, start=True):
        self.box = box
        self.bundle = box.bundle("trap 'exit 0' TERM; sleep 100 & wait")
        self.bundle.linux["cgroupsPath"] += "/own"
        self.pid = box.created(self.bundle)
        if start:
            box.hozo("start", "c1").ok()
            host.eventually(lambda: host.children(self.pid))
        self.group = freezing.group(self.pid)
        self.above = os.path.dirname(self.group)
        box.undo.append(self.thaw)
        self.freeze()

    def hozo(self, *arguments):
        return self.box.hozo(*arguments, timeout=SECONDS)

    def thaw(self):
        if os.path.exists(self.above):
            freezing.order(self.above, False)

    def end(self):
        self.thaw()
        self.hozo("delete", "--force", "c1").ok()
        for directory in host.cgroup_directories(self.box.cgroup):
            host.remove_cgroup(directory)
        self.box.nothing_left()


class Paused(Frozen):
    status, dies = "paused", True

    def freeze(self):
        self.box.hozo("pause", "c1").ok()

    def resumes(self):
        self.hozo("resume", "c1").ok().silent()
        return True

    def does_not_pause(self):
        self.hozo("pause", "c1").fails("cannot pause a container in the paused state")


class FrozenAbove(Frozen):
    status = "paused"

    def freeze(self):
        freezing.order(self.above, True)
        host.eventually(lambda: freezing.state(self.group) == "FROZEN")

    @property
    def dies(self):
        """With cgroup v1 a frozen process does not even die, and the container is not asked about what lies above."""
        return os.path.exists(f"{self.group}/cgroup.freeze")

    def resumes(self):
        self.hozo("resume", "c1").fails("the container stays frozen: a control group above its own is frozen")
        return False

    does_not_pause = Paused.does_not_pause


class HalfFrozen(Frozen):
    dies = True

    def freeze(self):
        self.status = self.box.state()["status"]
        self.stuck = freezing.Unfreezable(self.group)
        freezing.order(self.group, True)
        time.sleep(0.2)
        same(freezing.state(self.group), "FREEZING")

    def resumes(self):
        self.hozo("resume", "c1").ok().silent()
        return True

    def does_not_pause(self):
        self.hozo("pause", "c1").fails("some of the container's processes do not freeze: all run again")
        freezing.order(self.group, True)

    def end(self):
        if os.path.exists(self.group):
            freezing.order(self.group, False)
        self.stuck.end()
        super().end()


KINDS = {"paused": Paused, "frozen from above": FrozenAbove, "half frozen": HalfFrozen}
CASES = {f"{kind}, {name}": (make, layout) for kind, make in KINDS.items() for name, layout in LAYOUTS.items()}


@test(cases=CASES, timeout=60)
def what_only_looks_answers(box, case):
    make, layout = case
    layout()
    f = make(box)
    same(json.loads(f.hozo("state", "c1").ok().out)["status"], f.status)
    assert f.status in f.hozo("list").ok().out
    pids = json.loads(f.hozo("ps", "--format", "json", "c1").ok().out)
    assert f.pid in pids and len(pids) >= 2, pids
    assert "sleep 100" in f.hozo("ps", "c1").ok().out
    f.hozo("kill", "c1", "0").ok().silent()
    same(json.loads(f.hozo("events", "--stats", "c1").ok().out)["type"], "stats")
    f.end()


@test(cases=CASES, timeout=60)
def its_limits_are_changed(box, case):
    make, layout = case
    layout()
    host.controller_directory("pids", "")
    f = make(box)
    f.hozo("update", "--pids-limit", "77", "c1").ok().silent()
    with open(f"{host.controller_directory('pids', f.bundle.linux['cgroupsPath'])}/pids.max") as limit:
        same(limit.read(), "77\n")
    same(box.state()["status"], f.status)
    f.end()


@test(cases=CASES, timeout=60)
def nothing_is_started_in_it(box, case):
    make, layout = case
    layout()
    f = make(box)
    text = "cannot exec in a paused container"
    f.hozo("exec", "c1", "true").fails(text, code=255)
    f.hozo("exec", "--cgroup", "/", "c1", "true").fails(text, code=255)
    f.does_not_pause()
    f.hozo("delete", "c1").fails("cannot delete container c1 that is not stopped: " + f.status)
    f.end()


@test(cases=CASES, timeout=60)
def a_created_one_is_started_when_it_is_thawed(box, case):
    make, layout = case
    layout()
    f = make(box, start=False)
    f.hozo("start", "c1").fails("cannot start a container in the paused state")
    same(box.state()["status"], f.status)
    f.thaw() if not f.resumes() else None
    same(box.state()["status"], "created")
    f.hozo("start", "c1").ok()
    same(box.state()["status"], "running")
    f.end()


@test(cases=CASES, timeout=60)
def signals_wait_and_resume_answers(box, case):
    make, layout = case
    layout()
    f = make(box)
    f.hozo("kill", "c1", "TERM").ok().silent()
    f.hozo("kill", "--all", "c1", "WINCH").ok().silent()
    host.eventually(lambda: box.state()["status"] == f.status)
    if not f.resumes():
        f.thaw()
    host.eventually(lambda: box.state()["status"] == "stopped")
    f.end()


@test(cases={f"{name}, {kind}": (*case, options) for name, case in CASES.items()
             for kind, options in {"one": (), "all": ("--all",)}.items()}, timeout=60)
def sigkill_ends_it(box, case):
    make, layout, options = case
    layout()
    f = make(box)
    f.hozo("kill", *options, "c1", "KILL").ok().silent()
    if not f.dies:
        same(box.state()["status"], "paused")
        f.thaw()
    host.eventually(lambda: not host.alive(f.pid))
    f.hozo("resume", "c1").fails("container not running")
    f.end()


@test(cases=CASES, timeout=60)
def delete_by_force_ends_it_or_says_why_not(box, case):
    make, layout = case
    layout()
    f = make(box)
    if f.dies:
        f.hozo("delete", "--force", "c1").ok().silent()
    else:
        f.hozo("delete", "--force", "c1").fails("a control group above its own is frozen")
        same(box.state()["status"], "paused")
    f.end()


@test(cases=LAYOUTS, timeout=60)
def no_container_is_made_below_a_frozen_group(box, layout):
    layout()
    f = FrozenAbove(box)
    b = box.bundle("true")
    b.linux["cgroupsPath"] = f.bundle.linux["cgroupsPath"][:-4] + "/other"
    box.create(b, id="c2", timeout=SECONDS).fails("linux.cgroupsPath", "is frozen")
    assert not os.path.exists(f"{f.above}/other")
    f.end()


@test(cases=LAYOUTS, timeout=60)
def no_container_is_made_below_a_half_frozen_group(box, layout):
    layout()
    f = HalfFrozen(box)
    b = box.bundle("true")
    b.linux["cgroupsPath"] = f.bundle.linux["cgroupsPath"] + "/below"
    box.create(b, id="c2", timeout=SECONDS).fails("linux.cgroupsPath", "is frozen")
    assert not os.path.exists(f"{f.group}/below")
    f.end()


@test(cases=LAYOUTS, timeout=60)
def what_is_frozen_while_it_starts_stays_created(box, layout):
    """The lock is held, and the byte that lets it start is taken back."""
    layout()
    pid = box.created("echo ran")
    group = freezing.group(pid)
    os.kill(pid, 19)
    host.eventually(lambda: host.process_state(pid) == "T")
    starting = box.spawn("start", "c1")
    host.eventually(lambda: any("/c1/result" in link for link in links(starting.pid)))
    time.sleep(0.2)
    freezing.order(group, True)
    same(starting.wait(SECONDS), 1)
    starting.output.says("cannot start a container in the paused state")
    os.kill(pid, 18)
    freezing.order(group, False)
    time.sleep(0.2)
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")


def links(pid):
    try:
        return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []
