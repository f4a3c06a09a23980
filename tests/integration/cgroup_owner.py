# SPDX-License-Identifier: Apache-2.0
"""Whose a container's control group is, what its root may do there with cgroup v2, and what not."""
import os

import host
from harness import Skip, same, test

USERS, TOP = 100000, "/sys/fs/cgroup"
FIRST = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]


def delegated():
    try:
        with open("/sys/kernel/cgroup/delegate") as f:
            return f.read().split()
    except FileNotFoundError:
        return FIRST


def in_user_namespace(b):
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": USERS, "size": 65536}]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    return b


def managing(box, program="sleep 100"):
    """A container that manages its own control group: what engines configure for systemd inside."""
    b = in_user_namespace(box.bundle(program))
    b.linux["namespaces"].append({"type": "cgroup"})
    cgroup_mount(b)["options"].remove("ro")
    return b


def cgroup_mount(b):
    return next(m for m in b.config["mounts"] if m["type"] == "cgroup")


def group(b):
    return TOP + b.linux["cgroupsPath"]


def owners(directory):
    """Name ("." for the directory) → user, of those that root does not own."""
    found = {name: os.lstat(f"{directory}/{name}").st_uid for name in [".", *os.listdir(directory)]}
    return {name: uid for name, uid in found.items() if uid}


def all_owned_by(uid, directory):
    return {name: uid for name in [".", *delegated()] if os.path.lexists(f"{directory}/{name}")}


def controllers():
    with open(f"{TOP}/cgroup.controllers") as f:
        return f.read().split()


@test
def the_group_and_the_files_that_the_kernel_names_are_the_users(box):
    host.cgroup_v2_only()
    b = managing(box)
    box.created(b)
    assert set(FIRST) <= set(delegated())
    same(owners(group(b)), all_owned_by(USERS, group(b)))
    same({os.lstat(f"{group(b)}/{name}").st_gid for name in [".", *os.listdir(group(b))]}, {0})


@test
def the_files_are_known_where_the_kernel_names_none(box):
    host.cgroup_v2_only()
    b = managing(box)
    uid = user_1000_of_the_host(b)  # a user namespace could not mount sysfs over what is hidden
    if host.libc.mount(b"none", b"/sys/kernel/cgroup", b"tmpfs", 0, None):
        raise Skip("no permission to mount a tmpfs")
    box.created(b)
    same(owners(group(b)), {name: uid for name in [".", *FIRST]})


def user_1000(b):
    b.process["user"] = {"uid": 1000, "gid": 1000}
    return USERS + 1000


def user_1000_of_the_host(b):
    b.linux["namespaces"] = [n for n in b.linux["namespaces"] if n["type"] != "user"]
    del b.linux["uidMappings"], b.linux["gidMappings"]
    b.process["user"] = {"uid": 1000, "gid": 1000}
    return 1000


def second_range(b):
    b.linux["uidMappings"] = [{"containerID": 0, "hostID": USERS, "size": 10},
                              {"containerID": 10, "hostID": 300000, "size": 100}]
    b.process["user"] = {"uid": 12, "gid": 12}
    return 300002


@test(cases={"in the user namespace": user_1000, "without a user namespace": user_1000_of_the_host,
             "in a second range": second_range})
def another_user_of_the_process_is_the_owner(box, change):
    host.cgroup_v2_only()
    b = managing(box)
    os.chmod(b.rootfs, 0o755)
    uid = change(b)
    box.created(b)
    same(owners(group(b)), all_owned_by(uid, group(b)))


def no_cgroup_namespace(b):
    b.without_namespace("cgroup")


def the_hosts_cgroup_namespace(b):
    user_1000_of_the_host(b)
    b.without_namespace("cgroup")
    b.linux["namespaces"].append({"type": "cgroup", "path": "/proc/self/ns/cgroup"})


def a_readonly_mount(b):
    cgroup_mount(b)["options"].append("ro")


def no_mount(b):
    b.config["mounts"].remove(cgroup_mount(b))


def root_of_the_host(b):
    user_1000_of_the_host(b)
    b.process["user"] = {"uid": 0, "gid": 0}


@test(cases={"no cgroup namespace": no_cgroup_namespace, "one that is joined": the_hosts_cgroup_namespace,
             "a read-only mount": a_readonly_mount, "no mount": no_mount, "root of the host": root_of_the_host})
def it_stays_roots_with(box, change):
    host.cgroup_v2_only()
    b = managing(box)
    change(b)
    box.created(b)
    same(owners(group(b)), {})


@test
def on_cgroup_v1_it_stays_roots(box):
    if not any(names - {""} for names in host.hierarchies().values()):
        raise Skip("the host has no cgroup v1")
    b = managing(box)
    box.created(b)
    directories = host.cgroup_directories(b.linux["cgroupsPath"])
    same([owners(d) for d in directories], [{}] * len(directories))


# --- inside

