# SPDX-License-Identifier: Apache-2.0
"""Time namespaces: which clocks the processes of a container see."""
import os
import time

import host
from harness import Skip, same, test

DAY = 86400
# The kernel's own words: /proc/uptime is the boottime clock, and a timer waits on the monotonic one.
SHOW = "cat /proc/self/timens_offsets; cut -d ' ' -f 1 /proc/uptime; readlink /proc/self/ns/time"


def bundle(box, program=SHOW, offsets=None, path=None):
    if not os.path.exists("/proc/self/ns/time"):
        raise Skip("the kernel has no time namespaces (Linux 5.6)")
    b = box.bundle(program)
    b.linux["namespaces"].append({"type": "time", **({"path": path} if path else {})})
    if offsets is not None:
        b.linux["timeOffsets"] = offsets
    return b


def told(output):
    """Offsets of monotonic and boottime, how much the latter is ahead of the host in whole days, the namespace."""
    monotonic, boottime, uptime, namespace = output.splitlines()
    ahead = float(uptime) - time.clock_gettime(time.CLOCK_BOOTTIME)
    return monotonic.split()[1:], boottime.split()[1:], round(ahead / DAY), namespace


def own():
    return os.readlink("/proc/self/ns/time")


@test
def the_clocks_are_ahead_and_behind(box):
    b = bundle(box, offsets={"boottime": {"secs": 3 * DAY, "nanosecs": 7}, "monotonic": {"secs": -2}})
    monotonic, boottime, days, namespace = told(box.run(b).ok().out)
    same((monotonic, boottime, days), (["-2", "0"], [str(3 * DAY), "7"], 3))
    assert namespace != own(), namespace


@test
def without_offsets_the_namespace_is_new_all_the_same(box):
    for offsets in (None, {}, {"monotonic": {}}):
        monotonic, boottime, days, namespace = told(box.run(bundle(box, offsets=offsets)).ok().out)
        same((monotonic, boottime, days), (["0", "0"], ["0", "0"], 0))
        assert namespace != own(), namespace


@test
def what_joins_later_has_the_same_clocks(box):
    pid = box.running(bundle(box, "sleep 100", {"boottime": {"secs": DAY}}))
    same(told(box.exec("sh", "-c", SHOW).ok().out), (["0", "0"], [str(DAY), "0"], 1, host.namespace(pid, "time")))


@test
def another_container_can_join(box):
    pid = box.running(bundle(box, "sleep 100", {"boottime": {"secs": 2 * DAY}}))
    b = bundle(box, path=f"/proc/{pid}/ns/time")
    same(told(box.run(b, id="c2").ok().out)[2:], (2, host.namespace(pid, "time")))
    # A file of another type of namespace does not do.
    b = bundle(box, path=f"/proc/{pid}/ns/uts")
    box.create(b, id="c3").fails("linux.namespaces[5]")
    b = bundle(box, path=f"/proc/{pid}/ns/time", offsets={"boottime": {"secs": 1}})
    box.create(b, id="c3").fails("linux.timeOffsets: needs a new time namespace")


@test
def hooks_of_the_host_keep_its_clocks(box):
    b = bundle(box, "true", {"boottime": {"secs": DAY}})
    log = f"{b.path}/log"
    os.mkdir(log)
    for kind, ahead in (("createRuntime", 0), ("createContainer", 1), ("poststop", 0)):
        b.hook(kind, "/bin/sh", ["sh", "-c", f"cut -d ' ' -f 1 /proc/uptime > {log}/{kind}"],
               env=["PATH=/usr/bin:/bin"])
    box.run(b).ok()
    for kind, ahead in (("createRuntime", 0), ("createContainer", 1), ("poststop", 0)):
        with open(f"{log}/{kind}") as f:
            same(round((float(f.read()) - time.clock_gettime(time.CLOCK_BOOTTIME)) / DAY), ahead, kind)


@test
def what_the_kernel_refuses_is_an_error(box):
    box.create(bundle(box, offsets={"boottime": {"secs": -10**9}})).fails(
        "linux.timeOffsets: write timens_offsets: write: ", "out of range")
    box.nothing_left()
    box.unknown()
