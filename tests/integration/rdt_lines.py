# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt: which lines are written into a class, in which order, and what becomes of those that are refused."""
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test

FULL = {"L3": "0=7ff;1=7ff", "MB": "0=100;1=100"}
L3, MB = "linux.intelRdt.l3CacheSchema", "linux.intelRdt.memBwSchema"


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
def what_the_kernel_said_of_another_command_is_not_in_the_error(box):
    """Of a file that is not there, and of a directory that is, it says nothing: the last answer stays."""
    r = Resctrl(box)
    r.make("gold")
    box.running(with_rdt(box, closID="gold"))
    r.remove("gold")
    box.create(with_rdt(box, schemata=["L3:0=505"]), id="c2").fails("non-consecutive")
    assert "non-consecutive" in r.read("info/last_cmd_status")
    result = box.exec("true").fails("gold/tasks", "no such file or directory", code=255)
    assert "non-consecutive" not in result.err, result.err


@test
def a_line_that_one_write_cannot_take_is_an_error_and_not_written_in_part(box):
    """One write(2) is a page at most; the rest would be another command."""
    r = Resctrl(box, old=1)
    r.make("gold", "L3:1=3")
    before = r.read("gold/schemata")
    box.create(with_rdt(box, schemata=["L3:0=505"])).fails("non-consecutive")
    line = "L3:0=" + "0" * 5000 + "f"
    result = box.create(with_rdt(box, closID="gold", schemata=["L3:0=7", line])).fails("schemata[1]: ", "message too long")
    assert "non-consecutive" not in result.err
    same((r.groups(), r.read("gold/schemata")), (["gold"], before))
    line = "L3:0=" + "0" * (4096 - len("L3:0=f\n")) + "f"
    box.created(with_rdt(box, closID="gold", schemata=[line]))
    same(r.schemata("gold")["L3"], "0=00f;1=003")


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
