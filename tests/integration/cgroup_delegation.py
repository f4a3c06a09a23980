# SPDX-License-Identifier: Apache-2.0
"""Where control groups of cgroup v2 may be made, by whom, and which controllers come along."""
import contextlib
import os
import subprocess

import host
from harness import Skip, same, test

USER, TOP = 54321, "/sys/fs/cgroup"
USER_RUNS = {"user": USER, "group": USER, "extra_groups": []}


def read(directory, file):
    with open(f"{directory}/{file}") as f:
        return f.read()


def write(directory, file, text):
    with open(f"{directory}/{file}", "w") as f:
        f.write(text)


def controllers(directory=TOP):
    return read(directory, "cgroup.controllers").split()


def without_limits(b):
    """The configuration of a container that asks for nothing but a control group."""
    del b.linux["resources"]
    return b


LIMITS = [
    ("pids", {"pids": {"limit": 100}}, "linux.resources.pids.limit", "pids.max"),
    ("memory", {"memory": {"limit": 1 << 26}}, "linux.resources.memory.limit", "memory.max"),
    ("hugetlb", {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}, "linux.resources.hugepageLimits[0]",
     "hugetlb.2MB.max")]


def limited(b):
    """Gives it some limit; the path of the limit in the configuration, and the file."""
    for name, resources, path, file in LIMITS:
        if name in controllers():
            b.linux["resources"] = resources
            return path, file
    raise Skip("cgroup v2 has no such controller here")


@contextlib.contextmanager
def group(box, name, owner=0):
    """A control group of the test's at the top of the hierarchy, removed with all that is in it."""
    directory = f"{TOP}{box.cgroup}-{name}"
    os.mkdir(directory)
    try:
        if owner:
            give(directory, owner)
        yield directory
    finally:
        write(TOP, "cgroup.procs", str(os.getpid()))
        host.remove_cgroup(directory)


