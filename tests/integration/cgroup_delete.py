# SPDX-License-Identifier: Apache-2.0
"""Whatever a container does to its control groups, and whatever it starts while it is deleted: nothing is left."""
import concurrent.futures
import json
import os
import time

import freezing
import harness
import host
import programs
from freezing import ALL_LAYOUTS, LAYOUTS
from harness import same, test

NAMES = ["a b", "-rf", "'", '"', "\\", "*", "$(x)", "ä", "\x01", "x" * 255, "cgroup", "..x", "tasks.d"]


PID_NAMESPACES = {"its own pid namespace": True, "the host's": False}


def writable(box, program, own_pids=True):
    """A container whose root may do what it likes below its own control group."""
    b = box.bundle(program)
    b.linux["namespaces"].append({"type": "cgroup"})
    if not own_pids:
        b.without_namespace("pid")
    for mount in b.config["mounts"]:
        if mount["type"] == "cgroup":
            mount["options"].remove("ro")
    return b


def started(box, b, word="ready"):
    """Waits until the program has said that all is in place; its pid."""
    out = box.create(b).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: word in out.out, 90, f"{word!r} of {out}")
    return box.state()["pid"]


def gone(box, b, pids=(), seconds=10):
    """Deletes it, and looks whether anything is left."""
    begin = time.monotonic()
    box.hozo("delete", "--force", "c1").ok().silent()
    assert time.monotonic() - begin < seconds * harness.patience, f"{time.monotonic() - begin} s"
    same(host.cgroup_directories(b.linux["cgroupsPath"]), [])
    same([pid for pid in pids if host.alive(pid)], [])
    box.nothing_left()


# What is done in each hierarchy that the container sees, by a process in a child of its group.
FILL = r"""
hierarchies() { if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else
    for h in /sys/fs/cgroup/*; do [ -L $h ] || echo $h; done; fi; }
make() {
    mkdir -- "$1" || exit 1
    for f in cpuset.cpus cpuset.mems; do
        [ ! -e $h/tasks ] || [ ! -e "$1/$f" ] || cat $f > "$1/$f" || exit 2
    done
}
for h in $(hierarchies); do
    cd $h
    n=0
    while [ $n -lt 150 ]; do make deeper; cd deeper; n=$((n+1)); done
    cd $h
    n=0
    while [ $n -lt 300 ]; do make wide-$n; n=$((n+1)); done
    make busy
    make busy/below
done
sh -c 'for h in "$@"; do echo $$ > $h/busy/below/cgroup.procs || exit 1; done; echo busy; exec sleep 1000' \
    sh $(hierarchies) &
sleep 1000 &
echo ready
wait
"""


@test(cases={f"{name}, {kind}": (layout, own) for name, layout in ALL_LAYOUTS.items()
             for kind, own in PID_NAMESPACES.items()},
      timeout=90, sanitized={"as the host is, its own pid namespace", "on cgroup v2, the host's"})
def groups_deep_and_wide_and_full_are_removed(box, case):
    layout, own_pids = case
    layout()
    b = writable(box, FILL, own_pids)
    pid = started(box, b)
    family = [pid, *host.eventually(lambda: len(host.children(pid)) == 2 and host.children(pid))]
    full = [d for d in host.cgroup_directories(b.linux["cgroupsPath"]) if os.path.isdir(f"{d}/{'deeper/' * 150}")]
    assert full and all(len(os.listdir(d)) > 300 for d in full), full
    host.eventually(lambda: any(p.endswith("/busy/below") for f in family for p in host.cgroup_of(f).values()))
    gone(box, b, family, 20)


@test(cases=ALL_LAYOUTS)
def names_do_not_matter(box, layout):
    layout()
    b = box.bundle("sleep 100")
    box.running(b)
    for directory in host.cgroup_directories(b.linux["cgroupsPath"]):
        for name in NAMES:
            os.makedirs(f"{directory}/{name}/{name}")
    gone(box, b)


