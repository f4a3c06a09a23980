# SPDX-License-Identifier: Apache-2.0
"""linux.resources: each field is what the kernel then shows, and does."""
import json
import os
import time

import host
import limits
from harness import Skip, same, test
from limits import PAGE, Disk, Group

MB = 1 << 20


def as_input(box, document):
    with open(f"{box.dir}/input", "w") as f:
        json.dump(document, f)
    return open(f"{box.dir}/input")


def resources(box, program="true", **members):
    b = box.bundle(program)
    b.linux["resources"].update(members)
    return b


# --- what the kernel shows

def field(section, controller, v1, v2=None):
    """v1, v2: (file, content); None: the version has no such thing."""
    return section, controller, v1, v2


BYTES = 123 * 100 * PAGE
SHOWN = {
    "memory limit": field({"memory": {"limit": BYTES}}, "memory",
                          ("memory.limit_in_bytes", f"{BYTES}"), ("memory.max", f"{BYTES}")),
    "no memory limit": field({"memory": {"limit": -1}}, "memory",
                             ("memory.limit_in_bytes", "9223372036854771712"), ("memory.max", "max")),
    "memory reservation": field({"memory": {"reservation": BYTES}}, "memory",
                                ("memory.soft_limit_in_bytes", f"{BYTES}"), ("memory.low", f"{BYTES}")),
    "memory swappiness": field({"memory": {"swappiness": 13}}, "memory", ("memory.swappiness", "13")),
    "memory swappiness of 0": field({"memory": {"swappiness": 0}}, "memory", ("memory.swappiness", "0")),
    "memory of TCP": field({"memory": {"kernelTCP": BYTES}}, "memory",
                           ("memory.kmem.tcp.limit_in_bytes", f"{BYTES}")),
    "hierarchical memory": field({"memory": {"useHierarchy": True}}, "memory", ("memory.use_hierarchy", "1"),
                                 ("cgroup.type", "domain")),  # v2 knows nothing else
    "cpu shares": field({"cpu": {"shares": 512}}, "cpu", ("cpu.shares", "512"), ("cpu.weight", "59")),
    "least cpu shares": field({"cpu": {"shares": 2}}, "cpu", ("cpu.shares", "2"), ("cpu.weight", "1")),
    "cpu quota": field({"cpu": {"quota": 20000}}, "cpu", ("cpu.cfs_quota_us", "20000"), ("cpu.max", "20000 100000")),
    "cpu period": field({"cpu": {"period": 50000}}, "cpu", ("cpu.cfs_period_us", "50000"), ("cpu.max", "max 50000")),
    "cpu quota and period": field({"cpu": {"quota": 20000, "period": 50000}}, "cpu",
                                  ("cpu.cfs_quota_us", "20000"), ("cpu.max", "20000 50000")),
    "cpu burst": field({"cpu": {"quota": 20000, "burst": 10000}}, "cpu",
                       ("cpu.cfs_burst_us", "10000"), ("cpu.max.burst", "10000")),
    "cpu idle": field({"cpu": {"idle": 1, "shares": 512}}, "cpu", ("cpu.idle", "1"), ("cpu.idle", "1")),
    "cpus": field({"cpu": {"cpus": "0"}}, "cpuset", ("cpuset.cpus", "0"), ("cpuset.cpus", "0")),
    "memory nodes": field({"cpu": {"mems": "0"}}, "cpuset", ("cpuset.mems", "0"), ("cpuset.mems", "0")),
    "tasks": field({"pids": {"limit": 77}}, "pids", ("pids.max", "77"), ("pids.max", "77")),
    "any number of tasks": field({"pids": {"limit": -1}}, "pids", ("pids.max", "max"), ("pids.max", "max")),
    "huge pages": field({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]}, "hugetlb",
                        ("hugetlb.2MB.limit_in_bytes", f"{4 * MB}"), ("hugetlb.2MB.max", f"{4 * MB}")),
    "reserved huge pages": field({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]}, "hugetlb",
                                 ("hugetlb.2MB.rsvd.limit_in_bytes", f"{4 * MB}"),
                                 ("hugetlb.2MB.rsvd.max", f"{4 * MB}")),
}


