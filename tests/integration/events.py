# SPDX-License-Identifier: Apache-2.0
"""events: what a container uses, once or again and again, and that the kernel has killed for want of memory."""
import json
import os
import signal
import socket
import time

import host
from events_format import decode
from harness import Skip, same, test
from made_plugins import MadePlugins

MIB = 1 << 20
LONG = ("--interval", "1h")


def stats(box, id="c1"):
    """The data of one line, as it is printed once."""
    r = box.hozo("events", "--stats", id).ok()
    same(r.err, "")
    assert r.out.endswith("}\n") and r.out.count("\n") == 1, r
    event = decode(r.out)
    same((event["type"], event["id"]), ("stats", id))
    return event["data"]


def lines(process, kind):
    """What a stream has printed up to now, of this type; the last line may be half written by the time."""
    found = [decode(line) for line in process.output.out.splitlines(True) if line.endswith("\n")]
    return [e for e in found if e["type"] == kind]


def follow(box, *options):
    """A stream that has begun: it waits."""
    process = box.spawn("events", *options, "c1")
    host.eventually(lambda: waits(process.pid) or process.poll() is not None)
    same(process.poll(), None, process.output)
    return process


def waits(pid):
    with open(f"/proc/{pid}/wchan") as f:
        return "poll" in f.read()


def ends(process, seconds=10):
    """It ends well, and says nothing on standard error."""
    same(process.wait(seconds), 0, process.output)
    same(process.output.err, "")


def gate(box, b):
    """`read line </gate` in the container waits for the function that this returns."""
    os.mkfifo(f"{box.dir}/gate")
    os.mknod(f"{b.rootfs}/gate")
    b.bind(f"{box.dir}/gate", "/gate")

    def go():
        with open(f"{box.dir}/gate", "w") as f:
            f.write("go\n")
    return go


def kernel(b, controller, v1, v2, name=None):
    """The text of a file of the container's control group, of either version."""
    directory = host.controller_directory(controller, b.linux["cgroupsPath"])
    is_v2 = os.path.exists(f"{directory}/cgroup.controllers")
    with open(f"{directory}/{v2 if is_v2 else v1}") as f:
        text = f.read()
    if name is None:
        return text.strip()
    return dict(line.split() for line in text.splitlines())[name]


# --- what is printed once

@test
def statistics_are_one_line_with_the_members_that_clients_decode(box):
    box.running("sleep 100")
    data = stats(box)
    same(sorted(data), ["blkio", "cpu", "cpuset", "hugetlb", "intel_rdt", "memory", "network_interfaces", "pids"])
    same((data["intel_rdt"], data["network_interfaces"]), ({}, None))


@test
def a_created_container_has_statistics(box):
    box.created("true")
    same(stats(box)["pids"]["current"], 1)


@test
def memory_that_is_used_is_shown(box):
    b = box.bundle("dd if=/dev/zero bs=50M count=1 | sleep 100")  # which reads nothing
    before = int(kernel_of_new(box, b, "memory", "memory.usage_in_bytes", "memory.current"))
    host.eventually(lambda: stats(box)["memory"]["usage"]["usage"] > before + 49 * MIB)
    memory = stats(box)["memory"]
    assert memory["raw"].get("rss", memory["raw"].get("anon")) > 49 * MIB, memory
    assert memory["usage"]["usage"] < 150 * MIB and memory["swap"]["usage"] > 50 * MIB, memory


def kernel_of_new(box, b, *where):
    """Starts the container; what the file said when nothing ran in it but what waits."""
    box.created(b)
    value = kernel(b, *where)
    box.hozo("start", "c1").ok()
    return value


@test
def files_in_a_tmpfs_are_cache(box):
    box.running("dd if=/dev/zero of=/dev/shm/f bs=1M count=20; sleep 100")
    host.eventually(lambda: stats(box)["memory"].get("cache", 0) >= 20 * MIB)