CONTROLLERS = r"""
cd /sys/fs/cgroup
mkdir init
echo $$ > init/cgroup.procs
for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done
mkdir with
for c in $(cat with/cgroup.controllers); do echo +$c > with/cgroup.subtree_control; done
mkdir with/more
mkdir domain domain/threads domain/threads/below
echo threaded > domain/threads/cgroup.type
echo threaded > domain/threads/below/cgroup.type
sh -c 'echo $$ > domain/cgroup.procs && echo $$ > domain/threads/below/cgroup.threads && echo threaded && exec sleep 1000' &
mkdir cold cold/below
sh -c 'echo $$ > cold/below/cgroup.procs && echo cold && exec sleep 1000' &
sleep 0.3
echo 1 > cold/cgroup.freeze
echo ready
wait
"""


@test(cases=PID_NAMESPACES, timeout=60)
def on_cgroup_v2_controllers_threads_and_frozen_children_are_removed(box, own_pids):
    host.cgroup_v2_only()
    b = writable(box, CONTROLLERS, own_pids)
    pid = started(box, b)
    top = f"/sys/fs/cgroup{b.linux['cgroupsPath']}"
    with open(f"{top}/domain/threads/below/cgroup.type") as f:
        same(f.read(), "threaded\n")
    host.eventually(lambda: freezing.state(f"{top}/cold/below") == "FROZEN")
    family = [pid, *host.children(pid)]
    same(json.loads(box.hozo("ps", "--format", "json", "c1").ok().out), sorted(family))
    same(len(family), 3)
    gone(box, b, family)


# --- processes

# Each generation forks the next and ends: whoever is listed is gone when the signal comes.
CHAINS = "next() { [ -e /go ] && next & }\nn=0; while [ $n -lt 12 ]; do next; n=$((n+1)); done\n"
ENDINGS = {"while it runs": "echo ready; sleep 1000", "after its end": "echo ready"}


@test(cases={f"{name}, {ending}": (layout, program)
             for name, layout in ALL_LAYOUTS.items() for ending, program in ENDINGS.items()},
      timeout=60, sanitized=False)
def chains_of_forks_end(box, case):
    layout, program = case
    layout()
    b = box.bundle(CHAINS + program)
    b.without_namespace("pid")
    go = f"{b.rootfs}/go"
    open(go, "w").close()
    try:
        started(box, b)
        if "sleep" not in program:
            box.wait_status("stopped")
        directory, seen = host.cgroup_directories(b.linux["cgroupsPath"])[0], set()
        host.eventually(lambda: seen.update(host.cgroup_processes(directory)) or len(seen) > 50)
        gone(box, b, seen)
    finally:
        os.path.exists(go) and os.remove(go)


@test(cases=ALL_LAYOUTS, timeout=60, sanitized={"as the host is"})
def kill_all_ends_chains_of_forks(box, layout):
    layout()
    b = box.bundle(CHAINS + "echo ready; sleep 1000")
    b.without_namespace("pid")
    go = f"{b.rootfs}/go"
    open(go, "w").close()
    try:
        pid = started(box, b)
        box.hozo("kill", "--all", "c1", "KILL").ok().silent()
        host.eventually(lambda: not host.alive(pid))
        host.eventually(lambda: box.hozo("ps", "--format", "json", "c1").ok().out == "[]\n")
        time.sleep(0.2)
        same(box.hozo("ps", "--format", "json", "c1").ok().out, "[]\n")
    finally:
        os.remove(go)


