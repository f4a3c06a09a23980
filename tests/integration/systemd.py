# SPDX-License-Identifier: Apache-2.0
"""Containers whose control group is a unit of systemd: --systemd-cgroup."""
import fcntl
import json
import os
import pwd
import random
import subprocess
import time

import host
import units
from box import Output
from deaf import deaf_to
from harness import Skip, libc, same, test
from plugin_directory import PluginDirectory
from units import Scope

MIB = 1 << 20


# --- the unit

@test
def without_systemd_it_is_said_and_nothing_is_made(box):
    if units.is_booted():
        raise Skip("systemd is PID 1 here")
    box.systemd = True
    b = box.bundle("true")
    b.linux["cgroupsPath"] = "system.slice:hozo-test:c1"
    box.create(b).fails("linux.cgroupsPath", "hozo-test-c1.scope", "this host is not run by systemd")
    box.unknown()


@test(sanitized=False)
def no_object_but_the_plugin_loads_libsystemd(box):
    installed = PluginDirectory(box, installed=True).installed
    files = [box.runtime, *(f"{installed}/{f}" for f in os.listdir(installed))]
    wanting = []
    for file in files:
        with open(file, "rb") as f:
            wanting += [os.path.basename(file)] if b"libsystemd.so" in f.read() else []
    if not wanting:
        raise Skip("hozo is built without the plugin")
    same(wanting, ["+cgroup-manager.systemd.so"])


@test
def the_container_lives_in_a_scope_and_nobody_else_does(box):
    s = Scope(box)
    pid = box.running(s.bundle)
    same(s.value("ActiveState"), "active")
    same(s.value("ControlGroup"), f"/system.slice/{s.unit}")
    same(s.value("Description"), "hozo container c1")
    same(s.value("Delegate"), "yes")
    same(host.cgroup_processes(s.directory("pids")), [pid])
    same(set(host.cgroup_of(pid).values()) - {"/"}, {f"/system.slice/{s.unit}"})
    same([host.command_line(p) for p in host.living_children() if p != pid], [], "who has held the place")
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


@test
def the_unit_is_there_before_start_and_a_stopped_container_is_deleted_without_it(box):
    s = Scope(box, "true")
    box.created(s.bundle)
    assert units.is_active(s.unit)
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")
    # Of cgroup v1 groups stay that systemd knows nothing of.
    host.eventually(lambda: s.value("LoadState") == "not-found")
    box.hozo("delete", "c1").ok()
    units.gone(s.unit)


@test
def later_verbs_need_no_option(box):
    s = Scope(box)
    pid = box.running(s.bundle)
    box.systemd = False
    box.exec("true").ok()
    r = box.exec("cat", "/proc/self/cgroup").ok()
    assert s.unit in r.out, r
    box.hozo("pause", "c1").ok()
    same(box.state()["status"], "paused")
    box.hozo("resume", "c1").ok()
    assert str(pid) in box.hozo("ps", "--format", "json", "c1").ok().out
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
    units.gone(s.unit)


@test
def a_paused_container_is_deleted_with_its_unit(box):
    s = Scope(box)
    box.running(s.bundle)
    box.hozo("pause", "c1").ok()
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


@test
def without_a_path_the_scope_has_the_containers_name(box):
    s = Scope(box)
    id = f"{s.prefix}+1"
    for path in (None, ""):
        s.linux.pop("cgroupsPath", None)
        if path is not None:
            s.linux["cgroupsPath"] = path
        box.running(s.bundle, id=id)
        unit = f"hozo-{s.prefix}\\x2b1.scope"
        same(units.value(unit, "ControlGroup"), f"/system.slice/{unit}")
        box.hozo("delete", "--force", id).ok()
        units.gone(unit)


@test
def slices_that_are_missing_are_started(box):
    stem = box.cgroup.strip("/").replace("-", "")
    s = Scope(box, slice=f"{stem}-one-two.slice")
    try:
        pid = box.running(s.bundle)
        path = f"/{stem}.slice/{stem}-one.slice/{stem}-one-two.slice/{s.unit}"
        assert path in host.cgroup_of(pid).values(), host.cgroup_of(pid)
        assert units.is_active(f"{stem}-one-two.slice") and units.is_active(f"{stem}-one.slice")
        box.hozo("delete", "--force", "c1").ok()
        units.gone(s.unit)
    finally:
        units.systemctl("stop", f"{stem}.slice", check=False)


