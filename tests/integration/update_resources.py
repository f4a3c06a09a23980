# SPDX-License-Identifier: Apache-2.0
"""update of linux.resources: what is named changes, all else stays; all of it, or nothing."""
import json
import os

import host
from harness import Skip, same, test
from limits import Disk, Group

MB = 1 << 20
FAMILIES = ("memory", "cpu", "cpuset", "pids", "blkio", "hugetlb")
START = {"memory": {"limit": 64 * MB, "reservation": 32 * MB, "swap": 96 * MB},
         "cpu": {"shares": 512, "quota": 40000, "period": 80000, "burst": 10000, "cpus": "0", "mems": "0"},
         "pids": {"limit": 100}, "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]}
SECTIONS = {"memory": ("memory",), "cpu": ("cpu", "cpuset"), "pids": ("pids",), "hugepageLimits": ("hugetlb",)}


def groups(b):
    """Of the controllers that the host has."""
    found = {}
    for family in FAMILIES:
        try:
            found[family] = Group(b, family)
        except Skip:
            pass
    return found


def limited(box, program="sleep 100", **more):
    """A running container with all limits that this host can set; and its groups."""
    b = box.bundle(program)
    here = groups(b)
    b.linux["resources"].update({k: v for k, v in START.items() if all(c in here for c in SECTIONS[k])}, **more)
    box.running(b)
    return b, here


def update(box, resources, *options, id="c1"):
    with open(f"{box.dir}/update.json", "w") as f:
        json.dump(resources, f)
    with open(f"{box.dir}/update.json") as f:
        return box.hozo("update", "--resources", "-", *options, id, stdin=f)


def settings(here):
    return {f"{g.directory}/{file}": text for g in here.values() for file, text in g.snapshot().items()}


def differences(before, after):
    return {os.path.basename(path): after.get(path) for path in before if before[path] != after.get(path)}


# --- one value

def change(resources, controller, v1, v2):
    return resources, controller, v1, v2


ONE = {
    "memory limit": change({"memory": {"limit": 80 * MB}}, "memory", {"memory.limit_in_bytes": f"{80 * MB}"},
                           {"memory.max": f"{80 * MB}", "memory.swap.max": f"{16 * MB}"}),
    "smaller memory limit": change({"memory": {"limit": 48 * MB}}, "memory", {"memory.limit_in_bytes": f"{48 * MB}"},
                                   {"memory.max": f"{48 * MB}", "memory.swap.max": f"{48 * MB}"}),
    "memory and swap": change({"memory": {"swap": 128 * MB}}, "memory", {"memory.memsw.limit_in_bytes": f"{128 * MB}"},
                              {"memory.swap.max": f"{64 * MB}"}),
    "memory and swap together": change({"memory": {"limit": 200 * MB, "swap": 300 * MB}}, "memory",
                                       {"memory.limit_in_bytes": f"{200 * MB}",
                                        "memory.memsw.limit_in_bytes": f"{300 * MB}"},
                                       {"memory.max": f"{200 * MB}", "memory.swap.max": f"{100 * MB}"}),
    "less memory and swap together": change({"memory": {"limit": 16 * MB, "swap": 20 * MB}}, "memory",
                                            {"memory.limit_in_bytes": f"{16 * MB}",
                                             "memory.memsw.limit_in_bytes": f"{20 * MB}"},
                                            {"memory.max": f"{16 * MB}", "memory.swap.max": f"{4 * MB}"}),
    "no memory limit": change({"memory": {"limit": -1}}, "memory",
                              {"memory.limit_in_bytes": "9223372036854771712",
                               "memory.memsw.limit_in_bytes": "9223372036854771712"},
                              {"memory.max": "max", "memory.swap.max": "max"}),
    "memory reservation": change({"memory": {"reservation": 20 * MB}}, "memory",
                                 {"memory.soft_limit_in_bytes": f"{20 * MB}"}, {"memory.low": f"{20 * MB}"}),
    "cpu shares": change({"cpu": {"shares": 2048}}, "cpu", {"cpu.shares": "2048"}, {"cpu.weight": "174"}),
    "cpu quota": change({"cpu": {"quota": 50000}}, "cpu", {"cpu.cfs_quota_us": "50000"}, {"cpu.max": "50000 80000"}),
    "no cpu quota": change({"cpu": {"quota": -1}}, "cpu", {"cpu.cfs_quota_us": "-1"}, {"cpu.max": "max 80000"}),
    "cpu period": change({"cpu": {"period": 90000}}, "cpu", {"cpu.cfs_period_us": "90000"}, {"cpu.max": "40000 90000"}),
    "cpu quota and period": change({"cpu": {"quota": 200000, "period": 400000}}, "cpu",
                                   {"cpu.cfs_quota_us": "200000", "cpu.cfs_period_us": "400000"},
                                   {"cpu.max": "200000 400000"}),
    "cpu quota and burst": change({"cpu": {"quota": 5000, "burst": 2000}}, "cpu",
                                  {"cpu.cfs_quota_us": "5000", "cpu.cfs_burst_us": "2000"},
                                  {"cpu.max": "5000 80000", "cpu.max.burst": "2000"}),
    "an idle group": change({"cpu": {"idle": 1}}, "cpu", {"cpu.idle": "1", "cpu.shares": "3"},
                            {"cpu.idle": "1", "cpu.weight": "0"}),
    "tasks": change({"pids": {"limit": 50}}, "pids", {"pids.max": "50"}, {"pids.max": "50"}),
    "any number of tasks": change({"pids": {"limit": -1}}, "pids", {"pids.max": "max"}, {"pids.max": "max"}),
    "huge pages": change({"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MB}]}, "hugetlb",
                         {"hugetlb.2MB.limit_in_bytes": f"{2 * MB}", "hugetlb.2MB.rsvd.limit_in_bytes": f"{2 * MB}"},
                         {"hugetlb.2MB.max": f"{2 * MB}", "hugetlb.2MB.rsvd.max": f"{2 * MB}"}),
    "nothing": change({"memory": {}, "cpu": {"shares": 0, "quota": 0, "cpus": ""}, "blockIO": {"weight": 0}}, "memory",
                      {}, {}),
}


@test(cases=ONE)
def an_update_changes_what_it_names_and_nothing_else(box, case):
    resources, controller, v1, v2 = case
    b, here = limited(box)
    if controller not in here:
        raise Skip(f"the host has no {controller} controller")
    before = settings(here)
    update(box, resources).ok().silent()
    expected = v2 if here[controller].v2 else v1
    found = differences(before, settings(here))
    # What follows from it: cpu.weight.nice from cpu.weight; a kernel without burst or swap has no file of it.
    same({k: v for k, v in found.items() if k in expected or k not in ("cpu.weight.nice", "cpuset.cpus.effective")},
         {k: v for k, v in expected.items() if k in {os.path.basename(p) for p in before}})


@test
def updates_add_up(box):
    _, here = limited(box)
    for resources in ({"cpu": {"quota": 30000}}, {"cpu": {"period": 60000}}, {"memory": {"limit": 70 * MB}},
                      {"memory": {"swap": 100 * MB}}, {"pids": {"limit": 60}}):
        update(box, resources).ok()
    if "cpu" in here:
        cpu = here["cpu"]
        same(cpu.read("cpu.max") if cpu.v2 else f"{cpu.read('cpu.cfs_quota_us')} {cpu.read('cpu.cfs_period_us')}",
             "30000 60000")
    if "memory" in here:
        same(here["memory"].read("memory.memsw.limit_in_bytes", "memory.swap.max"),
             f"{30 * MB if here['memory'].v2 else 100 * MB}")


@test
def a_group_that_was_idle_has_its_shares_again(box):
    _, here = limited(box)
    if "cpu" not in here or not here["cpu"].has("cpu.idle"):
        raise Skip("the kernel has no idle groups")
    before = settings(here)
    for resources in {"cpu": {"idle": 1}}, {"cpu": {"idle": 1, "shares": 512}}, {"cpu": {"shares": 700}}:
        update(box, resources).ok()
        same(here["cpu"].read("cpu.idle"), "1")
    update(box, {"cpu": {"idle": 0, "shares": 512}}).ok()
    same(differences(before, settings(here)), {})


@test
def swap_is_counted_from_the_limit_that_the_kernel_has(box):
    if box.systemd:
        raise Skip("systemd writes its own over what others have written")
    _, here = limited(box)
    if "memory" not in here or not here["memory"].v2:
        raise Skip("cgroup v1 counts both together")
    here["memory"].write("memory.max", f"{50 * MB}")
    update(box, {"memory": {"swap": 90 * MB}}).ok()
    same(here["memory"].read("memory.swap.max"), f"{40 * MB}")
    update(box, {"memory": {"swap": 40 * MB}}).fails("linux.resources.memory.swap")
    same(here["memory"].read("memory.swap.max"), f"{40 * MB}")


@test
def a_quota_that_another_has_set_is_kept_with_a_new_period(box):
    if box.systemd:
        raise Skip("systemd writes its own over what others have written")
    _, here = limited(box)
    if "cpu" not in here or not here["cpu"].v2:
        raise Skip("cgroup v1 has two files")
    here["cpu"].write("cpu.max", "33000")
    update(box, {"cpu": {"period": 70000}}).ok()
    same(here["cpu"].read("cpu.max"), "33000 70000")


@test
def an_update_of_a_container_that_is_created_or_frozen(box):
    b = box.bundle("sleep 100")
    group = Group(b, "pids")
    box.created(b)
    update(box, {"pids": {"limit": 33}}).ok()
    same(group.read("pids.max"), "33")
    box.hozo("start", "c1").ok()
    box.hozo("pause", "c1").ok()
    update(box, {"pids": {"limit": 44}}).ok()
    same(group.read("pids.max"), "44")
    same(box.state()["status"], "paused")
    box.hozo("resume", "c1").ok()


@test
def a_smaller_limit_of_memory_holds_at_once(box):
    if box.systemd:
        raise Skip("systemd removes the group of a unit whose processes have ended")
    _, here = limited(box, "while [ ! -e /dev/shm/go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=40M count=1")
    if "memory" not in here:
        raise Skip("the host has no memory controller")
    update(box, {"memory": {"limit": 8 * MB, "swap": 8 * MB}}).ok()
    box.exec("touch", "/dev/shm/go").ok()
    box.wait_status("stopped")
    assert "oom_kill 0" not in here["memory"].read("memory.oom_control", "memory.events").splitlines()


# --- all or nothing

HALF_WAY = {
    "processors behind memory and cpu": {"memory": {"limit": 80 * MB, "swap": 90 * MB, "reservation": 10 * MB},
                                         "cpu": {"shares": 700, "quota": 70000, "period": 100000, "burst": 5000,
                                                 "cpus": "9999"}, "pids": {"limit": 9}},
    "processors behind idle": {"cpu": {"idle": 1, "cpus": "9999"}},
    "a period behind others": {"memory": {"limit": 70 * MB}, "cpu": {"shares": 3, "period": 1}},
    "a quota behind its period": {"cpu": {"quota": 1, "period": 1000000}},
    "a page size behind all": {"memory": {"limit": 70 * MB}, "cpu": {"shares": 3},
                               "hugepageLimits": [{"pageSize": "2MB", "limit": 0}, {"pageSize": "3MB", "limit": 0}]},
    "what cannot be at all": {"pids": {"limit": 9}, "memory": {"limit": 70 * MB, "swap": 10}},
}


@test(cases=HALF_WAY)
def an_update_that_fails_half_way_leaves_all_as_it_was(box, resources):
    _, here = limited(box)
    if any(c not in here for section in resources for c in SECTIONS[section]):
        raise Skip("the host lacks a controller of this test")
    before = settings(here)
    update(box, resources).fails("linux.resources.")
    same(differences(before, settings(here)), {})
    update(box, {"pids": {"limit": 99}}).ok()
    same(differences(before, settings(here)), {"pids.max": "99"}, "the configuration did not take part of it either")


@test
def limits_of_devices_are_put_back_as_well(box):
    with Disk(box) as disk:
        rates = {"throttleReadBpsDevice": [disk.number(rate=MB)], "throttleWriteBpsDevice": [disk.number(rate=2 * MB)]}
        b = box.bundle("sleep 100")
        group = Group(b, "blkio")
        b.linux["resources"]["blockIO"] = {"throttleReadBpsDevice": rates["throttleReadBpsDevice"]}
        box.running(b)
        before = group.snapshot()
        rates["throttleReadBpsDevice"] = [disk.number(rate=3 * MB)]
        rates["throttleWriteIOPSDevice"] = [{"major": 0, "minor": 0, "rate": 7}]
        update(box, {"blockIO": {"weight": 300, **rates}}).fails("linux.resources.blockIO.throttleWriteIOPSDevice[0]")
        same(group.snapshot(), before)
        del rates["throttleWriteIOPSDevice"]
        update(box, {"blockIO": rates}).ok()
        number = f"{disk.major}:{disk.minor}"
        same(group.read("blkio.throttle.write_bps_device", "io.max"),
             f"{number} rbps={3 * MB} wbps={2 * MB} riops=max wiops=max" if group.v2 else f"{number} {2 * MB}")
        box.hozo("delete", "--force", "c1").ok()


# --- checkBeforeUpdate

@test
def a_limit_below_what_is_in_use_is_refused_if_that_is_asked_for(box):
    if box.systemd:
        raise Skip("that is refused where systemd sets the limit")
    b = box.bundle("head -c 12000000 /dev/zero > /dev/shm/held; sleep 100")
    b.linux["resources"]["memory"] = {"limit": 64 * MB, "checkBeforeUpdate": True}
    group = Group(b, "memory")
    box.running(b)
    host.eventually(lambda: int(group.read("memory.usage_in_bytes", "memory.current")) > 12000000)
    update(box, {"memory": {"limit": 4 * MB}}).fails("linux.resources.memory.limit: 4194304 is less than what is in use")
    same(group.read("memory.limit_in_bytes", "memory.max"), f"{64 * MB}")
    same(box.state()["status"], "running")
    update(box, {"memory": {"limit": 60 * MB}}).ok()
    same(group.read("memory.limit_in_bytes", "memory.max"), f"{60 * MB}")


@test
def it_can_be_asked_for_by_the_update(box):
    if box.systemd:
        raise Skip("that is refused where systemd sets the limit")
    b = box.bundle("head -c 12000000 /dev/zero > /dev/shm/held; sleep 100")
    group = Group(b, "memory")
    box.running(b)
    host.eventually(lambda: int(group.read("memory.usage_in_bytes", "memory.current")) > 12000000)
    update(box, {"memory": {"limit": 4 * MB, "checkBeforeUpdate": True}}).fails("linux.resources.memory.limit")
    same(box.state()["status"], "running")