@test(cases=SHOWN)
def a_field_is_what_the_kernel_shows(box, case):
    section, controller, v1, v2 = case
    b = resources(box, **section)
    group = Group(b, controller)
    if group.v2 and not v2:
        box.create(b).fails("linux.resources.", "cgroup v2 has nothing like it")
        box.nothing_left()
        return
    box.created(b)
    file, content = v2 if group.v2 else v1
    if not group.has(file):
        raise Skip(f"the kernel has no {file}")
    same(group.read(file), content)


@test
def memory_and_swap_are_counted_together(box):
    b = resources(box, memory={"limit": 40 * MB, "swap": 60 * MB})
    group = Group(b, "memory")
    box.created(b)
    same(group.read("memory.memsw.limit_in_bytes", "memory.swap.max"), f"{20 * MB if group.v2 else 60 * MB}")


@test
def the_weight_of_block_devices_is_that_of_a_scheduler(box):
    b = resources(box, blockIO={"weight": 500})
    group = Group(b, "blkio")
    box.created(b)
    found = [group.read(f) for f in ("blkio.bfq.weight", "io.bfq.weight", "blkio.weight", "io.weight") if group.has(f)]
    expected = {"blkio.bfq.weight": "500", "io.bfq.weight": "default 500", "io.weight": "default 4950"}
    assert found and found[0] in expected.values(), found


@test
def a_limit_of_kernel_memory_is_kept_or_an_error(box):
    """Later kernels take it and forget it."""
    b = resources(box, memory={"kernel": 64 * MB})
    group = Group(b, "memory")
    r = box.create(b)
    if group.v2:
        r.fails("linux.resources.memory.kernel", "cgroup v2 has nothing like it")
    elif r.code:
        r.fails("linux.resources.memory.kernel", "memory.kmem.limit_in_bytes")
    else:
        same(group.read("memory.kmem.limit_in_bytes"), f"{64 * MB}")
        return
    box.nothing_left()
    box.created(resources(box, memory={"kernel": -1, "kernelTCP": -1}), id="c2")