@test
def a_container_may_be_a_slice(box):
    """Its place is what its name says."""
    stem = box.cgroup.strip("/").replace("-", "")
    s = Scope(box, pids={"limit": 9})
    s.unit = f"{stem}-c.slice"
    s.linux["cgroupsPath"] = f"{stem}.slice:ignored:{s.unit}"
    try:
        pid = box.running(s.bundle)
        assert f"/{stem}.slice/{s.unit}" in host.cgroup_of(pid).values(), host.cgroup_of(pid)
        same(s.value("TasksMax"), "9")
        box.hozo("delete", "--force", "c1").ok()
        units.gone(s.unit)
    finally:
        units.systemctl("stop", f"{stem}.slice", check=False)


# --- limits

def limits(scope):
    """What files and properties say."""
    files = ("memory.max", "memory.low", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpuset.cpus",
             "cpuset.mems")
    names = ("MemoryMax", "MemoryLow", "MemoryHigh", "MemorySwapMax", "TasksMax", "CPUQuotaPerSecUSec",
             "CPUQuotaPeriodUSec", "AllowedCPUs", "AllowedMemoryNodes")
    return {f: scope.file(f) for f in files} | scope.properties(*names)


RESOURCES = {
    "memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 16 * MIB},
    "pids": {"limit": 33},
    "cpu": {"quota": 70000, "period": 50000, "shares": 512, "cpus": "0", "mems": "0"},
    "unified": {"memory.high": "60M"},
}
LIMITS = {
    "memory.max": str(64 * MIB), "memory.low": str(16 * MIB), "memory.high": str(60 * MIB),
    "memory.swap.max": str(32 * MIB), "pids.max": "33", "cpu.max": "70000 50000", "cpuset.cpus": "0",
    "cpuset.mems": "0", "MemoryMax": str(64 * MIB), "MemoryLow": str(16 * MIB), "MemoryHigh": str(60 * MIB),
    "MemorySwapMax": str(32 * MIB), "TasksMax": "33", "CPUQuotaPerSecUSec": "1.400000s",
    "CPUQuotaPeriodUSec": "50ms", "AllowedCPUs": "0", "AllowedMemoryNodes": "0",
}


@test(timeout=60)
def limits_are_files_and_properties_and_stay_when_systemd_writes_again(box):
    units.v2_needed()
    s = Scope(box, **RESOURCES)
    box.running(s.bundle)
    same(limits(s), LIMITS)
    same((s.file("cpu.weight"), s.value("CPUWeight")), ("59", "59"))
    for what in units.shake(s.unit):
        same(limits(s), LIMITS, what)


@test(timeout=60)
def limits_of_cgroup_v1_stay_as_well(box):
    units.needed()
    if units.is_v2():
        raise Skip("systemd manages cgroup v2 here")
    s = Scope(box, memory={"limit": 64 * MIB}, pids={"limit": 33}, cpu={"quota": 70000, "period": 50000})
    box.running(s.bundle)

    def look():
        path = s.value("ControlGroup")
        files = [("memory", "memory.limit_in_bytes"), ("pids", "pids.max"), ("cpu", "cpu.cfs_quota_us"),
                 ("cpu", "cpu.cfs_period_us")]
        found = []
        for controller, name in files:
            with open(f"{host.controller_directory(controller, path)}/{name}") as f:
                found.append(f.read().strip())
        return found + list(s.properties("MemoryLimit", "TasksMax", "CPUQuotaPerSecUSec").values())
    expected = look()
    same(expected[:4], [str(64 * MIB), "33", "70000", "50000"])
    same(sorted(expected[4:]), sorted([str(64 * MIB), "33", "1.400000s"]))
    for what in units.shake(s.unit):
        same(look(), expected, what)