def inside(box, script, *change):
    """What a shell says that runs as root of a container which manages its own group."""
    host.cgroup_v2_only()
    b = managing(box, "set -e\ncd /sys/fs/cgroup\n" + script)
    for c in change:
        c(b)
    return box.run(b)


@test
def its_root_makes_groups_and_moves_processes_there(box):
    r = inside(box, """
        mkdir mine mine/below
        sleep 100 & echo $! > mine/below/cgroup.procs
        echo $$ > mine/cgroup.procs
        wc -l < mine/below/cgroup.procs
        cat /proc/self/cgroup | tail -n 1
    """)
    same(r.ok().out.split(), ["1", "0::/mine"])
    box.nothing_left()


@test
def its_root_passes_controllers_on(box):
    host.cgroup_v2_only()
    if not controllers():
        raise Skip("cgroup v2 has no controller here")
    r = inside(box, """
        mkdir mine
        echo $$ > mine/cgroup.procs
        for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done
        cat mine/cgroup.controllers
    """)
    same(sorted(r.ok().out.split()), sorted(controllers()))


@test
def its_root_sees_its_own_group_only(box):
    r = inside(box, """
        tail -n 1 /proc/self/cgroup
        grep ' /sys/fs/cgroup ' /proc/self/mountinfo | cut -d ' ' -f 4
        ls -d ../cgroup/cgroup.type
        cat cgroup.procs
    """).ok()
    same(r.out.split()[:4], ["0::/", "/", "../cgroup/cgroup.type", "1"])


@test
def its_root_does_not_change_its_own_limits(box):
    r = inside(box, r"""
        refused=0
        for f in *; do
            [ -d $f ] && continue
            case $f in %s) continue;; esac
            (echo max > $f) 2> /dev/null && echo "$f was written"
            refused=$((refused+1))
        done
        [ $refused -gt 5 ] && echo done
    """ % "|".join(delegated()))
    same(r.ok().out, "done\n")


@test
def its_root_does_not_leave(box):
    """Not even where it is shown the host's groups."""
    def show_host(b):
        os.mkdir(f"{b.rootfs}/host")
        b.bind(TOP, "/host", "rbind", "rw")

    r = inside(box, """
        (echo $$ > /host/cgroup.procs) 2>&1 | grep -c denied
        (echo $$ > /host$OTHER/cgroup.procs) 2>&1 | grep -c denied
        mkdir /host/new 2>&1 | grep -c denied
        tail -n 1 /proc/self/cgroup
    """, show_host, lambda b: os.mkdir(group(b) + "-other") or b.process["env"].append(
        f"OTHER={b.linux['cgroupsPath']}-other"))
    for directory in host.cgroup_directories(box.cgroup):
        host.remove_cgroup(directory)
    same(r.ok().out.split(), ["1", "1", "1", "0::/"])


@test
def another_user_of_the_container_has_no_right_to_it(box):
    host.cgroup_v2_only()
    box.running(managing(box))
    r = box.exec("sh", "-c", "cd /sys/fs/cgroup; mkdir x; (echo $$ > cgroup.procs); id -u", options=("--user", "1000:1000"))
    same(r.ok().out, "1000\n")
    same(r.err.lower().count("denied"), 2, r.err)


# --- a container that manages its groups, as systemd and nested engines do

MANAGER = """
    cd /sys/fs/cgroup
    mkdir init.scope
    echo 1 > init.scope/cgroup.procs
    for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done
    echo ready
    sleep 1000 & wait
"""


def manager(box):
    host.cgroup_v2_only()
    if not controllers():
        raise Skip("cgroup v2 has no controller here")
    b = managing(box, MANAGER)
    out = box.create(b).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "ready\n")
    return b


@test
def exec_goes_where_its_init_has_gone(box):
    b = manager(box)
    same(box.exec("tail", "-n", "1", "/proc/self/cgroup").ok().out, "0::/init.scope\n")
    r = box.exec("true", options=("--cgroup", "/"))
    r.fails("device or resource busy", code=255)
    os.mkdir(f"{group(b)}/other")
    r = box.exec("tail", "-n", "1", "/proc/self/cgroup", options=("--cgroup", "other"))
    same(r.ok().out, "0::/other\n")


@test
def ps_and_kill_reach_what_it_has_moved(box):
    b = manager(box)
    pid = box.state()["pid"]
    [child] = host.children(pid)
    same(box.hozo("ps", "--format", "json", "c1").ok().out, f"[{pid},{child}]\n")
    same(host.cgroup_processes(group(b)), [])
    box.hozo("pause", "c1").ok()
    same(box.state()["status"], "paused")
    box.hozo("resume", "c1").ok()
    box.hozo("kill", "--all", "c1", "KILL").ok()
    host.eventually(lambda: not host.alive(child) and not host.alive(pid))
    box.hozo("delete", "c1").ok()
    box.nothing_left()
