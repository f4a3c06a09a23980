# SPDX-License-Identifier: Apache-2.0
"""exec --cgroup: into a control group below the container's own, which exists, and into no other."""
import os

import host
from harness import Skip, same, test


def groups(b):
    """The container's control groups in all hierarchies."""
    return host.cgroup_directories(b.linux["cgroupsPath"])


def make_below(directories, path):
    for d in directories:
        for name in path.split("/"):
            os.mkdir(f"{d}/{name}")
            for file in ("cpuset.cpus", "cpuset.mems"):  # cgroup v1: without them no process may enter
                if os.path.exists(f"{d}/{file}") and not os.path.exists(f"{d}/cgroup.controllers"):
                    with open(f"{d}/{file}") as f, open(f"{d}/{name}/{file}", "w") as t:
                        t.write(f.read())
            d = f"{d}/{name}"


def exec_in(box, *words):
    """Where a process is that came by exec with these options: hierarchy → path."""
    pid_file = f"{box.dir}/pid"
    options = [o for word in words for o in ("--cgroup", word)]
    box.exec("sleep", "100", options=("--detach", "--pid-file", pid_file, *options)).ok()
    with open(pid_file) as f:
        return host.cgroup_of(int(f.read()))


def v2(box):
    """A container on a host with cgroup v2 and nothing else."""
    host.cgroup_v2_only()
    b = box.bundle("sleep 100")
    del b.linux["resources"]
    return b, box.running(b)


def v1(box):
    if not any(names - {""} for names in host.hierarchies().values()):
        raise Skip("the host has no cgroup v1")
    b = box.bundle("sleep 100")
    return b, box.running(b)


@test
def on_cgroup_v2_the_process_is_in_that_group(box):
    b, pid = v2(box)
    own = host.cgroup_of(pid)[""]
    make_below(groups(b), "a/b")
    for word, path in (("a", "/a"), ("/a/b", "/a/b"), ("a//b/", "/a/b"), ("./a", "/a"), ("/", ""), ("", "")):
        same(exec_in(box, word)[""], own + path, word)
    same(exec_in(box)[""], own)


@test
def the_process_is_in_that_group_of_every_hierarchy(box):
    b, pid = v1(box)
    own = host.cgroup_of(pid)
    make_below(groups(b), "a/b")
    inside = exec_in(box, "/a/b")
    moved = {name: path for name, path in own.items() if b.linux["cgroupsPath"].strip("/") in path}
    assert moved
    for name, path in own.items():
        same(inside[name], path + "/a/b" if name in moved else path, name)


@test
def a_controller_may_have_a_path_of_its_own(box):
    b, pid = v1(box)
    own = host.cgroup_of(pid)
    if not {"pids", "memory"} <= own.keys():
        raise Skip("the host has no v1 hierarchies of pids and memory")
    make_below([host.controller_directory("pids", own["pids"])], "p")
    make_below([host.controller_directory("memory", own["memory"])], "m")
    inside = exec_in(box, "pids:p", "memory:/m")
    same(inside["pids"], own["pids"] + "/p")
    same(inside["memory"], own["memory"] + "/m")
    for name in own.keys() - {"pids", "memory"}:
        same(inside[name], own[name], name)


@test
def several_controllers_may_share_a_path(box):
    b, pid = v1(box)
    own = host.cgroup_of(pid)
    names = [n for n in own if n and "=" not in n and b.linux["cgroupsPath"].strip("/") in own[n]]
    for d in {host.controller_directory(n, own[n]) for n in names}:
        make_below([d], "s")
    inside = exec_in(box, ",".join(names) + ":s")
    for name in own:
        same(inside[name], own[name] + "/s" if name in names else own[name], name)


def refused(box, *words, texts=()):
    before = set(host.living_children())
    options = [o for word in words for o in ("--cgroup", word)]
    box.exec("echo", "ran", options=options).fails("exec failed: ", *texts, code=255)
    host.reap()
    same(set(host.living_children()), before)


WAYS_OUT = ("..", "/..", "a/../..", "a/..", "../{name}", "a/b/../../..", "./..")


@test
def on_cgroup_v2_no_path_leads_out(box):
    b, _ = v2(box)
    make_below(groups(b), "a/b")
    for way in WAYS_OUT:
        refused(box, way.format(name=b.linux["cgroupsPath"].strip("/")), texts=("leads out",))


@test
def no_path_leads_out(box):
    b, _ = v1(box)
    make_below(groups(b), "a/b")
    for way in WAYS_OUT:
        refused(box, way.format(name=b.linux["cgroupsPath"].strip("/")), texts=("leads out",))
    refused(box, "pids:../..", texts=("leads out",))


@test
def a_group_that_is_not_there_is_an_error(box):
    v1(box)
    refused(box, "absent", texts=("--cgroup", "absent", "no such file or directory"))


@test
def on_cgroup_v2_there_is_no_other_group_if_that_one_cannot_be_entered(box):
    b, pid = v2(box)
    refused(box, "absent", texts=("--cgroup", "absent", "no such file or directory"))
    # As an init like systemd does it: then the container's own group takes no process any more.
    [directory] = groups(b)
    make_below([directory], "init")
    with open(f"{directory}/init/cgroup.procs", "w") as f:
        f.write(str(pid))
    with open(f"{directory}/cgroup.controllers") as f:
        controllers = f.read().split()
    if not controllers:
        raise Skip("cgroup v2 has no controller here")
    with open(f"{directory}/cgroup.subtree_control", "w") as f:
        f.write("+" + controllers[0])
    same(exec_in(box)[""], host.cgroup_of(pid)[""], "without the option it is where init is")
    refused(box, "/", texts=("device or resource busy",))


@test
def a_group_that_takes_no_process_is_an_error(box):
    _, pid = v1(box)
    directory = host.controller_directory("cpuset", host.cgroup_of(pid)["cpuset"])
    os.mkdir(f"{directory}/empty")
    refused(box, "cpuset:empty", texts=("--cgroup", "no space left on device"))


@test
def a_file_is_no_group(box):
    v1(box)
    refused(box, "cgroup.procs", texts=("not a directory",))


@test
def on_cgroup_v2_controllers_are_not_chosen(box):
    b, _ = v2(box)
    make_below(groups(b), "a")
    refused(box, "memory:a", texts=("cgroup v2",))
    refused(box, "a", "a", texts=("cgroup v2",))


@test
def what_is_ambiguous_is_refused(box):
    b, _ = v1(box)
    make_below(groups(b), "a/b")
    refused(box, "a", "pids:a", texts=("names no controller",))
    refused(box, "pids:a", "pids:a/b", texts=("two paths",))
    refused(box, ":a", texts=("no controller \"\"",))
    refused(box, "nonsense:a", texts=("no controller \"nonsense\"",))
    refused(box, "pids,:a", texts=("no controller \"\"",))


@test
def a_container_without_groups_has_none_below(box):
    b = box.bundle("sleep 100")
    del b.linux["resources"], b.linux["cgroupsPath"]
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    refused(box, "/", texts=("no control group",))