@test
def a_quota_of_parts_of_a_percent_is_exact_in_the_kernel_and_never_less(box):
    """systemd keeps whole percents when it reads its own files again."""
    units.v2_needed()
    s = Scope(box, cpu={"quota": 12345, "period": 100000})
    box.running(s.bundle)
    same(s.value("CPUQuotaPerSecUSec"), "130ms")
    # Another test may have made systemd write it again already.
    assert s.file("cpu.max") in ("12345 100000", "13000 100000"), s.file("cpu.max")
    units.reload()
    units.systemctl("set-property", "--runtime", s.unit, "CPUWeight=70")
    same((s.file("cpu.max"), s.value("CPUQuotaPerSecUSec")), ("13000 100000", "130ms"))


@test
def limits_of_block_devices_are_properties_too(box):
    units.v2_needed()
    device = scratch()
    s = Scope(box, blockIO={"throttleReadBpsDevice": [{**device, "rate": 1000000}],
                            "throttleWriteIOPSDevice": [{**device, "rate": 100}]},
              unified={"io.weight": "default 300"})
    number = f"{device['major']}:{device['minor']}"
    box.running(s.bundle)
    for what in ("created", *units.shake(s.unit)):
        words = s.file("io.max").split()
        same(words, [number, "rbps=1000000", "wbps=max", "riops=max", "wiops=100"], what)
    same(s.value("IOReadBandwidthMax").split()[-1], "1000000")
    same(s.value("IOWriteIOPSMax").split()[-1], "100")


def scratch():
    """A disk of the guest's."""
    for name in sorted(os.listdir("/sys/block")):
        if name.startswith(("vd", "sd", "nvme")):
            with open(f"/sys/block/{name}/dev") as f:
                major, minor = f.read().split(":")
            return {"major": int(major), "minor": int(minor)}
    raise Skip("the host has no disk")


@test
def one_task_is_enough_for_a_container_of_one(box):
    """Who makes the container lives in the unit, too, until it is there."""
    s = Scope(box, ["sleep", "100"], pids={"limit": 1})
    box.running(s.bundle)
    with open(f"{s.directory('pids')}/pids.max") as f:
        same(f.read(), "1\n")
    same(s.value("TasksMax"), "1")


@test
def a_program_that_needs_too_much_memory_is_killed_and_its_failed_unit_goes(box):
    s = Scope(box, ["dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"], memory={"limit": 10 * MIB, "swap": 10 * MIB})
    box.run(s.bundle).ends(137)
    units.eventually_gone(s.unit)


@test(cases={"cpus": {"cpus": "0,x"}, "memory": {"mems": "4096"}})
def what_the_kernel_refuses_is_an_error_and_leaves_no_unit(box, cpu):
    s = Scope(box, cpu=cpu)
    r = box.create(s.bundle)
    r.fails("linux.resources.cpu")
    box.unknown()
    units.gone(s.unit)


# --- devices

NODES = [{"path": "/dev/allowed", "type": "c", "major": 1, "minor": 200},
         {"path": "/dev/denied", "type": "c", "major": 1, "minor": 201}]


def opened(box, name):
    """What opening a device says that no driver has: the permission is asked for first."""
    r = box.exec("sh", "-c", f": <>/dev/{name}")
    assert r.code != 0, r
    return "denied" if "ermission denied" in r.err or "not permitted" in r.err else \
        "allowed" if "No such device" in r.err else str(r)


@test(timeout=90)
def permissions_of_devices_neither_grow_nor_shrink_when_systemd_writes_again(box):
    s = Scope(box)
    s.linux["devices"] = NODES
    s.linux["resources"]["devices"] = [{"allow": False, "access": "rwm"},
                                       {"allow": True, "type": "c", "major": 1, "minor": 200, "access": "rw"}]
    box.running(s.bundle)
    for what in ("created", *units.shake(s.unit)):
        same([opened(box, n) for n in ("allowed", "denied")], ["allowed", "denied"], what)
        box.exec("sh", "-c", "echo >/dev/null && head -c 1 /dev/urandom").ok()


@test(timeout=90)
def whoever_may_use_all_devices_still_may_after_a_reload(box):
    s = Scope(box)
    s.linux["devices"] = NODES
    s.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    box.running(s.bundle)
    for what in ("created", *units.shake(s.unit)):
        same([opened(box, n) for n in ("allowed", "denied")], ["allowed", "allowed"], what)


# --- annotations