@test(cases=ALL_LAYOUTS, timeout=60, sanitized={"on cgroup v2"})
def groups_that_come_and_go_meanwhile_do_no_harm(box, layout):
    layout()
    b = writable(box, r"""
        churn() { while :; do mkdir $1/a$2 $1/a$2/b $1/a$2/b/c; rmdir $1/a$2/b/c $1/a$2/b $1/a$2; done 2> /dev/null; }
        for n in 1 2 3; do
            if [ -e /sys/fs/cgroup/cgroup.controllers ]; then churn /sys/fs/cgroup $n &
            else for h in /sys/fs/cgroup/freezer /sys/fs/cgroup/pids; do churn $h $n & done; fi
        done
        echo ready; wait""")
    pid = started(box, b)
    for _ in range(10):
        assert pid in json.loads(box.hozo("ps", "--format", "json", "c1").ok().out)
        box.hozo("kill", "--all", "c1", "WINCH").ok().silent()
    gone(box, b, [pid, *host.children(pid)])


@test(cases=LAYOUTS, timeout=60)
def an_exec_that_nobody_asks_for_its_end_does_not_keep_the_container(box, layout):
    """The kernel does not let the first process of a pid namespace go before all others of it were waited for."""
    layout()
    b = box.bundle("sleep 100")
    box.running(b)
    box.exec("sleep", "100", options=("--detach", "--pid-file", f"{box.dir}/pid")).ok()
    with open(f"{box.dir}/pid") as f:
        zombie = int(f.read())
    deleting = box.spawn("delete", "--force", "c1")
    same(deleting.wait(9), 0)
    same(host.process_state(zombie), "Z")
    same(host.cgroup_directories(b.linux["cgroupsPath"]), [])
    host.reap()
    box.nothing_left()


@test(cases=LAYOUTS, timeout=60, sanitized=False)
def an_exec_at_the_same_time_leaves_nothing(box, layout):
    layout()
    b = box.bundle("sleep 100")
    for _ in range(5):
        box.running(b)
        execs = [box.spawn("exec", "--detach", "c1", "sleep", "100") for _ in range(6)]
        time.sleep(0.01)
        box.hozo("delete", "--force", "c1").ok()
        for e in execs:
            e.wait(10)
        same(host.cgroup_directories(b.linux["cgroupsPath"]), [])
        box.nothing_left()


# --- programs, and many at once

@test
def on_cgroup_v2_the_device_program_goes_with_the_group(box):
    host.cgroup_v2_only()
    b = box.bundle("sleep 100")
    box.running(b)
    [program] = programs.devices_of(f"/sys/fs/cgroup{b.linux['cgroupsPath']}")
    same(programs.name(program), "hozo_devices")
    box.hozo("delete", "--force", "c1").ok()
    host.eventually(lambda: programs.name(program) is None)


@test
def on_cgroup_v2_no_device_program_is_left_of_a_failed_create(box):
    host.cgroup_v2_only()
    b = box.bundle("true")
    b.hook("createRuntime", "/bin/sh", ["sh", "-c", "sleep 1; exit 1"])
    creating = box.spawn("create", "--bundle", b.write().path, "c1")
    directory = f"/sys/fs/cgroup{b.linux['cgroupsPath']}"
    [program] = host.eventually(lambda: os.path.isdir(directory) and programs.devices_of(directory))
    same(creating.wait(10), 1)
    host.eventually(lambda: programs.name(program) is None)


@test(cases=LAYOUTS, timeout=180, sanitized=False)
def a_hundred_at_once_leave_nothing(box, layout):
    layout()
    first = box.bundle("sleep 100 & wait")
    bundles = [first, *(box.bundle_beside(first, "sleep 100 & wait") for _ in range(99))]
    devices = []

    def life(n):
        id = f"c{n}"
        box.create(bundles[n], id=id, timeout=60).ok()
        box.hozo("start", id, timeout=60).ok()
        if layout is LAYOUTS["on cgroup v2"]:
            devices.extend(programs.devices_of(f"/sys/fs/cgroup{bundles[n].linux['cgroupsPath']}"))
        box.hozo("delete", "--force", id, timeout=60).ok().silent()

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        list(pool.map(life, range(100)))
    if layout is LAYOUTS["on cgroup v2"]:
        same(len(devices), 100)
        host.eventually(lambda: not any(map(programs.name, devices)))
    same(host.cgroup_directories(box.cgroup), [])
    box.nothing_left()
