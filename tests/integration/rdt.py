# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt: which class a container gets, and who is in it. All is read in the files of resctrl, which is
emulated."""
import os

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test

FULL = {"L3": "0=7ff;1=7ff", "MB": "0=100;1=100"}
CLOS = "linux.intelRdt.closID"


# --- which class

@test
def without_a_name_the_class_is_the_containers(box):
    r = Resctrl(box)
    pid = box.created(with_rdt(box, l3CacheSchema="L3:0=f;1=3f", memBwSchema="MB:1=20"))
    same(r.groups(), ["c1"])
    same(r.schemata("c1"), {"L3": "0=f;1=3f", "MB": "0=100;1=20"})
    same(r.schemata(), FULL)
    same(r.tasks("c1"), {pid}, "before the program runs")


@test
def a_section_that_says_nothing_makes_a_class_and_writes_no_schemata(box):
    r = Resctrl(box)
    pid = box.running(with_rdt(box))
    same(r.schemata("c1"), FULL)
    same(r.tasks("c1"), {pid})


@test
def a_class_that_is_there_is_joined(box):
    r = Resctrl(box)
    r.make("gold", "L3:0=3")
    pid = box.created(with_rdt(box, closID="gold"))
    same(r.groups(), ["gold"])
    same(r.schemata("gold")["L3"], "0=3;1=7ff")
    same(r.tasks("gold"), {pid})


NOTHING = {"alone": {}, "empty texts": {"l3CacheSchema": "", "memBwSchema": "", "schemata": []},
           "an empty line": {"schemata": [""]}, "monitoring": {"enableMonitoring": True}}


@test(cases=NOTHING)
def a_class_of_which_nothing_is_said_has_to_be_there(box, section):
    r = Resctrl(box)
    box.create(with_rdt(box, closID="gold", **section)).fails(CLOS, "gold does not exist")
    same(r.groups(), [])
    same(r.groups("mon_groups"), [])
    same(r.tasks() >= {os.getpid()}, True)


@test(cases={"l3CacheSchema": {"l3CacheSchema": "L3:0=f"}, "memBwSchema": {"memBwSchema": "MB:0=20"},
             "schemata": {"schemata": ["L3:0=f"]}})
def a_class_of_which_something_is_said_is_made(box, section):
    r = Resctrl(box)
    pid = box.created(with_rdt(box, closID="gold", **section))
    same(r.groups(), ["gold"])
    assert r.schemata("gold") != FULL
    same(r.tasks("gold"), {pid})


@test
def an_empty_name_is_none(box):
    r = Resctrl(box)
    box.created(with_rdt(box, closID="", l3CacheSchema="", memBwSchema=""))
    same(r.groups(), ["c1"])


@test(cases={repr(n)[:20]: n for n in (".", "..", "a/b", "../x", "/x", "x/", "//", "a\nb", "x" * 256)})
def what_is_not_the_name_of_a_class_is_refused(box, name):
    r = Resctrl(box)
    box.create(with_rdt(box, closID=name, l3CacheSchema="L3:0=f")).fails(CLOS, "is not the name of a class")
    same(r.groups(), [])


@test(cases={repr(n)[:20]: n for n in ("...", " ", "a\tb", 'a"b\\c', "%s", "-rf", "g\u00f6ld", "x" * 255)})
def any_other_name_is_one(box, name):
    r = Resctrl(box)
    pid = box.running(with_rdt(box, closID=name, schemata=["L3:0=f"], enableMonitoring=True))
    same((r.groups(), r.tasks(f"{name}/mon_groups/c1")), ([name], {pid}))
    box.exec("true").ok()
    box.hozo("update", "--mem-bw-schema", "MB:0=20", "c1").ok()
    same(r.schemata(name), {"L3": "0=f;1=7ff", "MB": "0=20;1=100"})
    box.hozo("delete", "--force", "c1").ok().silent()
    same(r.groups(), [])


@test(cases={n: n for n in ("info", "mon_groups", "mon_data")})
def directories_of_resctrls_own_are_no_classes(box, name):
    Resctrl(box)
    box.create(with_rdt(box, closID=name)).fails(CLOS, f"{name} of resctrl is no class")
    box.create(with_rdt(box, closID=name, schemata=["L3:0=f"])).fails(CLOS, f"{name} of resctrl is no class")


@test
def files_of_resctrl_are_no_classes(box):
    Resctrl(box)
    box.create(with_rdt(box, closID="schemata")).fails(CLOS, "schemata", "not a directory")


@test
def the_root_class_has_a_name_too(box):
    r = Resctrl(box)
    pid = box.created(with_rdt(box, closID="/"))
    assert pid in r.tasks()
    same(r.groups(), [])
    box.hozo("delete", "--force", "c1").ok()
    same(r.schemata(), FULL)


@test
def lines_for_the_root_class_are_written_there(box):
    r = Resctrl(box)
    box.created(with_rdt(box, closID="/", schemata=["L3:0=ff"]))
    same(r.schemata()["L3"], "0=ff;1=7ff")


@test
def a_container_in_the_root_class_leaves_the_class_of_who_made_it(box):
    """Children begin in the class of their parent."""
    r = Resctrl(box)
    r.make("engine")
    b = with_rdt(box, closID="/").write()
    process = box.spawn("create", "--bundle", b.path, "c1",
                        preexec_fn=lambda: r.write("engine/tasks", str(os.getpid())))
    same(process.wait(20), 0)
    assert box.state()["pid"] in r.tasks()


# --- who is in it

@test
def a_process_of_exec_is_in_the_containers_class(box):
    r = Resctrl(box)
    r.make("gold")
    pid = box.running(with_rdt(box, closID="gold"))
    box.spawn("exec", "c1", "sleep", "1234")
    new, = host.eventually(lambda: r.tasks("gold") - {pid}, 10, "another task")
    same(os.readlink(f"/proc/{new}/ns/pid"), os.readlink(f"/proc/{pid}/ns/pid"))
    host.eventually(lambda: "1234" in host.command_line(new), 10, "the program")


@test
def a_process_that_cannot_be_put_into_the_class_does_not_run(box):
    r = Resctrl(box)
    r.make("gold")
    r.write("gold/mode", "pseudo-locksetup")
    b = with_rdt(box, "touch /ran", closID="gold")
    box.run(b).fails("linux.intelRdt: gold/tasks (Pseudo-locking in progress): invalid argument")
    assert not os.path.exists(f"{b.path}/rootfs/ran")
    same(r.groups(), ["gold"])


@test
def exec_fails_when_the_class_is_gone(box):
    r = Resctrl(box)
    r.make("gold")
    box.running(with_rdt(box, closID="gold"))
    r.remove("gold")
    box.exec("touch", "/ran").fails("linux.intelRdt: gold/tasks", "no such file or directory", code=255)
    box.exec("test", "-e", "/ran").fails("linux.intelRdt", code=255)
    box.hozo("delete", "--force", "c1").ok().silent()
