# SPDX-License-Identifier: Apache-2.0
"""kill: which signal arrives, at whom, and what is said when there is nobody."""
import json
import subprocess

import host
from harness import Skip, same, test

REAL_TIME = {"34": 34, "40": 40, "64": 64, "RTMIN": 34, "SIGRTMIN+3": 37, "rtmin+3": 37, "RTMAX-1": 63,
             "sigrtmax": 64}


@test(cases={name: (name, number) for name, number in REAL_TIME.items()})
def a_real_time_signal_arrives(box, case):
    name, number = case
    out = box.create(f"trap 'echo arrived; exit' {number}; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "up\n")
    box.hozo("kill", "c1", name).ok().silent()
    host.eventually(lambda: out.out == "up\narrived\n")


@test(cases={"RTMIN+31": "RTMIN+31", "RTMAX-31": "RTMAX-31", "RTMIN-1": "RTMIN-1"})
def a_signal_beyond_the_real_time_signals_is_refused(box, name):
    pid = box.running()
    box.hozo("kill", "c1", name).fails("unknown signal", name)
    assert host.alive(pid)


@test
def signal_0_asks_whether_it_runs(box):
    pid = box.running()
    box.hozo("kill", "c1", "0").ok().silent()
    assert host.alive(pid)
    box.hozo("kill", "c1", "9").ok()
    box.wait_status("stopped")
    box.hozo("kill", "c1", "0").fails("container not running")


@test
def kill_without_all_ends_every_process_where_no_pid_namespace_does(box):
    b = box.bundle("sleep 100 & sleep 101 & wait")
    b.without_namespace("pid")
    pid = box.running(b)
    host.eventually(lambda: len(host.children(pid)) == 2)
    family = [pid, *host.children(pid)]
    box.hozo("kill", "c1", "KILL").ok()
    host.eventually(lambda: not any(map(host.alive, family)))


@test
def another_signal_without_all_goes_to_the_first_process_only(box):
    out = box.create("(trap 'echo child' USR1; while :; do sleep 0.02; done) & "
                     "trap 'echo parent' USR1; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: "up" in out.out)
    box.hozo("kill", "c1", "USR1").ok()
    host.eventually(lambda: "parent" in out.out)
    assert "child" not in out.out


@test
def all_sends_any_signal_to_every_process(box):
    out = box.create("(trap 'echo child' USR1; echo up; while :; do sleep 0.02; done) & "
                     "trap 'echo parent' USR1; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out.count("up") == 2)
    box.hozo("kill", "-a", "c1", "USR1").ok().silent()
    host.eventually(lambda: "parent" in out.out and "child" in out.out)


@test
def all_after_the_end_is_no_error_and_ends_what_was_left(box):
    b = box.bundle("sleep 100 & exit 0")
    b.without_namespace("pid")
    box.stopped(b)
    left = host.living_children()
    assert left
    box.hozo("kill", "c1", "9").fails("container not running")
    assert all(map(host.alive, left))
    box.hozo("kill", "--all", "c1", "9").ok().silent()
    host.eventually(lambda: not any(map(host.alive, left)))
    box.hozo("kill", "--all", "c1", "9").ok().silent()
    box.hozo("kill", "--all", "c1").ok().silent()


@test(cases={"one": (), "all": ("--all",)})
def sigkill_ends_a_frozen_container(box, options):
    """In a frozen group of cgroup v1 no process even dies."""
    pid = box.running("sleep 100")
    path = host.cgroup_of(pid).get("freezer")
    if not path:
        raise Skip("the host has no v1 freezer")
    with open(f"{host.controller_directory('freezer', path)}/freezer.state", "w") as f:
        f.write("FROZEN")
    box.wait_status("paused")
    box.hozo("kill", *options, "c1", "KILL").ok().silent()
    host.eventually(lambda: not host.alive(pid))
    same(box.state()["status"], "stopped")


@test(cases={"one": (), "all": ("--all",)})
def on_cgroup_v2_sigkill_ends_a_frozen_container(box, options):
    host.cgroup_v2_only()
    b = box.bundle("sleep 100")
    del b.linux["resources"]
    pid = box.running(b)
    [directory] = host.cgroup_directories(b.linux["cgroupsPath"])
    with open(f"{directory}/cgroup.freeze", "w") as f:
        f.write("1")
    box.wait_status("paused")
    box.hozo("kill", *options, "c1", "KILL").ok().silent()
    host.eventually(lambda: not host.alive(pid))


@test
def a_frozen_container_is_not_deleted_without_force(box):
    pid = box.running("sleep 100")
    path = host.cgroup_of(pid).get("freezer")
    if not path:
        raise Skip("the host has no v1 freezer")
    with open(f"{host.controller_directory('freezer', path)}/freezer.state", "w") as f:
        f.write("FROZEN")
    box.wait_status("paused")
    box.hozo("delete", "c1").fails("cannot delete container c1 that is not stopped: paused")
    box.hozo("start", "c1").fails("cannot start a container in the paused state")
    box.hozo("delete", "--force", "c1").ok().silent()
    assert not host.alive(pid)
    box.nothing_left()


@test
def a_process_that_only_has_its_number_is_left_alone(box):
    """The pid of a container that has ended may belong to a stranger by now: then it has another start time."""
    box.stopped()
    stranger = subprocess.Popen(["sleep", "100"])
    try:
        path = f"{box.root}/c1/state.json"
        with open(path) as f:
            state = json.load(f)
        state["pid"] = stranger.pid
        with open(path, "w") as f:
            json.dump(state, f)
        box.hozo("kill", "c1", "9").fails("container not running")
        same(box.state()["status"], "stopped")
        box.hozo("delete", "--force", "c1").ok()
        assert host.alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()
