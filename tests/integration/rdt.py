# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt: which class a container gets, what is written into it, and what cannot be. All is read in the files
of resctrl, which is emulated."""
import json
import os

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import Skip, same, test

FULL = {"L3": "0=7ff;1=7ff", "MB": "0=100;1=100"}
CLOS, L3, MB = (f"linux.intelRdt.{m}" for m in ("closID", "l3CacheSchema", "memBwSchema"))


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


@test(cases={repr(n): n for n in (".", "..", "a/b", "../x", "/x", "x/", "//", "a\nb")})
def what_is_not_the_name_of_a_class_is_refused(box, name):
    r = Resctrl(box)
    box.create(with_rdt(box, closID=name, l3CacheSchema="L3:0=f")).fails(CLOS, "is not the name of a class")
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


# --- what is written

@test
def the_lines_are_written_in_the_order_of_the_specification(box):
    """A later line overwrites; and of two that are wrong the earlier is told."""
    r = Resctrl(box)
    box.created(with_rdt(box, l3CacheSchema="L3:0=f;1=f", memBwSchema="MB:0=50;1=50",
                         schemata=["L3:1=3", "MB:1=20", "L3:1=7"]))
    same(r.schemata("c1"), {"L3": "0=f;1=7", "MB": "0=50;1=20"})
    wrong = {"l3CacheSchema": "L3:0=0", "memBwSchema": "MB:0=0", "schemata": ["L2:0=1", "L3:9=1"]}
    for member in ("l3CacheSchema", "memBwSchema", "schemata[0]"):
        box.create(with_rdt(box, **wrong), id="c2").fails(f"linux.intelRdt.{member}: ")
        wrong.pop(member.partition("[")[0])


@test
def lines_of_bandwidth_among_those_of_the_cache_are_left_out(box):
    r = Resctrl(box)
    box.created(with_rdt(box, l3CacheSchema="L3:0=f\nMB:0=20\n MB :1=20\nL3:1=3\n", memBwSchema="MB:0=50"))
    same(r.schemata("c1"), {"L3": "0=f;1=3", "MB": "0=50;1=100"})
    box.created(with_rdt(box, l3CacheSchema="MB:0=20"), id="c2")
    same(r.schemata("c2"), FULL)


@test
def each_element_of_schemata_is_a_line(box):
    r = Resctrl(box, l2=8)
    box.created(with_rdt(box, schemata=["MB:0=30", "", "L2:0=f", "L3:0=1;1=1"]))
    same(r.schemata("c1"), {"L3": "0=1;1=1", "MB": "0=30;1=100", "L2": "0=f;1=ff"})


@test(cases={
    "in memBwSchema": ({"memBwSchema": "MB:0=50\nL3:0=f"}, MB, "more than one line"),
    "at its end": ({"memBwSchema": "MB:0=50\n"}, MB, "more than one line"),
    "in schemata": ({"schemata": ["L3:0=f", "L3:0=f\nMB:0=50"]}, "linux.intelRdt.schemata[1]", "more than one line"),
    "memBwSchema of something else": ({"memBwSchema": "L3:0=f"}, MB, 'does not begin with "MB:"'),
    "blank before it": ({"memBwSchema": " MB:0=50"}, MB, 'does not begin with "MB:"')})
def what_is_not_one_line_is_refused(box, case):
    section, path, text = case
    r = Resctrl(box)
    box.create(with_rdt(box, **section)).fails(f"{path}: ", text)
    same(r.groups(), [])


BAD = {
    "holes": ("L3:0=505", "(The mask 505 has non-consecutive 1-bits)"),
    "too many bits": ("L3:0=fff", "(Mask out of range)"),
    "too few bits": ("L3:0=1", "(Need at least 2 bits in the mask)"),
    "no number": ("L3:0=xyz", "(Non-hex character in the mask xyz)"),
    "twice": ("L3:0=f;0=f", "(Duplicate domain 0)"),
    "resource": ("L2:0=f", "(Unknown or unsupported resource name 'L2')"),
    "range": ("MB:0=5", "(MB value 5 out of range [10,100])"),
    "no line": ("nonsense", "(Missing ':')"),
}


@test(cases=BAD)
def what_the_kernel_says_of_a_line_is_in_the_error(box, case):
    line, text = case
    r = Resctrl(box, min_bits=2)
    box.create(with_rdt(box, schemata=["L3:1=3", line])).fails(
        f'linux.intelRdt.schemata[1]: "{line}" {text}: invalid argument')
    same(r.groups(), [], "the class is not left")


@test
def where_the_kernel_says_nothing_the_error_does_not_say_ok(box):
    Resctrl(box)
    result = box.create(with_rdt(box, l3CacheSchema="L3:7=f")).fails(L3, '"L3:7=f": invalid argument')
    assert "ok" not in result.err, result.err


@test
def a_kernel_without_last_cmd_status_gives_an_error_as_well(box):
    r = Resctrl(box, no_status=1)
    box.create(with_rdt(box, l3CacheSchema="L3:0=505")).fails(L3, '"L3:0=505": invalid argument')
    same(r.groups(), [])


@test
def lines_that_one_which_fails_follows_are_taken_back_from_a_class_that_was_there(box):
    r = Resctrl(box)
    r.make("gold", "L3:0=3;1=7", "MB:0=30")
    before = r.read("gold/schemata")
    lines = ["L3:0=f", "L3:1=f;0=1f", "MB:0=80;1=80", "L3:0=505"]
    box.create(with_rdt(box, closID="gold", schemata=lines)).fails("schemata[3]", "non-consecutive")
    same(r.read("gold/schemata"), before)
    same(r.groups(), ["gold"])


@test
def a_processor_without_classes_left_is_an_error_that_says_so(box):
    r = Resctrl(box, closids=2)
    r.make("gold")
    box.create(with_rdt(box)).fails("linux.intelRdt: ", "no room for the class c1 (Out of CLOSIDs)", "no space left on device")
    same(r.groups(), ["gold"])
    box.running(with_rdt(box, closID="gold"))


@test
def members_of_earlier_specifications_are_ignored(box):
    """enableCMT and enableMBM are gone with 1.3."""
    r = Resctrl(box)
    box.running(with_rdt(box, enableCMT=True, enableMBM=True, l3CacheSchema="L3:0=f"))
    same(r.groups("c1/mon_groups"), [])
    same(r.schemata("c1")["L3"], "0=f;1=7ff")


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


# --- where resctrl is

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