@test
def limits_and_numbers_are_those_of_the_kernel(box):
    b = box.bundle("sleep 100")
    b.linux["resources"].update(memory={"limit": 64 * MIB}, pids={"limit": 20}, cpu={"cpus": "0", "mems": "0"})
    box.running(b)
    data = stats(box)
    same(data["memory"]["usage"]["limit"], 64 * MIB)
    same(data["pids"]["limit"], 20)
    same((data["cpuset"]["cpus"], data["cpuset"]["mems"]), ([0], [0]))
    raw = data["memory"]["raw"]
    names = [line.split()[0] for line in kernel(b, "memory", "memory.stat", "memory.stat").splitlines()]
    same(list(raw), names)
    host.eventually(lambda: abs(stats(box)["memory"]["usage"]["usage"] - int(
        kernel(b, "memory", "memory.usage_in_bytes", "memory.current"))) < MIB // 4)


@test
def without_limits_none_is_named_for_tasks_and_a_huge_one_for_memory(box):
    box.running("sleep 100")
    data = stats(box)
    assert "limit" not in data["pids"], data
    assert data["memory"]["usage"]["limit"] >= 1 << 62, data


@test
def tasks_are_counted(box):
    box.running("sleep 100 & sleep 100 & sleep 100")
    host.eventually(lambda: stats(box)["pids"]["current"] == 3)
    box.exec("sleep", "100", options=("--detach",)).ok()
    same(stats(box)["pids"]["current"], 4)


@test
def time_that_is_used_grows(box):
    b = box.bundle("while :; do :; done")
    box.running(b)
    first = stats(box)["cpu"]["usage"]
    host.eventually(lambda: stats(box)["cpu"]["usage"]["total"] > first.get("total", 0) + 200_000_000)
    usage = stats(box)["cpu"]["usage"]
    assert usage["user"] > first["user"], usage
    if "percpu" in usage:
        assert abs(sum(usage["percpu"]) - usage["total"]) < 100_000_000, usage
        assert len(usage["percpu"]) == len(usage["percpu_user"]) == len(usage["percpu_kernel"]) >= os.cpu_count(), \
            usage
    if is_v1("cpuacct"):
        total = int(kernel(b, "cpuacct", "cpuacct.usage", None))
        assert usage["total"] <= total <= stats(box)["cpu"]["usage"]["total"], (usage, total)


def is_v1(controller):
    return any(controller in names for names in host.hierarchies().values())


@test
def a_container_that_sleeps_uses_none(box):
    box.running("sleep 100")
    host.eventually(lambda: idle(box), 20)


def idle(box):
    before = stats(box)["cpu"]["usage"].get("total", 0)
    time.sleep(0.5)
    return stats(box)["cpu"]["usage"].get("total", 0) - before < 50_000_000


@test
def throttling_is_counted(box):
    b = box.bundle("while :; do :; done")
    b.linux["resources"]["cpu"] = {"quota": 10000, "period": 100000}
    box.running(b)

    def throttled():
        found = stats(box)["cpu"]["throttling"]
        return found.get("throttledPeriods", 0) >= 3 and found
    found = host.eventually(throttled)
    assert found["throttledTime"] > 100_000_000 and found["periods"] >= found["throttledPeriods"], found


def disk_of(path):
    """The numbers of the whole disk that a file lies on."""
    device = os.stat(path).st_dev
    at = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    if not os.path.exists(at):
        raise Skip("the directory of tests lies on no block device")
    with open(f"{at}/../dev" if os.path.exists(f"{at}/partition") else f"{at}/dev") as f:
        return [int(n) for n in f.read().split(":")]


@test
def block_devices_are_shown_with_what_was_read(box):
    """Past the page cache. With cgroup v1 some kernels count only where there is a limit."""
    path = f"{box.dir}/file"
    with open(path, "wb") as f:
        f.write(os.urandom(4 * MIB))
        f.flush()
        os.fsync(f.fileno())
    major, minor = disk_of(path)
    b = box.bundle("dd if=/file of=/dev/null bs=1M iflag=direct; sleep 100")
    b.linux["resources"]["blockIO"] = {
        "throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1000 * MIB}]}
    b.bind(path, "/file", "ro")
    os.mknod(f"{b.rootfs}/file")
    box.running(b)

    def read():
        return [e.get("value", 0) for e in stats(box)["blkio"].get("ioServiceBytesRecursive", [])
                if (e["op"], e.get("major", 0), e.get("minor", 0)) == ("Read", major, minor)]
    host.eventually(lambda: sum(read()) >= 4 * MIB)
    same(len(read()), 1)


@test
def sizes_of_huge_pages_are_those_of_the_host(box):
    box.running("sleep 100")
    if not is_v1("hugetlb"):
        host.controller_directory("hugetlb", "/")
    sizes = [int(d.split("-")[1][:-2]) for d in os.listdir("/sys/kernel/mm/hugepages")]
    named = [f"{s >> 20}GB" if s >= 1 << 20 else f"{s >> 10}MB" if s >= 1 << 10 else f"{s}KB" for s in sizes]
    same(sorted(stats(box)["hugetlb"]), sorted(named))


@test
def pressure_is_shown_where_the_kernel_measures_it(box):
    b = box.bundle("sleep 100")
    box.running(b)
    unified = [d for d in host.cgroup_directories(b.linux["cgroupsPath"]) if os.path.exists(f"{d}/cgroup.controllers")]
    if not unified or not os.path.exists(f"{unified[0]}/cpu.pressure"):
        raise Skip("the kernel measures no pressure of control groups")
    data = stats(box)
    for section, file in ("cpu", "cpu"), ("memory", "memory"), ("blkio", "io"):
        with open(f"{unified[0]}/{file}.pressure") as f:
            total = int(f.readline().split("total=")[1])
        assert 0 <= total - data[section]["psi"]["some"]["total"] < 10_000_000, data


@test
def on_cgroup_v2_there_are_statistics(box):
    host.cgroup_v2_only()
    b = box.bundle("while :; do :; done")
    del b.linux["resources"]
    box.running(b)
    host.eventually(lambda: stats(box)["cpu"]["usage"].get("total", 0) > 100_000_000)
    usage = stats(box)["cpu"]["usage"]
    assert usage["user"] > 0 and usage["total"] % 1000 == 0 and "percpu" not in usage, usage


@test
def without_a_control_group_there_is_nothing_to_tell(box):
    b = box.bundle("sleep 100")
    del b.linux["resources"], b.linux["cgroupsPath"]
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    same(stats(box), {"intel_rdt": {}, "network_interfaces": None})
    process = follow(box, "--interval", "50ms")
    host.eventually(lambda: len(lines(process, "stats")) >= 2)
    box.hozo("kill", "c1", "KILL").ok()
    ends(process)


@test
def a_plugin_may_tell_more(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", stats='return hozo_stats(ctx, "intel_rdt", "{\\"schemata\\":\\"L3\\"}", 17);')
    plugins.running(box.bundle("sleep 100"))
    event = json.loads(plugins.hozo("events", "--stats", "c1").ok().out)
    same(event["data"]["intel_rdt"], {"schemata": "L3"})


# --- what is printed again and again

@test
def statistics_come_at_each_interval(box):
    box.running("sleep 100")
    process = follow(box, "--interval", "300ms")
    began = time.monotonic()
    host.eventually(lambda: len(lines(process, "stats")) >= 4)
    took = time.monotonic() - began
    assert took > 0.8, took
    same({e["id"] for e in lines(process, "stats")}, {"c1"})


@test
def the_first_one_comes_when_the_interval_is_over(box):
    box.running("sleep 100")
    process = follow(box, *LONG)
    time.sleep(0.3)
    same(process.output.out, "")


@test
def each_line_is_written_at_once(box):
    """A socket that keeps the writes apart."""
    box.running("sleep 100")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        box.spawn("events", "--interval", "50ms", "c1", stdout=theirs)
        ours.settimeout(10)
        for _ in range(3):
            line = ours.recv(1 << 20).decode()
            assert line.endswith("}\n") and line.count("\n") == 1, line
            decode(line)


@test(cases={"at the next line": "50ms", "at once": "1h"})
def a_reader_that_goes_ends_it_quietly(box, interval):
    box.running("sleep 100")
    read, write = os.pipe()
    process = box.spawn("events", "--interval", interval, "c1", stdout=write)
    os.close(write)
    if interval != "1h":
        os.read(read, 100)
    os.close(read)
    ends(process)


@test
def a_reader_that_has_gone_already_is_no_error(box):
    box.running("sleep 100")
    read, write = os.pipe()
    os.close(read)
    box.hozo("events", "--stats", "c1", stdout=write).ok().silent()


@test(cases={"TERM": signal.SIGTERM, "INT": signal.SIGINT})
def a_signal_ends_it(box, number):
    box.running("sleep 100")
    process = follow(box, *LONG)
    process.send_signal(number)
    same(process.wait(20), -number)
    same(box.state()["status"], "running")


# --- the end

@test(cases={"killed": ("kill", "c1", "KILL"), "deleted": ("delete", "--force", "c1")})
def it_ends_with_the_container(box, verb):
    box.running("sleep 100 & sleep 100")
    process = follow(box, *LONG)
    box.hozo(*verb).ok()
    ends(process)
    same(process.output.out, "")


@test
def it_ends_when_the_program_ends(box):
    b = box.bundle("read line </gate")
    go = gate(box, b)
    box.running(b)
    process = follow(box, "--interval", "100ms")
    host.eventually(lambda: lines(process, "stats"))
    go()
    ends(process)


@test
def what_the_program_leaves_in_the_control_group_is_awaited(box):
    b = box.bundle("sleep 100 & read line </gate")
    b.without_namespace("pid")
    go = gate(box, b)
    box.running(b)
    process = follow(box, "--interval", "100ms")
    go()
    box.wait_status("stopped")
    seen = len(lines(process, "stats"))
    host.eventually(lambda: len(lines(process, "stats")) > seen + 1)
    box.hozo("kill", "--all", "c1", "KILL").ok()
    ends(process)


@test
def it_does_not_hold_up_others(box):
    box.running("sleep 100")
    process = follow(box, *LONG)
    box.exec("true").ok()
    box.hozo("kill", "c1", "0").ok()
    box.hozo("delete", "--force", "c1").ok()
    ends(process)


@test
def a_frozen_container_has_statistics(box):
    b = box.bundle("sleep 100")
    box.running(b)
    directory = host.controller_directory("freezer", b.linux["cgroupsPath"]) if is_v1("freezer") \
        else host.cgroup_directories(b.linux["cgroupsPath"])[0]
    file, frozen, thawed = ("freezer.state", "FROZEN", "THAWED") if is_v1("freezer") else ("cgroup.freeze", "1", "0")
    with open(f"{directory}/{file}", "w") as f:
        f.write(frozen)
    box.wait_status("paused")
    same(stats(box)["pids"]["current"], 1)
    process = follow(box, "--interval", "50ms")
    host.eventually(lambda: len(lines(process, "stats")) >= 2)
    with open(f"{directory}/{file}", "w") as f:
        f.write(thawed)
    box.hozo("kill", "c1", "KILL").ok()
    ends(process)


# --- memory that is exceeded

def small(box, program):
    b = box.bundle(program)
    b.linux["resources"]["memory"] = {"limit": 32 * MIB, "swap": 32 * MIB}
    return b


def greedy(box, b):
    box.created(b)
    process = follow(box, *LONG)
    box.hozo("start", "c1").ok()
    return process


@test
def a_process_that_is_killed_for_memory_is_told(box):
    process = greedy(box, small(box, "tail -c 100m /dev/zero; sleep 100"))
    host.eventually(lambda: lines(process, "oom"))
    same(lines(process, "oom")[0], {"type": "oom", "id": "c1"})
    same(box.state()["status"], "running")
    same(process.poll(), None)


@test
def it_is_told_each_time(box):
    b = small(box, "tail -c 100m /dev/zero; read line </gate; tail -c 100m /dev/zero; sleep 100")
    go = gate(box, b)
    process = greedy(box, b)
    host.eventually(lambda: lines(process, "oom"))
    seen = len(lines(process, "oom"))
    go()
    host.eventually(lambda: len(lines(process, "oom")) > seen)
    same(process.poll(), None)


@test
def it_is_told_before_the_end_if_it_is_the_end(box):
    process = greedy(box, small(box, ["tail", "-c", "100m", "/dev/zero"]))
    ends(process)
    assert lines(process, "oom"), process.output


@test
def it_is_not_told_of_what_was_before(box):
    b = small(box, "tail -c 100m /dev/zero; echo over; sleep 100")
    created = box.create(b).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: "over" in created.out)
    same(kernel(b, "memory", "memory.oom_control", "memory.events", "oom_kill"), "1")
    process = follow(box, *LONG)
    time.sleep(0.2)
    box.hozo("kill", "c1", "KILL").ok()
    ends(process)
    same(process.output.out, "")


# --- errors

@test
def a_stopped_container_is_an_error(box):
    box.stopped()
    for words in ((), ("--stats",)):
        box.hozo("events", *words, "c1").fails("container with id c1 is not running")


@test
def an_unknown_container_does_not_exist(box):
    box.hozo("events", "nobody").fails("container does not exist")


@test(cases={i: i for i in ("0", "0s", "-5s", "5", "", "soon", "5 s", "1e3s", "3000000h")})
def an_interval_that_is_none_is_refused(box, interval):
    box.running("sleep 100")
    box.hozo("events", f"--interval={interval}", "c1").fails("--interval", f'"{interval}"')
    box.hozo("events", "--stats", f"--interval={interval}", "c1").fails("--interval")


@test(cases={"no id": (), "two": ("c1", "c2"), "unknown option": ("--frobnicate", "c1"),
             "no value": ("--interval",)})
def words_that_it_does_not_know_are_refused(box, words):
    box.hozo("events", *words).ends(1)


@test
def standard_output_that_is_full_is_an_error(box):
    box.running("sleep 100")
    with open("/dev/full", "w") as full:
        r = box.hozo("events", "--stats", "c1", stdout=full).ends(1)
    assert "no space left on device" in r.err, r
