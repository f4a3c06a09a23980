# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt.enableMonitoring: a group of the container's own, in whichever class it is."""
import os

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test

MONITOR = "linux.intelRdt.enableMonitoring"
# closID → where the group is.
PLACES = {"own class": (None, "c1/mon_groups/c1"), "shared class": ("gold", "gold/mon_groups/c1"),
          "root class": ("/", "mon_groups/c1")}


def section(clos):
    return {"enableMonitoring": True, **({"closID": clos} if clos else {})}


def machine(box, **more):
    r = Resctrl(box, **more)
    r.make("gold")
    return r


@test(cases=PLACES)
def the_group_is_made_joined_and_removed(box, place):
    clos, group = place
    r = machine(box)
    pid = box.created(with_rdt(box, **section(clos)))
    same(r.tasks(group), {pid})
    assert pid in r.tasks(group.removesuffix("mon_groups/c1") or ".")
    box.hozo("delete", "--force", "c1").ok()
    assert not r.has(group)
    same(r.groups(), ["gold"])


@test(cases=PLACES)
def exec_joins_it(box, place):
    clos, group = place
    r = machine(box)
    pid = box.running(with_rdt(box, **section(clos)))
    box.spawn("exec", "c1", "sleep", "1234")
    new, = host.eventually(lambda: r.tasks(group) - {pid}, 10, "another task")
    same(os.readlink(f"/proc/{new}/ns/pid"), os.readlink(f"/proc/{pid}/ns/pid"))


@test
def without_it_there_is_no_group(box):
    r = machine(box)
    box.running(with_rdt(box, enableMonitoring=False), id="c1")
    box.running(with_rdt(box, closID="gold"), id="c2")
    same((r.groups("c1/mon_groups"), r.groups("gold/mon_groups")), ([], []))


@test(cases={"shared class": ("gold", "gold/mon_groups/c1"), "root class": ("/", "mon_groups/c1"),
             "own class that was there": (None, "c1/mon_groups/c1")})
def one_that_is_there_is_an_error_and_stays(box, place):
    clos, group = place
    r = machine(box)
    if not clos:
        r.make("c1")
    r.make(group)
    before = r.groups()
    box.create(with_rdt(box, **section(clos), schemata=["L3:0=f"] if clos != "/" else [])).fails(f"{MONITOR}: {group}: file exists")
    assert r.has(group)
    same(r.groups(), before)
    same(r.schemata("gold")["L3"], "0=7ff;1=7ff", "nothing was written")


@test(cases={"own class": None, "shared class": "gold", "root class": "/"})
def no_number_left_is_an_error_that_says_so(box, clos):
    """The root has one, and so have gold, rest and the class that is made."""
    r = machine(box, rmids=4 if clos is None else 3)
    r.make("rest")
    box.create(with_rdt(box, **section(clos))).fails(MONITOR, "no room for the group", "(Out of RMIDs)", "no space left on device")
    same(r.groups(), ["gold", "rest"], "the class that was made for it is gone")


@test
def lines_are_taken_back_when_the_group_cannot_be_made(box):
    r = machine(box, rmids=2)
    before = r.read("gold/schemata")
    box.create(with_rdt(box, closID="gold", enableMonitoring=True, schemata=["L3:0=f", "MB:0=10"])).fails(MONITOR)
    same(r.read("gold/schemata"), before)


@test
def a_machine_that_cannot_monitor_says_so(box):
    r = machine(box, mon=0)
    box.create(with_rdt(box, enableMonitoring=True)).fails(MONITOR, "c1/mon_groups/c1: no such file or directory")
    same(r.groups(), ["gold"])
    box.running(with_rdt(box))
    same(r.groups(), ["c1", "gold"])


@test
def a_machine_that_only_monitors_does_so_in_the_root_class(box):
    """Such a machine has neither schemata nor other classes."""
    r = Resctrl(box, l3=0, mb=0)
    pid = box.created(with_rdt(box, **section("/")))
    same(r.tasks("mon_groups/c1"), {pid})
    box.hozo("delete", "--force", "c1").ok().silent()
    same(r.groups("mon_groups"), [])
    box.create(with_rdt(box, enableMonitoring=True)).fails("linux.intelRdt: making the class c1: operation not permitted")
    box.create(with_rdt(box, closID="/", l3CacheSchema="L3:0=f")).fails("linux.intelRdt.l3CacheSchema: /")
    box.unknown()


@test
def two_containers_of_one_class_are_monitored_apart(box):
    r = machine(box)
    first = box.running(with_rdt(box, **section("gold")), id="c1")
    second = box.running(with_rdt(box, **section("gold")), id="c2")
    same((r.tasks("gold/mon_groups/c1"), r.tasks("gold/mon_groups/c2")), ({first}, {second}))
    box.hozo("delete", "--force", "c1").ok()
    same(r.groups("gold/mon_groups"), ["c2"])
    same(r.tasks("gold"), {second})
