# SPDX-License-Identifier: Apache-2.0
"""create, start, state, kill, delete, list."""
import json
import os
import re
import shutil
import subprocess
import time

import host
from harness import same, test

STATE_KEYS = ("ociVersion", "id", "pid", "status", "bundle")


@test
def create_sets_up_and_waits_and_start_lets_go(box):
    b = box.bundle("echo started; sleep 100")
    created = box.create(b).ok()
    time.sleep(0.1)
    same(created.out, "", "the program ran before start")
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok().silent()
    same(box.state()["status"], "running")
    host.eventually(lambda: created.out == "started\n")


@test
def state_tells_all_that_the_specification_names(box):
    b = box.bundle("sleep 100")
    b.config["annotations"] = {"org.example.colour": "green \"quoted\" ☃"}
    pid = box.created(b)
    state = box.state()
    assert all(key in state for key in STATE_KEYS), state
    assert state["id"] == "c1" and state["bundle"] == b.path and state["pid"] == pid
    same(state["ociVersion"], b.config["ociVersion"])
    same(state["rootfs"], b.rootfs)
    same(state["annotations"], b.config["annotations"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", state["created"]), state
    assert host.alive(pid)


@test
def a_container_goes_through_all_its_statuses(box):
    pid = box.created("sleep 100")
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok()
    same(box.state()["status"], "running")
    box.hozo("kill", "c1", "KILL").ok().silent()
    host.eventually(lambda: not host.alive(pid))
    state = box.state()
    assert state["status"] == "stopped" and state["pid"] == 0, state
    box.hozo("delete", "c1").ok().silent()
    box.unknown()
    box.nothing_left()


@test
def a_zombie_counts_as_stopped(box):
    pid = box.running("true")
    host.eventually(lambda: host.process_state(pid) == "Z")
    same(box.state()["status"], "stopped")
    box.hozo("delete", "c1").ok()


@test
def create_leaves_no_process_but_the_container(box):
    pid = box.created("sleep 100")
    same(host.living_children(), [pid])


@test
def a_program_that_ends_at_once_is_no_error(box):
    for n in range(5):
        box.running("true", id=f"c{n}")


# --- errors of state

@test(cases={verb: verb for verb in ("state", "start", "kill", "delete")})
def an_unknown_container_does_not_exist(box, verb):
    box.hozo(verb, "nobody").fails("container does not exist")
    box.nothing_left()


@test
def an_id_that_is_taken_is_refused_and_its_owner_is_left_alone(box):
    pid = box.created("echo survived; sleep 100")
    box.create("true").fails("container with given ID already exists")
    assert box.state()["status"] == "created" and box.state()["pid"] == pid
    box.hozo("start", "c1").ok()
    same(box.state()["status"], "running")


@test
def the_control_group_of_the_owner_survives_a_refused_id(box):
    b = box.bundle("sleep 100")
    pid = box.created(b)
    box.create(b).fails("container with given ID already exists")
    assert host.cgroup_directories(b.linux["cgroupsPath"]) and host.alive(pid)


@test
def a_container_is_started_once(box):
    pid = box.running()
    box.hozo("start", "c1").fails("cannot start an already running container")
    assert host.alive(pid)


@test
def a_stopped_container_is_not_started(box):
    box.stopped()
    box.hozo("start", "c1").fails("cannot start a container that has stopped")


@test
def a_container_that_was_killed_before_its_start_is_not_started(box):
    pid = box.created("true")
    box.hozo("kill", "c1", "KILL").ok()
    host.eventually(lambda: not host.alive(pid))
    same(box.state()["status"], "stopped")
    box.hozo("start", "c1").fails("cannot start a container that has stopped")


# --- kill

@test(cases={s: s for s in ("TERM", "SIGTERM", "sigterm", "term", "15")})
def kill_understands_each_way_to_write_a_signal(box, signal):
    out = box.create("trap 'echo terminated; exit' TERM; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "up\n")
    box.hozo("kill", "c1", signal).ok().silent()
    host.eventually(lambda: out.out == "up\nterminated\n")


@test
def kill_sends_term_by_default(box):
    out = box.create("trap 'echo terminated; exit' TERM; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "up\n")
    box.hozo("kill", "c1").ok()
    host.eventually(lambda: out.out == "up\nterminated\n")


@test
def kill_sends_a_real_time_signal_by_number(box):
    b = box.bundle("sleep 100")
    b.without_namespace("pid")
    pid = box.running(b)
    box.hozo("kill", "c1", "34").ok()
    host.eventually(lambda: not host.alive(pid))


@test(cases={s: s for s in ("FOO", "SIGFOO", "65", "-1", "9x", "999999999999")})
def an_unknown_signal_is_refused(box, signal):
    pid = box.running()
    box.hozo("kill", "c1", signal).fails("unknown signal", f'"{signal}"')
    assert host.alive(pid)


@test
def kill_after_the_end_says_that_it_is_not_running(box):
    box.stopped()
    box.hozo("kill", "c1", "TERM").fails("container not running")
    box.hozo("kill", "c1", "9").fails("container not running", "no such process")


@test
def kill_ends_a_container_that_is_only_created(box):
    pid = box.created("true")
    box.hozo("kill", "c1", "9").ok()
    host.eventually(lambda: not host.alive(pid))


@test
def kill_all_ends_every_process_of_a_shared_pid_namespace(box):
    b = box.bundle("sleep 100 & sleep 101 & sleep 102 & wait")
    b.without_namespace("pid")
    pid = box.running(b)
    host.eventually(lambda: len(host.children(pid)) == 3)
    family = [pid, *host.children(pid)]
    box.hozo("kill", "--all", "c1", "KILL").ok()
    host.eventually(lambda: not any(map(host.alive, family)))


@test
def delete_ends_what_a_shared_pid_namespace_left(box):
    b = box.bundle("sleep 100 & exit 0")
    b.without_namespace("pid")
    box.running(b)
    box.wait_status("stopped")
    assert host.living_children(), "the orphan lives"
    box.hozo("delete", "c1").ok()
    box.nothing_left()


# --- delete

@test
def a_running_container_is_not_deleted(box):
    pid = box.running()
    box.hozo("delete", "c1").fails("cannot delete container c1 that is not stopped", "running")
    assert host.alive(pid) and box.state()["status"] == "running"


@test(cases={"--force": "--force", "-f": "-f"})
def delete_with_force_kills(box, option):
    pid = box.running()
    box.hozo("delete", option, "c1").ok().silent()
    assert not host.alive(pid)
    box.nothing_left()


@test
def a_container_that_waits_for_its_start_is_deleted(box):
    pid = box.created("true")
    box.hozo("delete", "c1").ok().silent()
    assert not host.alive(pid)
    box.nothing_left()


@test
def delete_with_force_of_an_unknown_container_is_silent(box):
    box.hozo("delete", "--force", "nobody").ok().silent()
    box.stopped()
    box.hozo("delete", "c1").ok()
    box.hozo("delete", "c1").fails("container does not exist")
    box.hozo("delete", "--force", "c1").ok().silent()


@test
def a_directory_without_state_blocks_the_id_until_it_is_deleted(box):
    os.makedirs(f"{box.root}/c1")
    box.create("true").fails("container with given ID already exists")
    box.hozo("delete", "--force", "c1").ok()
    box.create("true").ok()


@test
def the_configuration_is_frozen_at_create(box):
    b = box.bundle("echo as created")
    out = box.create(b).ok()
    b.program("echo changed")
    b.write()
    os.remove(f"{b.path}/config.json")
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "as created\n")
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()


# --- files and streams

@test
def the_pid_file_holds_the_decimal_number_and_no_newline(box):
    pid = box.created("true", "--pid-file", f"{box.dir}/pid")
    same(open(f"{box.dir}/pid").read(), str(pid))


@test
def a_relative_pid_file_belongs_to_the_callers_directory(box):
    os.mkdir(f"{box.dir}/elsewhere")
    pid = box.created("true", "--pid-file", "p", cwd=f"{box.dir}/elsewhere")
    same(open(f"{box.dir}/elsewhere/p").read(), str(pid))


@test
def a_pid_file_that_cannot_be_written_fails_create_and_leaves_nothing(box):
    box.create("true", "--pid-file", f"{box.dir}/absent/pid").fails(f"{box.dir}/absent")
    box.nothing_left()


@test
def after_a_failed_create_nobody_holds_standard_error(box):
    b = box.bundle(["no-such-program"]).write()
    r, w = os.pipe()
    p = subprocess.Popen([box.runtime, "--root", box.root, "create", "--bundle", b.path, "c1"],
                         stdin=subprocess.DEVNULL, stdout=w, stderr=w)
    os.close(w)
    same(p.wait(20), 1)
    os.set_blocking(r, False)
    while os.read(r, 65536):
        pass


@test
def the_state_root_is_for_its_owner_only(box):
    box.created("true")
    assert os.stat(box.root).st_mode & 0o077 == 0 or os.stat(f"{box.root}/c1").st_mode & 0o077 == 0
    same(os.stat(box.root).st_mode & 0o022, 0)


@test
def an_id_may_have_dots_dashes_plus_and_underscores(box):
    for id in ("a.b_c-d+e", "0", "x" * 64, "-".join(["long"] * 30)):
        box.run("true", id=id).ok()


# --- list

@test
def list_shows_a_table_by_default(box):
    pid = box.created("true", id="one")
    lines = box.hozo("list").ok().out.splitlines()
    same(lines[0].split(), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])
    row = lines[1].split()
    assert row[:3] == ["one", str(pid), "created"] and row[-1] == "root", lines


@test
def list_quiet_gives_the_ids_only(box):
    box.created("true", id="one")
    box.created("true", id="two")
    same(sorted(box.hozo("list", "-q").ok().out.split()), ["one", "two"])


@test(cases={"--format=json": ["--format=json"], "-f json": ["-f", "json"]})
def list_as_json_has_what_state_has(box, options):
    box.created("true", id="one")
    box.stopped(id="two")
    rows = {r["id"]: r for r in json.loads(box.hozo("list", *options).ok().out)}
    same(set(rows), {"one", "two"})
    assert rows["one"] == {**box.state("one"), "owner": "root"}, rows["one"]
    assert rows["two"]["status"] == "stopped" and rows["two"]["pid"] == 0


@test
def list_of_nothing_is_empty(box):
    assert json.loads(box.hozo("list", "--format", "json").ok().out) in ([], None)
    same(box.hozo("list", "-q").ok().out, "")


@test
def list_passes_over_a_state_that_cannot_be_read(box):
    box.created("true", id="good")
    os.mkdir(f"{box.root}/bad")
    with open(f"{box.root}/bad/state.json", "w") as f:
        f.write("{ rubbish")
    same(box.hozo("list", "-q").ok().out, "good\n")
    shutil.rmtree(f"{box.root}/bad")