def give(directory, owner):
    for name in (".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
        os.chown(f"{directory}/{name}", owner, owner)


def stand_in(directory):
    """The test's own process, and so what it starts."""
    write(directory, "cgroup.procs", str(os.getpid()))


def below(directory, name):
    return directory.removeprefix(TOP) + "/" + name


# --- controllers

@test
def every_controller_comes_down_to_the_container(box):
    """Engines watch the files of all controllers, whatever was limited."""
    host.cgroup_v2_only()
    if not controllers():
        raise Skip("cgroup v2 has no controller here")
    with group(box, "deep") as top:
        b = without_limits(box.bundle("sleep 100"))
        b.linux["cgroupsPath"] = below(top, "a/b/c")
        box.running(b)
        same(controllers(f"{top}/a/b/c"), controllers(TOP))
        if "memory" in controllers():
            assert "oom_kill" in read(f"{top}/a/b/c", "memory.events")
        assert "populated 1" in read(f"{top}/a/b/c", "cgroup.events")
        box.hozo("delete", "--force", "c1").ok()
        assert not os.path.exists(f"{top}/a/b/c") and os.path.exists(f"{top}/a/b")


@test
def engines_may_enable_more_below_the_container(box):
    host.cgroup_v2_only()
    with group(box, "parent") as top:
        b = without_limits(box.bundle("sleep 100"))
        b.linux["cgroupsPath"] = below(top, "c")
        box.running(b)
        for name in controllers(top):
            write(top, "cgroup.subtree_control", "+" + name)
        box.exec("true").ok()
        box.hozo("delete", "--force", "c1").ok()


# --- groups with processes of their own pass nothing on

@test
def below_a_group_with_processes_there_are_no_limits(box):
    host.cgroup_v2_only()
    with group(box, "full") as top:
        b = box.bundle("sleep 100")
        path, file = limited(b)
        b.linux["cgroupsPath"] = below(top, "c")
        stand_in(top)
        box.create(b).fails(path, f"{top}/c has no {file}", "could not be enabled", "has processes of its own")
        assert not os.path.exists(f"{top}/c")


@test
def below_a_group_with_processes_a_container_without_limits_runs(box):
    host.cgroup_v2_only()
    with group(box, "full") as top:
        b = without_limits(box.bundle("sleep 100"))
        b.linux["cgroupsPath"] = below(top, "c")
        stand_in(top)
        pid = box.running(b)
        same(host.cgroup_processes(f"{top}/c"), [pid])
        same(controllers(f"{top}/c"), [])
        same(read(top, "cgroup.type"), "domain\n")
        box.hozo("delete", "--force", "c1").ok()
        assert not os.path.exists(f"{top}/c")


# --- what there is already

@test
def an_empty_group_is_used_and_removed(box):
    host.cgroup_v2_only()
    with group(box, "own") as top:
        b = without_limits(box.bundle("sleep 100"))
        b.linux["cgroupsPath"] = top.removeprefix(TOP)
        same(host.cgroup_of(box.running(b))[""], top.removeprefix(TOP))
        box.hozo("delete", "--force", "c1").ok()
        assert not os.path.exists(top)


def with_processes(directory):
    stand_in(directory)
    return "has processes already"


def with_processes_below(directory):
    os.mkdir(f"{directory}/below")
    stand_in(f"{directory}/below")
    return "has processes already"


def with_groups_below(directory):
    os.mkdir(f"{directory}/below")
    return "has other cgroups below it"


def frozen(directory):
    write(directory, "cgroup.freeze", "1")
    return "is frozen"


def threaded(directory):
    write(directory, "cgroup.type", "threaded")
    return "is threaded"


@test(cases={f.__name__.replace("_", " "): f for f in (with_processes, with_processes_below, with_groups_below,
                                                      frozen, threaded)})
def a_group_that_is_used_is_refused_and_stays(box, use):
    host.cgroup_v2_only()
    with group(box, "used") as above:
        directory = f"{above}/own"
        os.mkdir(directory)
        why = use(directory)
        b = without_limits(box.bundle("true"))
        b.linux["cgroupsPath"] = below(above, "own")
        box.create(b).fails("linux.cgroupsPath", directory, why)
        assert os.path.exists(directory)


@test
def below_a_threaded_group_there_are_no_containers(box):
    host.cgroup_v2_only()
    with group(box, "threads") as top:
        os.mkdir(f"{top}/threads")
        write(f"{top}/threads", "cgroup.type", "threaded")
        for name in ("threads/c", "c"):
            b = without_limits(box.bundle("true"))
            b.linux["cgroupsPath"] = below(top, name)
            box.create(b).fails("linux.cgroupsPath", f"{top}/{name}", "threaded", "not supported")
            assert not os.path.exists(f"{top}/{name}")


@test
def a_group_that_passes_controllers_on_takes_no_container(box):
    host.cgroup_v2_only()
    with group(box, "busy") as top:
        domain = [name for name in controllers(top) if name in ("memory", "hugetlb", "io")]
        if not domain:
            raise Skip("cgroup v2 has no controller here that threads could not share")
        write(top, "cgroup.subtree_control", "+" + domain[0])
        b = without_limits(box.bundle("true"))
        b.linux["cgroupsPath"] = top.removeprefix(TOP)
        box.create(b).fails("linux.cgroupsPath", top, "passes controllers on", "device or resource busy")


@test(cases={"depth": ("cgroup.max.depth", "1"), "descendants": ("cgroup.max.descendants", "1")})
def the_hosts_limits_of_groups_are_named(box, case):
    host.cgroup_v2_only()
    with group(box, "few") as top:
        write(top, *case)
        b = without_limits(box.bundle("true"))
        b.linux["cgroupsPath"] = below(top, "a/b")
        box.create(b).fails("linux.cgroupsPath", f"{top}/a/b", case[0], "temporarily unavailable")
        write(top, case[0], "max")
        box.run(b).ok()


# --- an ordinary user to whom a part was given

def users(box, program="true"):
    b = without_limits(box.bundle(program))
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": USER, "size": 1}]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    subprocess.run(["chown", "-R", f"{USER}:{USER}", box.dir], check=True)
    return b


def user_session(directory):
    """As systemd gives it: the user's processes live in a group of the part."""
    for name in controllers():
        write(TOP, "cgroup.subtree_control", "+" + name)
    os.mkdir(f"{directory}/session")
    give(f"{directory}/session", USER)
    stand_in(f"{directory}/session")


def user_container(box, b, expected):
    """Its whole life, in this group."""
    pid = box.running(b, **USER_RUNS)
    same(host.cgroup_of(pid)[""], expected.removeprefix(TOP))
    # The test itself, root's process, stands in the user's session: he has no right to give it other CPUs.
    assert set(controllers(os.path.dirname(expected))) - set(controllers(expected)) <= {"cpuset"}
    box.exec("sleep", "100", options=("--detach",), **USER_RUNS).ok()
    same(len(host.cgroup_processes(expected)), 2)
    box.hozo("pause", "c1", **USER_RUNS).ok()
    box.hozo("resume", "c1", **USER_RUNS).ok()
    box.hozo("kill", "--all", "c1", "KILL", **USER_RUNS).ok()
    host.eventually(lambda: host.reap() or not host.alive(pid))
    box.hozo("delete", "c1", **USER_RUNS).ok()
    assert not os.path.exists(expected)


@test
def a_users_container_without_a_path_lies_in_his_part(box):
    host.cgroup_v2_only()
    with group(box, "user", USER) as top:
        user_session(top)
        b = users(box, "sleep 100")
        del b.linux["cgroupsPath"]
        user_container(box, b, f"{top}/c1")


@test(cases={"relative": lambda top: "a/b", "absolute": lambda top: below(top, "a/b")})
def a_users_container_lies_where_its_path_says(box, path):
    host.cgroup_v2_only()
    with group(box, "user", USER) as top:
        user_session(top)
        b = users(box, "sleep 100")
        b.linux["cgroupsPath"] = path(top)
        user_container(box, b, f"{top}/a/b")


@test
def a_users_limits_hold(box):
    host.cgroup_v2_only()
    with group(box, "user", USER) as top:
        b = users(box, "sleep 100")
        path, file = limited(b)
        user_session(top)
        del b.linux["cgroupsPath"]
        box.running(b, **USER_RUNS)
        assert read(f"{top}/c1", file) != "max\n"
        box.hozo("delete", "--force", "c1", **USER_RUNS).ok()


@test
def a_user_makes_no_group_outside_of_his_part(box):
    host.cgroup_v2_only()
    with group(box, "others") as others, group(box, "user", USER) as top:
        user_session(top)
        b = users(box)
        for path in (below(others, "c"), box.cgroup + "-new"):
            b.linux["cgroupsPath"] = path
            box.create(b, **USER_RUNS).fails("linux.cgroupsPath", TOP + path, "permission denied")
        same(os.path.exists(f"{others}/c"), False)


@test
def a_user_cannot_reach_his_part_from_elsewhere(box):
    """Moving a process takes the right to a group around both its old and its new one."""
    host.cgroup_v2_only()
    with group(box, "elsewhere") as elsewhere, group(box, "user", USER) as top:
        b = users(box)
        b.linux["cgroupsPath"] = below(top, "c")
        stand_in(elsewhere)
        box.create(b, **USER_RUNS).fails("linux.cgroupsPath", f"{top}/c", "permission denied")
        assert not os.path.exists(f"{top}/c")


@test
def without_a_part_there_is_no_group(box):
    host.cgroup_v2_only()
    with group(box, "others") as others:
        os.mkdir(f"{others}/session")
        stand_in(f"{others}/session")
        b = users(box, "sleep 100")
        del b.linux["cgroupsPath"]
        pid = box.running(b, **USER_RUNS)
        same(host.cgroup_of(pid)[""], below(others, "session"))
        box.hozo("pause", "c1", **USER_RUNS).fails("no control group that can be frozen")
        box.hozo("delete", "--force", "c1", **USER_RUNS).ok()


# --- cgroup v1: what there is already

@test(cases={"processes": with_processes, "groups below it": with_groups_below})
def on_cgroup_v1_a_group_that_is_used_is_refused_and_stays(box, use):
    host.cgroup_v1_only()
    b = box.bundle("true")
    directory = host.controller_directory("pids", b.linux["cgroupsPath"])
    os.mkdir(directory)
    try:
        why = use(directory)
        box.create(b).fails("linux.cgroupsPath", directory, why)
        same(host.cgroup_directories(b.linux["cgroupsPath"]), [directory])
    finally:
        write(host.controller_directory("pids", ""), "cgroup.procs", str(os.getpid()))
        host.remove_cgroup(directory)
