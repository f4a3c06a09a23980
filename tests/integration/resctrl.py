# SPDX-License-Identifier: Apache-2.0
"""The emulator of resctrl, which other tests rely on, does as the kernel's documentation says
(Documentation/filesystems/resctrl.rst) and as Linux 6.18 answers. No container runs here."""
import errno
import os
import subprocess

import host
from emulated_resctrl import Resctrl
from harness import same, test


def resctrl(box, **machine):
    return Resctrl(box, told=False, **machine)


def refused(r, act, *arguments, number=errno.EINVAL, status=None):
    try:
        act(*arguments)
    except OSError as e:
        same(e.errno, number)
    else:
        raise AssertionError("was taken")
    if status:
        same(r.read("info/last_cmd_status"), status)


@test
def schemata_has_the_kernels_form(box):
    r = resctrl(box, l2=8, l3=20, domains=3)
    same(r.read("schemata"), "    MB:0=100;1=100;2=100\n    L2:0=ff;1=ff;2=ff\n    L3:0=fffff;1=fffff;2=fffff\n")


@test
def older_kernels_pad_values(box):
    r = resctrl(box, old=1, domains=1)
    r.make("a", "L3:0=f", "MB:0=70")
    same(r.read("a/schemata"), "    MB:0= 70\n    L3:0=00f\n")


@test
def a_write_changes_what_it_names_or_nothing(box):
    r = resctrl(box)
    r.make("a", "L3:1=f", "MB:0=11")
    same(r.schemata("a"), {"L3": "0=7ff;1=f", "MB": "0=20;1=100"})
    refused(r, r.write, "a/schemata", "L3:0=3\nMB:0=5", status="MB value 5 out of range [10,100]\n")
    same(r.schemata("a"), {"L3": "0=7ff;1=f", "MB": "0=20;1=100"})
    r.write("a/schemata", "L3:0=3\nMB:0=30")
    same(r.schemata("a"), {"L3": "0=3;1=f", "MB": "0=30;1=100"})
    same(r.read("info/last_cmd_status"), "ok\n")


@test
def a_line_without_its_end_is_refused(box):
    r = resctrl(box)
    with open(f"{r.point}/schemata", "wb", buffering=0) as f:
        refused(r, f.write, b"L3:0=f")


@test
def classes_and_groups_are_limited(box):
    r = resctrl(box, closids=3, rmids=4)
    r.make("a")
    r.make("b")
    refused(r, r.make, "c", number=errno.ENOSPC, status="Out of CLOSIDs\n")
    r.make("a/mon_groups/x")
    refused(r, r.make, "b/mon_groups/y", number=errno.ENOSPC, status="Out of RMIDs\n")
    r.remove("a")
    r.make("b/mon_groups/y")
    r.make("c")


@test
def directories_are_made_and_removed_only_where_groups_are(box):
    r = resctrl(box)
    r.make("a")
    for path in ("info/x", "a/x", "mon_data/x", "a/mon_groups/mon_groups"):
        refused(r, os.mkdir, f"{r.point}/{path}", number=errno.EPERM)
    for path in ("info", "mon_groups", "a/mon_data"):
        refused(r, os.rmdir, f"{r.point}/{path}", number=errno.EPERM)
    refused(r, os.mkdir, f"{r.point}/a", number=errno.EEXIST)
    refused(r, os.mkdir, f"{r.point}/b\n")


@test
def a_task_is_in_one_class_and_one_group(box):
    r = resctrl(box)
    for group in ("a", "b", "a/mon_groups/x"):
        r.make(group)
    process = subprocess.Popen(["sleep", "100"])
    box.processes.append(process)
    pid = process.pid
    assert pid in r.tasks()
    r.write("a/tasks", str(pid))
    assert pid not in r.tasks()
    r.write("a/mon_groups/x/tasks", str(pid))
    same((r.tasks("a"), r.tasks("a/mon_groups/x")), ({pid}, {pid}))
    r.write("b/tasks", str(pid))
    same((r.tasks("a"), r.tasks("a/mon_groups/x"), r.tasks("b")), (set(), set(), {pid}))
    refused(r, r.write, "a/mon_groups/x/tasks", str(pid),
            status=f"Can't move task to different control group\nError while processing task {pid}\n")
    r.remove("b")
    assert pid in r.tasks()


@test
def a_child_begins_where_its_parent_is(box):
    r = resctrl(box)
    r.make("a")
    process = subprocess.Popen(["sh", "-c", "read line; sleep 100 & wait"], stdin=subprocess.PIPE)
    box.processes.append(process)
    r.write("a/tasks", str(process.pid))
    process.stdin.write(b"\n")
    process.stdin.close()
    children = host.eventually(lambda: r.tasks("a") - {process.pid}, 5, "the child")
    for child in children:
        os.kill(child, 9)


@test
def who_does_not_exist_is_in_no_class(box):
    r = resctrl(box)
    refused(r, r.write, "tasks", "99999999", number=errno.ESRCH,
            status="No task 99999999\nError while processing task 99999999\n")
    refused(r, r.write, "tasks", "x", status="Task list parsing error pid x\n")


@test
def info_says_what_the_machine_has(box):
    r = resctrl(box, closids=7, rmids=9, l3=12, min_bits=2)
    files = {"L3/cbm_mask": "fff", "L3/min_cbm_bits": "2", "L3/num_closids": "7", "MB/num_closids": "7",
             "MB/min_bandwidth": "10", "MB/bandwidth_gran": "10", "MB/delay_linear": "1", "L3_MON/num_rmids": "9"}
    same({name: r.read(f"info/{name}").strip() for name in files}, files)
    same(sorted(os.listdir(f"{r.point}/mon_data")), ["mon_L3_00", "mon_L3_01"])


@test
def a_machine_may_only_monitor(box):
    """The third of the examples of monitoring in the kernel's documentation."""
    r = resctrl(box, l3=0, mb=0)
    same(sorted(os.listdir(r.point)), ["cpus", "cpus_list", "info", "mon_data", "mon_groups", "tasks"])
    refused(r, r.make, "a", number=errno.EPERM)
    r.make("mon_groups/x")


@test
def a_machine_has_only_what_it_is_told_to(box):
    r = resctrl(box, l3=0, l2=8, mb=0, mon=0)
    same(sorted(os.listdir(f"{r.point}/info")), ["L2", "last_cmd_status"])
    same(sorted(os.listdir(r.point)), ["cpus", "cpus_list", "info", "mode", "schemata", "size", "tasks"])
