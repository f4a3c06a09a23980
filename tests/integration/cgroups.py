# SPDX-License-Identifier: Apache-2.0
"""Where a container's processes are accounted, and what limits them."""
import glob
import os

import host
from harness import Skip, same, test


def group(b):
    return b.linux["cgroupsPath"]


@test
def the_container_is_in_the_named_group_of_every_hierarchy(box):
    b = box.bundle("sleep 100")
    pid = box.running(b)
    paths = host.cgroup_of(pid)
    mounted = {c for names in host.hierarchies().values() for c in names if not c.startswith("rw")}
    places = {name: path for name, path in paths.items() if name in mounted}
    assert places and set(places.values()) == {group(b)}, paths


@test
def a_relative_path_and_no_path_give_a_group_beside_ours(box):
    ours = host.cgroup_of("self")
    for path in ("relative-" + box.cgroup.lstrip("/"), None):
        b = box.bundle("sleep 100")
        del b.linux["cgroupsPath"]
        if path:
            b.linux["cgroupsPath"] = path
        id = box.cgroup.lstrip("/") + "-id"
        pid = box.running(b, id=id)
        name = path or id
        assert any(p.endswith(f"/{name}") for p in host.cgroup_of(pid).values()), host.cgroup_of(pid)
        assert host.cgroup_of(pid) != ours
        box.hozo("delete", "--force", id).ok()
        assert not [p for p in host.hierarchies() for p in glob.glob(f"{p}/**/{name}", recursive=True)]


@test
def a_path_with_several_parts_is_made_and_its_last_part_removed(box):
    b = box.bundle("sleep 100")
    b.linux["cgroupsPath"] = group(b) + "/outer/inner"
    pid = box.running(b)
    assert group(b) in host.cgroup_of(pid).values()
    box.hozo("delete", "--force", "c1").ok()
    inner = [d for top in host.cgroup_directories(box.cgroup) for d in glob.glob(f"{top}/outer/inner")]
    same(inner, [])
    for top in host.cgroup_directories(box.cgroup):
        host.remove_cgroup(top)


@test
def groups_that_the_container_made_are_removed_too(box):
    b = box.bundle("sleep 100")
    box.running(b)
    for directory in host.cgroup_directories(group(b)):
        os.makedirs(f"{directory}/made/inside")
    box.hozo("delete", "--force", "c1").ok()
    same(host.cgroup_directories(group(b)), [])


@test
def in_a_cgroup_namespace_its_group_is_the_root(box):
    b = box.bundle(["cat", "/proc/self/cgroup"])
    b.linux["namespaces"].append({"type": "cgroup"})
    rows = [line.split(":", 2) for line in box.run(b).ok().out.splitlines()]
    mounted = {c for names in host.hierarchies().values() for c in names}
    seen = {names: path for _, names, path in rows if set(names.split(",")) & mounted}
    same(set(seen.values()), {"/"}, str(rows))


@test
def the_group_lives_until_delete(box):
    """Engines read it when the container has ended."""
    if box.systemd:
        raise Skip("systemd removes the group of a unit whose processes have ended")
    b = box.bundle("true")
    box.stopped(b)
    assert host.cgroup_directories(group(b))
    box.hozo("delete", "c1").ok()
    same(host.cgroup_directories(group(b)), [])


@test
def with_a_disabled_manager_there_is_none(box):
    b = box.bundle("sleep 100")
    del b.linux["resources"]
    b.write()
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.path, "c1").ok()
    same(host.cgroup_of(box.state()["pid"]), host.cgroup_of("self"))
    same(host.cgroup_directories(box.cgroup), [])


# --- limits

@test
def a_fork_bomb_meets_the_limit_of_processes(box):
    # busybox' shell ends when it cannot fork: not as pid 1, with which all of the container, and its group, would end.
    b = box.bundle("sh -c 'n=0; while [ $n -lt 40 ]; do sleep 50 & n=$((n+1)); done'; exec sleep 50")
    b.linux["resources"]["pids"] = {"limit": 12}
    limit = host.controller_directory("pids", group(b))
    box.created(b)
    same(open(f"{limit}/pids.max").read(), "12\n")
    box.hozo("start", "c1").ok()

    host.eventually(lambda: "max 0" not in open(f"{limit}/pids.events").read(), what="an event of the limit")
    box.hozo("delete", "--force", "c1").ok()


@test
def the_program_cannot_fork_beyond_the_limit(box):
    b = box.bundle("(sleep 1 & sleep 1 & sleep 1 & sleep 1 & echo forked) 2>&1; exit 3")
    b.linux["resources"]["pids"] = {"limit": 3}
    host.controller_directory("pids", "")
    r = box.run(b)
    assert "forked" not in r.out and "fork" in r.out, r


@test
def too_much_memory_kills_the_program(box):
    b = box.bundle(["dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"])
    b.linux["resources"]["memory"] = {"limit": 10 << 20}
    host.controller_directory("memory", "")
    if host.has_swap():
        b.linux["resources"]["memory"]["swap"] = 10 << 20
    box.run(b).ends(137)


@test
def a_memory_limit_is_written_exactly(box):
    b = box.bundle("true")
    b.linux["resources"]["memory"] = {"limit": 123 * 4096 * 100}
    directory = host.controller_directory("memory", group(b))
    box.created(b)
    files = [f for f in ("memory.max", "memory.limit_in_bytes") if os.path.exists(f"{directory}/{f}")]
    same(open(f"{directory}/{files[0]}").read(), f"{123 * 4096 * 100}\n")