@test
def annotations_are_properties(box):
    s = Scope(box)
    s.config["annotations"] = {
        "org.systemd.property.TimeoutStopUSec": "uint64 12000000",
        "org.systemd.property.After": "['basic.target', \"sysinit.target\"]",
        "org.systemd.property.DefaultDependencies": "true",
        "org.systemd.property.KillSignal": "12",
        "org.systemd.property.Description": "'it\\'s another'",
        "org.systemd.property.RuntimeMaxSec": "3600",
        "com.example.other": "not one of them",
    }
    box.running(s.bundle)
    same(s.properties("TimeoutStopUSec", "DefaultDependencies", "KillSignal", "Description", "RuntimeMaxUSec"),
         {"TimeoutStopUSec": "12s", "DefaultDependencies": "yes", "KillSignal": "12",
          "Description": "it's another", "RuntimeMaxUSec": "1h"})
    assert {"basic.target", "sysinit.target"} <= set(s.value("After").split())
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


@test(cases={"unknown": ("NoSuchProperty", "true"), "of another type": ("KillSignal", "'nine'")})
def a_property_that_systemd_refuses_is_an_error_at_the_annotation(box, case):
    name, text = case
    s = Scope(box)
    s.config["annotations"] = {f"org.systemd.property.{name}": text}
    r = box.create(s.bundle)
    r.fails("systemd: ")
    if name == "NoSuchProperty":
        r.fails(f'annotations["org.systemd.property.{name}"]')
    box.unknown()
    units.gone(s.unit)


@test
def without_systemd_groups_annotations_are_ignored(box):
    """Podman writes them always."""
    box.systemd = False
    b = box.bundle("true")
    b.config["annotations"] = {"org.systemd.property.KillSignal": "nonsense ["}
    box.run(b).ok().silent()


# --- other units

@test
def a_unit_of_that_name_that_is_there_is_left_alone(box):
    s = Scope(box)
    other = subprocess.Popen(["systemd-run", "--quiet", "--scope", f"--unit={s.unit}", "sleep", "1000"])
    try:
        host.eventually(lambda: units.is_active(s.unit))
        box.create(s.bundle).fails("linux.cgroupsPath", s.unit)
        box.unknown()
        assert units.is_active(s.unit) and other.poll() is None
    finally:
        other.kill()
        other.wait()


@test
def what_a_failed_unit_left_of_its_name_is_taken(box):
    s = Scope(box)
    units.systemctl("reset-failed", check=False)
    subprocess.run(["systemd-run", "--quiet", "--scope", f"--unit={s.unit}", "--property=RuntimeMaxSec=1", "sleep", "50"])
    host.eventually(lambda: s.value("ActiveState") == "failed", 10)
    box.running(s.bundle)
    assert units.is_active(s.unit)


# --- crashes, restarts, many at once

def nothing_left_of(scope):
    units.eventually_gone(scope.unit)
    holders = [p for p in os.listdir("/proc") if p.isdigit() and name_of(p) == "hozo-unit" and
               os.getpgid(int(p)) and host.process_state(p) != "Z"]
    return holders


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return None


@test(timeout=120)
def hozo_may_be_killed_at_any_time_and_delete_leaves_no_unit(box):
    s = Scope(box)
    begin = time.monotonic()
    box.created(s.bundle)
    whole = time.monotonic() - begin
    box.hozo("delete", "--force", "c1").ok()
    rng = random.Random(7)
    for _ in range(6):
        process = box.spawn("create", "--bundle", s.bundle.path, "c1")
        time.sleep(rng.uniform(0, whole * 1.1))
        process.kill()
        process.wait()
        box.hozo("delete", "--force", "c1").ok()
        units.eventually_gone(s.unit)
    host.eventually(lambda: not host.living_children(), 5, "nobody left")