@test
def what_nobody_has_set_is_nothing(box):
    """As Docker writes it."""
    b = resources(box, memory={"limit": 0, "reservation": 0, "swap": 0, "kernel": 0, "disableOOMKiller": False},
                  cpu={"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""},
                  blockIO={"weight": 0, "leafWeight": 0, "weightDevice": [], "throttleReadBpsDevice": []},
                  hugepageLimits=[], network={}, rdma={}, unified={})
    box.run(b).ok()


REFUSED = {
    "cpus": ({"cpu": {"cpus": "9999"}}, "cpuset", "linux.resources.cpu.cpus"),
    "cpu period": ({"cpu": {"period": 1}}, "cpu", "linux.resources.cpu.period"),
    "cpu quota": ({"cpu": {"quota": 1}}, "cpu", "linux.resources.cpu.quota"),
    "throttling of no device": ({"blockIO": {"throttleReadBpsDevice": [{"major": 0, "minor": 0, "rate": 1}]}}, "blkio",
                                "linux.resources.blockIO.throttleReadBpsDevice[0]"),
    "weight of a device": ({"blockIO": {"weightDevice": [{"major": 0, "minor": 0, "weight": 100}]}}, "blkio",
                           "linux.resources.blockIO.weightDevice[0].weight"),
    "weight": ({"blockIO": {"weight": 1001}}, "blkio", "linux.resources.blockIO.weight"),
    "page size": ({"hugepageLimits": [{"pageSize": "3MB", "limit": 0}]}, "hugetlb",
                  "linux.resources.hugepageLimits[0].limit"),
}


@test(cases=REFUSED)
def what_the_kernel_refuses_is_an_error_and_leaves_nothing(box, case):
    section, controller, path = case
    b = resources(box, pids={"limit": 100}, **section)
    Group(b, controller)
    box.create(b).fails(path)
    box.nothing_left()


@test
def an_rdma_device_that_is_not_there_is_an_error(box):
    box.create(resources(box, rdma={"mlx5_1": {"hcaHandles": 3}})).fails("linux.resources.rdma.mlx5_1")
    box.nothing_left()


# --- what it does

@test
def without_the_oom_killer_who_needs_too_much_waits(box):
    limits.only("v1")
    b = resources(box, ["dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"],
                  memory={"limit": 10 * MB, "disableOOMKiller": True,
                          **({"swap": 10 * MB} if host.has_swap() else {})})
    group = Group(b, "memory")
    pid = box.created(b)
    box.hozo("start", "c1").ok()
    host.eventually(lambda: "under_oom 1" in group.read("memory.oom_control"), what="want of memory")
    assert host.alive(pid)
    box.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


def busy_share(pid, seconds=1.0):
    """The share of one CPU that a process got in this time."""
    def used():
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before, start = used(), time.monotonic()
    time.sleep(seconds)
    return (used() - before) / (time.monotonic() - start)


@test
def a_processor_hog_gets_its_quota(box):
    """A busy host can only make the share smaller, and throttling is counted."""
    b = resources(box, "while :; do :; done", cpu={"quota": 5000, "period": 50000})
    group = Group(b, "cpu")
    pid = box.running(b)
    share = busy_share(pid, 2)
    assert share < 0.2, share
    host.eventually(lambda: int(dict(l.split() for l in group.read("cpu.stat").splitlines())["nr_throttled"]) > 5)
    box.hozo("update", "--cpu-quota", "-1", "c1").ok()
    host.eventually(lambda: busy_share(pid, 1) > 2 * share, 20, "a share without the quota")


@test
def the_container_runs_on_its_processors_only(box):
    b = resources(box, "grep Cpus_allowed_list /proc/self/status", cpu={"cpus": "0"})
    Group(b, "cpuset")
    same(box.run(b).ok().out.split(), ["Cpus_allowed_list:", "0"])


def timed_read(box, disk, id="c1"):
    start = time.monotonic()
    box.exec("dd", "if=/dev/disk", "of=/dev/null", "bs=64k", "count=16", "iflag=direct", id=id).ok()
    return time.monotonic() - start


def throttled(disk):
    return {"throttleReadBpsDevice": [disk.number(rate=MB // 2)]}


@test
def reading_from_a_device_is_throttled(box):
    with Disk(box) as disk:
        free, slow = resources(box, "sleep 100"), resources(box, "sleep 100", blockIO=throttled(disk))
        group = Group(slow, "blkio")
        for b, id in ((free, "free"), (slow, "slow")):
            disk.give(b)
            box.running(b, id=id)
        number = f"{disk.major}:{disk.minor}"
        same(group.read("blkio.throttle.read_bps_device", "io.max"),
             f"{number} rbps={MB // 2} wbps=max riops=max wiops=max" if group.v2 else f"{number} {MB // 2}")
        fast = timed_read(box, disk, "free")
        taken = timed_read(box, disk, "slow")
        assert taken > 1.4 and taken > fast + 1, (taken, fast)
        for id in ("free", "slow"):
            box.hozo("delete", "--force", id).ok()


@test
def writes_to_a_device_are_counted(box):
    with Disk(box) as disk:
        b = resources(box, "sleep 100", blockIO={"throttleWriteIOPSDevice": [disk.number(rate=8)]})
        Group(b, "blkio")
        disk.give(b)
        box.running(b)
        start = time.monotonic()
        box.exec("dd", "if=/dev/zero", "of=/dev/disk", "bs=4k", "count=40", "oflag=direct").ok()
        taken = time.monotonic() - start
        assert taken > 2.5, taken
        box.hozo("delete", "--force", "c1").ok()


@test
def a_single_device_has_a_weight_of_its_own(box):
    with Disk(box) as disk:
        scheduler = f"/sys/block/{os.path.basename(disk.path)}/queue/scheduler"
        try:
            with open(scheduler, "w") as f:
                f.write("bfq")
        except OSError:
            raise Skip("the kernel has no bfq")
        b = resources(box, blockIO={"weight": 200, "weightDevice": [disk.number(weight=300)]})
        group = Group(b, "blkio")
        box.created(b)
        same(sorted(group.read("blkio.bfq.weight_device", "io.bfq.weight").splitlines()),
             [f"{disk.major}:{disk.minor} 300", "default 200"])
        box.hozo("delete", "--force", "c1").ok()


def map_huge_pages(group, pages):
    """In the group: the result of mapping that many pages of 2 MB; 0 or an errno."""
    import mmap
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        group.write("cgroup.procs", str(os.getpid()))
        mmap.mmap(-1, pages * 2 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)
        os._exit(0)
    except OSError as e:
        os._exit(e.errno)


@test
def huge_pages_are_limited_when_they_are_reserved(box):
    with open("/proc/meminfo") as f:
        free = next(int(line.split()[1]) for line in f if line.startswith("HugePages_Free"))
    if free < 4:
        raise Skip("the host has no huge pages")
    b = resources(box, hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MB}])
    group = Group(b, "hugetlb")
    box.created(b)
    if not group.has("hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max"):
        raise Skip("the kernel does not limit reservations")
    same(map_huge_pages(group, 2), 0)
    assert map_huge_pages(group, 3) != 0


# --- network, real time: cgroup v1

def network_hierarchy(box):
    """Where net_cls and net_prio are; mounted for this test if nobody has."""
    if any("net_cls" in names for names in host.hierarchies().values()):
        return None
    host.private_mounts()
    os.mkdir(f"{box.dir}/net")
    if host.libc.mount(b"none", f"{box.dir}/net".encode(), b"cgroup", 0, b"net_cls,net_prio"):
        raise Skip("no controllers net_cls and net_prio")
    return f"{box.dir}/net"


def give_back(point):
    """The hierarchy goes with its last mount, if no group is still on its way out of it then."""
    def gone():
        with open("/proc/cgroups") as f:
            return any(line.split()[:2] == ["net_cls", "0"] for line in f)
    host.detach(point)
    for _ in range(8):
        host.reap()
        time.sleep(1)
        if gone():
            return
        host.libc.mount(b"none", point.encode(), b"cgroup", 0, b"net_cls,net_prio")
        host.detach(point)


@test
def packets_are_marked_as_the_configuration_says(box):
    limits.only("v1")
    own = network_hierarchy(box)
    b = resources(box, network={"classID": 0x100001, "priorities": [{"name": "lo", "priority": 7}]})
    box.created(b)
    same(Group(b, "net_cls").read("net_cls.classid"), f"{0x100001}")
    assert "lo 7" in Group(b, "net_prio").read("net_prio.ifpriomap").splitlines()
    box.hozo("update", "--resources", "-", "c1", stdin=as_input(box, {"network": {"classID": 3}})).ok()
    same(Group(b, "net_cls").read("net_cls.classid"), "3")
    assert "lo 7" in Group(b, "net_prio").read("net_prio.ifpriomap").splitlines()
    box.hozo("delete", "--force", "c1").ok()
    b = resources(box, network={"priorities": [{"name": "none-such", "priority": 7}]})
    box.create(b).fails("linux.resources.network.priorities[0]", "none-such 7")
    if own:
        give_back(own)
    box.nothing_left()


def with_real_time(box, group_path=None, **cpu):
    b = resources(box, "sleep 100", cpu=cpu)
    if group_path:
        b.linux["cgroupsPath"] += group_path
    group = Group(b, "cpu")
    if group.v2:
        raise Skip("cgroup v2 has no real-time budget")
    if not os.path.exists(f"{group.directory.removesuffix(b.linux['cgroupsPath'])}/cpu.rt_runtime_us"):
        raise Skip("the kernel has no real-time budget of groups")
    return b, group


@test
def groups_above_are_given_real_time_as_well(box):
    b, group = with_real_time(box, "/outer/inner", realtimeRuntime=2000, realtimePeriod=500000)
    box.created(b)
    for directory in group.directory, os.path.dirname(group.directory), os.path.dirname(os.path.dirname(group.directory)):
        with open(f"{directory}/cpu.rt_runtime_us") as runtime, open(f"{directory}/cpu.rt_period_us") as period:
            same((runtime.read(), period.read()), ("2000\n", "500000\n"), directory)
    box.hozo("delete", "--force", "c1").ok()
    for top in host.cgroup_directories(box.cgroup):
        host.remove_cgroup(top)


@test
def real_time_beyond_what_there_is_is_an_error(box):
    b, _ = with_real_time(box, realtimeRuntime=1000000, realtimePeriod=1000000)
    box.create(b).fails("linux.resources.cpu.realtimeRuntime")
    box.nothing_left()


@test
def a_period_below_the_runtime_waits_for_a_shorter_one(box):
    b, group = with_real_time(box, realtimeRuntime=2000)
    box.created(b)
    same(group.read("cpu.rt_period_us"), "1000000")
    box.hozo("update", "--cpu-rt-period", "1500", "--cpu-rt-runtime", "1000", "c1").ok()
    same((group.read("cpu.rt_runtime_us"), group.read("cpu.rt_period_us")), ("1000", "1500"))
    box.hozo("update", "--cpu-rt-period", "500", "c1").fails("linux.resources.cpu.realtimePeriod")
    same((group.read("cpu.rt_runtime_us"), group.read("cpu.rt_period_us")), ("1000", "1500"))


# --- unified

@test
def files_of_cgroup_v2_are_written_by_their_names(box):
    b = resources(box, unified={"hugetlb.2MB.max": f"{4 * MB}"})
    group = Group(b, "hugetlb")
    if not group.v2:
        raise Skip("hugetlb is a controller of cgroup v1 here")
    box.created(b)
    same(group.read("hugetlb.2MB.max"), f"{4 * MB}")


@test
def files_of_cgroup_v2_replace_what_other_fields_say(box):
    b = resources(box, memory={"limit": 64 * MB}, pids={"limit": 10},
                  unified={"memory.max": f"{32 * MB}", "memory.high": f"{16 * MB}", "pids.max": "20"})
    group = Group(b, "memory")
    if not group.v2:
        raise Skip("memory is a controller of cgroup v1 here")
    box.created(b)
    same([group.read(f) for f in ("memory.max", "memory.high", "pids.max")], [f"{32 * MB}", f"{16 * MB}", "20"])


UNIFIED = {
    "of no controller": ({"nothing.max": "1"}, 'linux.resources.unified["nothing.max"]'),
    "that lead out": ({"../memory.max": "1"}, 'linux.resources.unified["../memory.max"]'),
    "that freeze": ({"cgroup.freeze": "1"}, 'linux.resources.unified["cgroup.freeze"]'),
}


@test(cases=UNIFIED)
def files_of_cgroup_v2_that_are_refused(box, case):
    unified, path = case
    host.cgroup_v2_only()
    box.create(resources(box, unified=unified)).fails(path)
    box.nothing_left()


@test
def a_file_of_cgroup_v2_with_several_lines_is_written_line_by_line(box):
    with Disk(box) as one:
        number = f"{one.major}:{one.minor}"
        b = resources(box, unified={"io.max": f"{number} rbps={MB}\n{number} wbps={2 * MB}"})
        group = Group(b, "blkio")
        if not group.v2:
            raise Skip("blkio is a controller of cgroup v1 here")
        box.created(b)
        same(group.read("io.max"), f"{number} rbps={MB} wbps={2 * MB} riops=max wiops=max")
        box.hozo("delete", "--force", "c1").ok()


# --- checkBeforeUpdate

def occupied(group):
    """A group with no process and 8 MB that one has left."""
    os.makedirs(group.directory)
    pid = os.fork()
    if not pid:
        try:
            group.write("cgroup.procs", str(os.getpid()))
            fd = os.memfd_create("left")
            os.write(fd, b"x" * (8 * MB))
            os.kill(os.getpid(), 19)
        finally:
            os._exit(1)
    os.waitpid(pid, os.WUNTRACED)
    held = os.open(f"/proc/{pid}/fd", os.O_RDONLY)
    found = [os.open(f"/proc/{pid}/fd/{n}", os.O_RDONLY) for n in os.listdir(f"/proc/{pid}/fd")
             if "memfd:left" in os.readlink(f"/proc/{pid}/fd/{n}")]
    os.close(held)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return found[0]


@test
def a_limit_below_what_a_group_holds_already_is_refused(box):
    b = resources(box, memory={"limit": 4 * MB, "checkBeforeUpdate": True})
    group = Group(b, "memory")
    left = occupied(group)
    host.eventually(lambda: not host.cgroup_processes(group.directory))
    r = box.create(b)
    os.close(left)
    r.fails("linux.resources.memory.limit: 4194304 is less than what is in use")
    host.remove_cgroup(group.directory)
    box.nothing_left()
