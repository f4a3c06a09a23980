# SPDX-License-Identifier: Apache-2.0
"""ps: the processes of a container, for engines as JSON, for people as ps(1) prints them."""
import json
import os
import resource

import host
from harness import same, test


def pids(box, id="c1"):
    """As engines read it: both streams together."""
    r = box.hozo("ps", "--format", "json", id).ok()
    same(r.err, "")
    assert r.out.endswith("]\n") and r.out.count("\n") == 1, r
    return json.loads(r.out)


def group(b):
    """The container's control group, in the hierarchy that lists its processes."""
    return [d for d in host.cgroup_directories(b.linux["cgroupsPath"]) if host.cgroup_processes(d)][0]


@test
def json_is_an_array_of_the_pids_on_the_host(box):
    pid = box.running("sleep 100 & sleep 100")
    host.eventually(lambda: len(pids(box)) == 2)
    found = pids(box)
    assert pid in found, (pid, found)
    for p in found:
        same(host.namespace(p, "pid"), host.namespace(pid, "pid"))


@test
def a_created_container_has_one_process(box):
    pid = box.created("true")
    same(pids(box), [pid])


@test
def what_came_by_exec_is_listed(box):
    pid = box.running("sleep 100")
    box.exec("sleep", "100", options=("--detach", "--pid-file", f"{box.dir}/pid")).ok()
    with open(f"{box.dir}/pid") as f:
        same(pids(box), sorted([pid, int(f.read())]))


@test
def processes_in_control_groups_below_are_listed(box):
    b = box.bundle("sleep 100 & sleep 100")
    pid = box.running(b)
    host.eventually(lambda: len(pids(box)) == 2)
    other = [p for p in pids(box) if p != pid][0]
    below = f"{group(b)}/below/lower"
    os.makedirs(below)
    with open(f"{below}/cgroup.procs", "w") as f:
        f.write(str(other))
    same(pids(box), sorted([pid, other]))


@test
def on_cgroup_v2_processes_in_control_groups_below_are_listed(box):
    host.cgroup_v2_only()
    b = box.bundle("sleep 100 & sleep 100")
    del b.linux["resources"]
    pid = box.running(b)
    host.eventually(lambda: len(pids(box)) == 2)
    other = [p for p in pids(box) if p != pid][0]
    os.makedirs(f"{group(b)}/below/lower")
    with open(f"{group(b)}/below/lower/cgroup.procs", "w") as f:
        f.write(str(other))
    same(pids(box), sorted([pid, other]))


@test
def a_stopped_container_has_none(box):
    box.stopped()
    same(pids(box), [])
    lines = box.hozo("ps", "c1").ok().out.splitlines()
    assert len(lines) == 1 and "PID" in lines[0], lines


@test
def of_a_stopped_container_what_is_left_in_its_group_is_listed(box):
    b = box.bundle("sleep 100 & true")
    b.without_namespace("pid")
    pid = box.stopped(b)
    left = pids(box)
    assert len(left) == 1 and pid not in left and "sleep" in host.command_line(left[0]), left


@test
def without_a_control_group_the_pid_namespace_tells(box):
    b = box.bundle("sleep 100 & unshare -p -f sleep 100 & sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    del b.linux["resources"], b.linux["cgroupsPath"]
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    pid = box.state()["pid"]
    box.hozo("start", "c1").ok()
    host.eventually(lambda: len(pids(box)) >= 4)
    box.exec("sleep", "100", options=("--detach", "--pid-file", f"{box.dir}/pid")).ok()
    with open(f"{box.dir}/pid") as f:
        came = int(f.read())
    found = pids(box)
    assert pid in found and came in found and os.getpid() not in found, found
    inside = host.eventually(lambda: [p for p in found if host.namespace(p, "pid") != host.namespace(pid, "pid")])
    assert "sleep" in host.command_line(inside[0]), "one of a pid namespace below"
    box.hozo("kill", "c1", "KILL").ok()
    # What came by `exec` is our child: the namespace ends once it is reaped.
    host.eventually(lambda: host.reap() or box.state()["status"] == "stopped")
    same(pids(box), [])


@test
def without_control_group_and_pid_namespace_it_is_an_error(box):
    b = box.bundle("sleep 100")
    b.without_namespace("pid")
    del b.linux["resources"], b.linux["cgroupsPath"]
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    box.hozo("ps", "--format", "json", "c1").fails("neither a control group nor a pid namespace")


# --- the table

@test
def the_table_is_that_of_ps_with_the_containers_rows(box):
    pid = box.running("sleep 100 & exec sleep 100")
    host.eventually(lambda: len(pids(box)) == 2)
    r = box.hozo("ps", "c1").ok()
    same(r.err, "")
    header, *rows = r.out.splitlines()
    assert header.split()[:3] == ["UID", "PID", "PPID"], header
    same(sorted(int(row.split()[1]) for row in rows), pids(box))
    assert str(pid) in r.out


@test(cases={"format first": ("--format", "table"), "letter": ("-f", "table"), "equal": ("--format=table",)})
def the_words_behind_the_id_are_those_of_ps(box, options):
    pid = box.running(box.bundle(["sleep", "100"]))
    r = box.hozo("ps", *options, "c1", "-e", "-o", "comm,pid").ok()
    same([row.split() for row in r.out.splitlines()], [["COMMAND", "PID"], ["sleep", str(pid)]])


@test
def without_a_column_pid_it_is_an_error(box):
    box.running("exec sleep 100")
    box.hozo("ps", "c1", "-e", "-o", "comm").fails("no column PID")


@test
def a_host_without_ps_is_an_error(box):
    box.running("exec sleep 100")
    box.hozo("ps", "c1", env={"PATH": "/nonexistent"}).fails("execute ps: no such file or directory")
    same(len(json.loads(box.hozo("ps", "-f", "json", "c1", env={"PATH": "/nonexistent"}).ok().out)), 1)


@test
def what_ps_refuses_is_an_error(box):
    box.running("exec sleep 100")
    r = box.hozo("ps", "c1", "--frobnicate").ends(1)
    assert r.out == "" and "ps: exited with status" in r.err, r


# --- errors

@test
def an_unknown_format_is_refused(box):
    box.running("exec sleep 100")
    box.hozo("ps", "--format", "yaml", "c1").fails("yaml")


@test
def an_unknown_container_does_not_exist(box):
    box.hozo("ps", "--format", "json", "nobody").fails("container does not exist")


@test(timeout=90, sanitized=False)
def control_groups_may_be_nested_deeper_than_there_are_descriptors(box):
    """A container chooses how deep; neither ps nor kill may need a descriptor for each level."""
    b = box.bundle("sleep 100 & exec sleep 100")
    pid = box.running(b)
    host.eventually(lambda: len(pids(box)) == 2)
    other = [p for p in pids(box) if p != pid][0]
    at = os.open(group(b), os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(200):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=at)
    os.write(procs, str(other).encode())
    os.close(procs)
    os.close(at)

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    same(json.loads(box.hozo("ps", "--format", "json", "c1", preexec_fn=few).ok().out), sorted([pid, other]))
    box.hozo("kill", "--all", "c1", "KILL", preexec_fn=few).ok()
    host.eventually(lambda: not host.alive(pid) and not host.alive(other))
    box.hozo("delete", "c1", preexec_fn=few).ok()