@test(timeout=120)
def twelve_at_once_leave_nothing(box):
    n = 12
    scopes = [Scope(box, name=str(i)) for i in range(1)]
    first = scopes[0]
    for i in range(1, n):
        s = Scope.__new__(Scope)
        s.__dict__.update(first.__dict__)
        s.unit = f"{first.prefix}-{i}.scope"
        s.bundle = box.bundle_beside(first.bundle, "sleep 100")
        s.bundle.linux["cgroupsPath"] = f"system.slice:{first.prefix}:{i}"
        scopes.append(s)
    for verb in ("create", "start", "delete"):
        running = []
        for i, s in enumerate(scopes):
            words = {"create": ("create", "--bundle", s.bundle.write().path), "start": ("start",),
                     "delete": ("delete", "--force")}[verb]
            running.append(box.spawn(*words, f"c{i}"))
        for p in running:
            assert p.wait(timeout=units.patience(60)) == 0, p.output
        if verb == "create":
            same(sorted(u for u in units.named(first.prefix) if u.endswith(".scope")), sorted(s.unit for s in scopes))
        host.reap(but=[p.pid for p in box.processes])
    same(units.named(first.prefix), [])
    same(units.transient(first.prefix), [])


@test(timeout=150, cases={"daemon-reload": "daemon-reload", "daemon-reexec": "daemon-reexec"})
def containers_come_and_go_while_systemd_restarts(box, verb):
    s = Scope(box)
    begin = time.monotonic()
    units.systemctl(verb)
    whole = time.monotonic() - begin
    rng = random.Random(11)
    s.bundle.write()
    for words in [("create", "--bundle", s.bundle.path), ("delete", "--force")] * 2:
        restart = subprocess.Popen(["systemctl", verb], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, whole))
        box.hozo(*words, "c1", timeout=60).ok()
        restart.wait()
    units.gone(s.unit)


@test(timeout=90, cases={"its own socket": False, "the bus": True})
def systemd_restarts_while_the_job_that_starts_the_scope_waits_for_another(box, hidden):
    if hidden:
        hide_private_socket()
    s = Scope(box)
    first, go = f"{s.prefix}-first.service", f"{box.dir}/go"
    s.config["annotations"] = {"org.systemd.property.After": f"['{first}']"}
    r = units.asked(["systemd-run", "--quiet", "--no-block", f"--unit={first}", "--property=Type=oneshot", "sh", "-c",
                     f"until [ -e {go} ]; do sleep 0.1; done"])
    assert r.returncode == 0, r
    process = box.spawn("create", "--bundle", s.bundle.write().path, "c1")
    try:
        host.eventually(lambda: s.value("Job") not in ("", "0"), what="the job")
        same(s.value("ActiveState"), "inactive")
        units.reexec()
        host.eventually(lambda: s.value("Job"), what="an answer")
        host.await_end(process.pid, 3)  # as long as it takes hozo to find systemd again
        assert process.poll() is None, process.output
    finally:
        open(go, "w").close()
    assert process.wait(units.patience(8)) == 0, process.output
    same(box.state()["status"], "created")
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


@test(timeout=90)
def the_end_of_a_job_is_noticed_without_its_signal(box):
    units.needed()
    deaf_to(box, "JobRemoved")
    s = Scope(box)
    box.running(s.bundle)
    assert units.is_active(s.unit)
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


@test
def a_container_can_be_deleted_when_its_scope_was_stopped(box):
    s = Scope(box)
    box.running(s.bundle)
    units.systemctl("kill", "--signal=KILL", s.unit)
    units.systemctl("stop", s.unit, check=False)
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
    units.gone(s.unit)


@test
def a_container_can_be_made_inside_a_unit_that_is_made_so(box):
    s = Scope(box, "cat /proc/self/cgroup")
    s.bundle.write()
    r = units.asked(["systemd-run", "--quiet", "--scope", box.runtime, "--root", box.root, "--systemd-cgroup", "run",
                     "--bundle", s.bundle.path, "c1"])
    assert r.returncode == 0 and s.unit in r.stdout, r
    units.eventually_gone(s.unit)


def hide_private_socket():
    units.needed()
    if not os.path.exists("/run/dbus/system_bus_socket"):
        raise Skip("the host has no system bus")
    host.private_mounts()
    if libc.mount(b"/dev/null", b"/run/systemd/private", None, 4096, None):
        raise Skip("the socket cannot be hidden")


@test
def who_cannot_use_systemds_own_socket_asks_the_bus(box):
    s = Scope(box)
    hide_private_socket()
    box.running(s.bundle)
    assert units.is_active(s.unit)
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)


# --- update

