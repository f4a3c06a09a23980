# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt: where resctrl is, and what the machine has."""
import json
import os

from emulated_resctrl import Resctrl, with_rdt
from harness import Skip, same, test

L3 = "linux.intelRdt.l3CacheSchema"


def not_there(box):
    if "resctrl" in {line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo")}:
        raise Skip("this host has resctrl")
    box.create(with_rdt(box)).fails("linux.intelRdt: resctrl is not mounted")
    box.unknown()


@test
def without_resctrl_a_container_that_asks_for_it_is_not_made(box):
    not_there(box)


@test
def a_file_system_that_only_looks_like_it_is_not_taken(box):
    r = Resctrl(box, told=False)
    assert "fuse.resctrl" in open("/proc/self/mountinfo").read()
    not_there(box)
    same(r.groups(), [])


@test(cases={"nowhere": "/nonexistent", "relative": "resctrl", "a file": "/etc/passwd"})
def a_setting_that_leads_nowhere_is_an_error(box, path):
    r = Resctrl(box, told=False)
    r.tell(mountpoint=path)
    box.create(with_rdt(box)).fails("linux.intelRdt: resctrl: ", path)


@test
def a_setting_is_not_followed_through_links(box):
    r = Resctrl(box, told=False)
    os.symlink("resctrl", f"{box.dir}/link")
    r.tell(mountpoint=f"{box.dir}/link")
    box.create(with_rdt(box)).fails("linux.intelRdt: resctrl: ", "too many levels of symbolic links")


@test(cases={"class": ("gold", {"schemata": ["L3:0=f"]}), "group": ("silver", {"enableMonitoring": True})})
def no_link_beneath_it_is_followed(box, case):
    """Resctrl has none; this is a directory that somebody has named for it."""
    name, section = case
    r = Resctrl(box, told=False)
    fake, elsewhere = f"{box.dir}/fake", f"{box.dir}/elsewhere"
    for directory in (fake, elsewhere, f"{fake}/silver"):
        os.mkdir(directory)
    open(f"{fake}/silver/tasks", "w").close()
    os.symlink(elsewhere, f"{fake}/gold")
    os.symlink(elsewhere, f"{fake}/silver/mon_groups")
    r.tell(mountpoint=fake)
    box.create(with_rdt(box, closID=name, **section)).fails("linux.intelRdt.", "too many levels of symbolic links")
    same(os.listdir(elsewhere), [])


@test
def a_machine_without_the_resource_says_so(box):
    r = Resctrl(box, l3=0, l2=8, mb=0)
    box.create(with_rdt(box, l3CacheSchema="L3:0=f")).fails(L3, "(Unknown or unsupported resource name 'L3')")
    same(r.groups(), [])
    box.running(with_rdt(box, closID="", l3CacheSchema="", memBwSchema="", schemata=["L2:0=f"]))
    same(r.schemata("c1"), {"L2": "0=f;1=ff"})


@test
def features_say_what_is_served(box):
    same(json.loads(box.hozo("features").ok().out)["linux"]["intelRdt"],
         {"enabled": True, "schemata": True, "monitoring": True})