@test
def a_value_that_the_kernel_refuses_is_an_error_and_leaves_nothing(box):
    b = box.bundle("true")
    b.linux["resources"]["cpu"] = {"cpus": "9999"}
    host.controller_directory("cpuset", "")
    box.create(b).fails("linux.resources.cpu.cpus")
    box.nothing_left()


@test
def the_processor_share_is_written(box):
    b = box.bundle("true")
    b.linux["resources"]["cpu"] = {"shares": 512}
    directory = host.controller_directory("cpu", group(b))
    box.created(b)
    files = [f for f in ("cpu.weight", "cpu.shares") if os.path.exists(f"{directory}/{f}")]
    same(open(f"{directory}/{files[0]}").read(), {"cpu.shares": "512\n", "cpu.weight": "59\n"}[files[0]])


# --- devices

KMSG = {"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}
PROBE = ("(head -c 0 < /dev/kmsg) 2>&1; echo x > /dev/null && head -c 1 /dev/zero | wc -c; "
         "test -c /dev/full && echo made")


def device_bundle(box, *rules):
    b = box.bundle(PROBE)
    b.linux["devices"] = [KMSG]
    b.capabilities("CAP_SYSLOG")  # so that nothing but the device rules can refuse it
    b.linux["resources"]["devices"] = [{"allow": False, "access": "rwm"}, *rules]
    return b


def denied(box):
    out = box.run(device_bundle(box)).ok().out.splitlines()
    assert "Operation not permitted" in out[0], out
    same(out[1:], ["1", "made"], "the devices that every container has stay usable")


def allowed(box):
    out = box.run(device_bundle(box, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}))
    same(out.ok().out.splitlines(), ["1", "made"])


def allowed_for_reading_only(box):
    b = device_bundle(box, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"})
    b.program("(echo > /dev/kmsg) 2>&1")
    out = box.run(b).ends(1).out
    assert "Operation not permitted" in out, out


def by_exec(box):
    b = device_bundle(box)
    b.program("sleep 100")
    box.running(b)
    out = box.exec("sh", "-c", "(head -c 0 < /dev/kmsg) 2>&1; echo x > /dev/null && echo fine").ok().out
    assert "Operation not permitted" in out and out.endswith("fine\n"), out


DEVICE_CASES = {"a denied one": denied, "an allowed one": allowed, "to exec": by_exec,
                "a denied access": allowed_for_reading_only}


@test(cases=DEVICE_CASES)
def devices_obey_the_rules(box, check):
    check(box)


@test(cases=DEVICE_CASES)
def devices_obey_the_rules_on_cgroup_v2(box, check):
    host.cgroup_v2_too()
    check(box)


# --- cgroup v2 in a mount namespace of the test

@test
def on_cgroup_v2_the_container_is_in_its_group(box):
    host.cgroup_v2_too()
    b = box.bundle("sleep 100")
    pid = box.running(b)
    same(host.cgroup_of(pid)[""], group(b))
    same(host.cgroup_processes(f"/sys/fs/cgroup{group(b)}"), [pid])
    box.exec("sleep", "90", options=["--detach", "--pid-file", f"{box.dir}/pid"]).ok()
    same(host.cgroup_of(int(open(f"{box.dir}/pid").read()))[""], group(b))
    box.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


@test
def on_cgroup_v2_the_mount_shows_its_own_group_in_a_cgroup_namespace(box):
    host.cgroup_v2_only()
    b = box.bundle("cat /proc/self/cgroup | tail -n 1; cat /sys/fs/cgroup/cgroup.procs | wc -l; "
                   "mkdir /sys/fs/cgroup/x 2>&1 | grep -c Read-only")
    b.linux["namespaces"].append({"type": "cgroup"})
    out = box.run(b).ok().out.splitlines()
    same(out[0], "0::/")
    assert int(out[1]) >= 1 and out[2] == "1", out


@test
def on_cgroup_v2_kill_all_ends_every_process(box):
    host.cgroup_v2_only()
    b = box.bundle("sleep 100 & sleep 101 & wait")
    b.without_namespace("pid")
    pid = box.running(b)
    host.eventually(lambda: len(host.children(pid)) == 2)
    family = [pid, *host.children(pid)]
    box.hozo("kill", "--all", "c1", "KILL").ok()
    host.eventually(lambda: not any(map(host.alive, family)))


@test
def on_cgroup_v2_an_exec_that_finds_no_group_of_the_container_is_refused(box):
    """It would run outside of the container's limits and device rules."""
    host.cgroup_v2_only()
    box.running()
    host.libc.mount(b"none", b"/sys/fs/cgroup", b"tmpfs", 0, None)
    box.exec("true").fails("linux.cgroupsPath", code=255)
    host.libc.umount2(b"/sys/fs/cgroup", 0)
    box.exec("true").ok()


@test
def on_cgroup_v2_a_limit_without_its_controller_is_an_error(box):
    host.cgroup_v2_only()
    with open("/sys/fs/cgroup/cgroup.controllers") as f:
        if "pids" in f.read().split():
            raise Skip("the host's cgroup v2 has the pids controller")
    b = box.bundle("true")
    b.linux["resources"]["pids"] = {"limit": 5}
    box.create(b).fails("linux.resources.pids.limit")
    box.nothing_left()


@test
def on_cgroup_v2_the_lifecycle_leaves_nothing(box):
    host.cgroup_v2_too()
    box.run("echo fine").ok()
    box.nothing_left()
    box.run("exit 5", "--keep").ends(5)
    box.hozo("delete", "c1").ok()
    box.nothing_left()