@test(timeout=120)
def an_update_changes_file_and_property_and_nothing_else(box):
    units.v2_needed()
    s = Scope(box, **RESOURCES)
    box.running(s.bundle)
    box.hozo("update", "--memory", str(128 * MIB), "--memory-swap", str(192 * MIB), "--pids-limit", "44", "c1").ok().silent()
    changed = {"memory.max": str(128 * MIB), "MemoryMax": str(128 * MIB), "memory.swap.max": str(64 * MIB),
               "MemorySwapMax": str(64 * MIB), "pids.max": "44", "TasksMax": "44"}
    same(limits(s), LIMITS | changed)
    box.hozo("update", "--cpu-quota", "25000", "c1").ok()
    changed |= {"cpu.max": "25000 50000", "CPUQuotaPerSecUSec": "500ms"}
    same(limits(s), LIMITS | changed)
    box.hozo("update", "--cpu-period", "100000", "c1").ok()
    changed |= {"cpu.max": "25000 100000", "CPUQuotaPerSecUSec": "250ms", "CPUQuotaPeriodUSec": "100ms"}
    same(limits(s), LIMITS | changed)
    for what in units.shake(s.unit):
        same(limits(s), LIMITS | changed, what)
    box.hozo("delete", "--force", "c1").ok()
    units.gone(s.unit)
    same(units.transient(s.unit), [])


@test(timeout=90)
def an_update_that_fails_leaves_files_and_properties_as_they_were(box):
    units.v2_needed()
    device = scratch()
    s = Scope(box, **RESOURCES, blockIO={"throttleReadBpsDevice": [{**device, "rate": 1000000}]})
    box.running(s.bundle)
    before = limits(s), s.file("io.max"), s.value("IOReadBandwidthMax")
    change = {"memory": {"limit": 256 * MIB, "swap": -1}, "cpu": {"cpus": "4000"}, "pids": {"limit": 7},
              "blockIO": {"throttleReadBpsDevice": [{**device, "rate": 5}]}}
    with open(f"{box.dir}/change", "w") as f:
        json.dump(change, f)
    box.hozo("update", "--resources", f"{box.dir}/change", "c1").fails("linux.resources.cpu.cpus")
    same((limits(s), s.file("io.max"), s.value("IOReadBandwidthMax")), before)
    units.reload()
    units.systemctl("set-property", "--runtime", s.unit, "CPUWeight=70")
    same((limits(s), s.file("io.max")), before[:2])


# Of which systemd makes 25 percents when it writes.
UNEVEN = {"cpu": {"shares": 512, "quota": 12345, "period": 50000}}


@test(timeout=90)
def an_update_leaves_a_quota_that_is_no_whole_percent(box):
    units.v2_needed()
    s = Scope(box, **UNEVEN)
    box.running(s.bundle)

    def has_exactly(expected, *options):
        box.hozo("update", *options, "c1").ok()
        return s.file("cpu.max") == expected
    # Another test may make systemd write it in between.
    host.eventually(lambda: has_exactly("12345 50000", "--cpu-share", "2048"))
    host.eventually(lambda: has_exactly("12345 100000", "--cpu-period", "100000"))


@test(timeout=90)
def an_update_that_fails_wakes_the_unit_that_it_made_idle(box):
    units.v2_needed()
    s = Scope(box, **UNEVEN)
    box.running(s.bundle)
    with open(f"{box.dir}/change", "w") as f:
        json.dump({"cpu": {"idle": 1, "cpus": "4000"}}, f)

    def stays():
        before = s.value("CPUWeight"), s.file("cpu.max")
        box.hozo("update", "--resources", f"{box.dir}/change", "c1").fails("linux.resources.cpu.cpus")
        same(s.file("cpu.idle"), "0")
        return (s.value("CPUWeight"), s.file("cpu.max")) == before
    # Another test may make systemd write the quota in between.
    host.eventually(stays)


# --- an ordinary user

ANN = 1000


class Ann:
    """hozo as an ordinary user, below that user's manager, where an engine of the user's lives."""

    def __init__(self, box, **environment):
        self.box = box
        self.environment = units.user_environment(ANN) | environment
        for directory in (os.path.dirname(box.dir), box.dir):
            os.chmod(directory, 0o755)
        os.mkdir(f"{box.dir}/ann", 0o700)
        os.chown(f"{box.dir}/ann", ANN, ANN)
        box.root = f"{box.dir}/ann/state"
        self.scope = s = Scope(box, slice="user.slice", pids={"limit": 12})
        s.linux["namespaces"].append({"type": "user"})
        s.linux["uidMappings"] = s.linux["gidMappings"] = [{"containerID": 0, "hostID": ANN, "size": 1}]
        s.config["mounts"] = [m for m in s.config["mounts"] if m["type"] in ("proc", "tmpfs")]
        self.unit, self.bundle = s.unit, s.bundle.write()

    def hozo(self, *words, below=True):
        # systemd-run passes these on to the program, and needs the runtime directory itself.
        run = ["systemd-run", "--user", "--scope", "--quiet", "--collect", "env",
               *(f"{k}={v}" for k, v in self.environment.items())] if below else []
        command = [*run, self.box.runtime, "--root", self.box.root, *words]
        environment = units.user_environment(ANN) if below else self.environment
        with open(f"{self.box.dir}/ann.out", "wb") as out, open(f"{self.box.dir}/ann.err", "wb") as err:
            r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, user=ANN,
                               group=ANN, extra_groups=[], cwd="/")
        return Output(command, r.returncode, out.name, err.name)

    def create(self, **how):
        return self.hozo("--systemd-cgroup", "create", "--bundle", self.bundle.path, "c1", **how)

    def value(self, name):
        return units.value(self.unit, name, user=ANN)


def user_manager(alone=False):
    """Started, and until this test ends no other stops it; `alone`: none uses it. Whether it ran before."""
    units.v2_needed()
    lock = os.open("/run/hozo-test-user-manager", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    manager = f"user@{ANN}.service"
    try:
        pwd.getpwuid(ANN)
    except KeyError:
        raise Skip("the host has no ordinary user")
    if units.value(manager, "LoadState") != "loaded":
        raise Skip("ordinary users have no manager here")
    ran = units.is_active(manager)
    units.systemctl("start", manager, check=False)
    host.eventually(lambda: units.is_active(manager), 10, f"the start of {manager}")
    return ran


@test(timeout=60)
def an_ordinary_users_containers_are_units_of_the_own_manager(box):
    user_manager()
    ann = Ann(box)
    ann.create().ok()
    ann.hozo("start", "c1", below=False).ok()
    group = ann.value("ControlGroup")
    same(group, f"/user.slice/user-{ANN}.slice/user@{ANN}.service/user.slice/{ann.unit}")
    same(ann.value("TasksMax"), "12")
    with open(f"/sys/fs/cgroup{group}/pids.max") as f:
        same(f.read(), "12\n")
    ann.hozo("update", "--pids-limit", "13", "c1", below=False).ok()
    same(ann.value("TasksMax"), "13")
    ann.hozo("delete", "--force", "c1", below=False).ok()
    same(ann.value("LoadState"), "not-found")
    assert not os.path.exists(f"/sys/fs/cgroup{group}")


@test
def an_ordinary_user_beside_the_own_manager_is_told_how_to_get_below(box):
    user_manager()
    Ann(box).create(below=False).fails("linux.cgroupsPath", "systemd-run --user --scope")


@test
def an_empty_runtime_directory_is_none(box):
    user_manager()
    Ann(box, XDG_RUNTIME_DIR="").create().fails("linux.cgroupsPath", "XDG_RUNTIME_DIR is not set")


@test
def a_user_without_a_manager_is_told_so(box):
    user_manager()
    os.mkdir(f"{box.dir}/empty")
    Ann(box, XDG_RUNTIME_DIR=f"{box.dir}/empty").create().fails("linux.cgroupsPath", "no systemd of the user")


@test(timeout=60)
def a_container_is_deleted_when_the_systemd_that_had_it_is_gone(box):
    ran = user_manager(alone=True)
    ann = Ann(box)
    ann.create().ok()
    try:
        units.systemctl("stop", f"user@{ANN}.service")
        host.eventually(lambda: not os.path.exists(f"/run/user/{ANN}"), 10, "the end of the runtime directory")
        ann.hozo("delete", "--force", "c1", below=False).ok().silent()
        ann.hozo("state", "c1", below=False).fails("does not exist")
    finally:
        if ran:
            units.systemctl("start", f"user@{ANN}.service")
