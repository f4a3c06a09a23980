# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt.closID of a class that is there: l3CacheSchema and memBwSchema have to be what it has."""
import fcntl
import os
import time

from emulated_resctrl import Resctrl, with_rdt
from harness import same, test

L3, MB = "linux.intelRdt.l3CacheSchema", "linux.intelRdt.memBwSchema"
FORMS = {"as Linux 6.18 writes it": {}, "as Linux before 6.16 wrote it": {"old": 1}}


def gold(box, **machine):
    r = Resctrl(box, **machine)
    r.make("gold", "L3:0=f;1=3f", "MB:0=70;1=20")
    return r


def joins(box, r, **section):
    before = r.read("gold/schemata")
    pid = box.created(with_rdt(box, closID="gold", **section))
    same(r.tasks("gold"), {pid})
    same(r.read("gold/schemata"), before)
    box.hozo("delete", "--force", "c1").ok()
    same(r.groups(), ["gold"], "it was there before")


EQUAL = {"as written": "L3:0=f;1=3f", "the other order": "L3:1=3f;0=f", "capitals": "L3:0=F;1=3F",
         "zeros": "L3:0=000f;1=003f", "blanks": "L3: 0=f ; 1= 3f", "one domain": "L3:1=3f",
         "the padding of the kernel": "    L3:0=00f;1=03f", "lines of MB": "MB:0=10\nL3:0=f"}


@test(cases={f"{name}, {form}": (line, machine) for name, line in EQUAL.items() for form, machine in FORMS.items()})
def the_same_masks_in_another_form_are_the_same(box, case):
    line, machine = case
    joins(box, gold(box, **machine), l3CacheSchema=line)


@test(cases={f"{line}, {form}": (line, machine) for form, machine in FORMS.items()
             for line in ("MB:0=70;1=20", "MB:1=20;0=70", "MB:0= 70;1= 20", "MB:1=020", "MB:0=61")})
def the_same_bandwidth_in_another_form_is_the_same(box, case):
    """61 is what the kernel makes 70 of."""
    line, machine = case
    joins(box, gold(box, **machine), memBwSchema=line)


@test
def each_is_compared_with_the_lines_of_its_resource_alone(box):
    r = gold(box, l2=8)
    joins(box, r, l3CacheSchema="L3:0=f;1=3f", memBwSchema="MB:0=70;1=20")
    r.write("gold/schemata", "L2:0=3")
    r.write("gold/schemata", "MB:0=40")
    joins(box, r, l3CacheSchema="L3:0=f;1=3f")


@test(cases={f"{line}, {form}": (line, machine) for form, machine in FORMS.items()
             for line in ("L3:0=f;1=3e", "L3:0=1f", "L3:0=f;2=3f", "L2:0=f", "L3:0=15", "L3", "L3:0=f;;1=3f")})
def other_masks_are_an_error(box, case):
    line, machine = case
    r = gold(box, **machine)
    before = r.read("gold/schemata")
    box.create(with_rdt(box, closID="gold", l3CacheSchema=line, schemata=["MB:0=10"])).fails(
        f'{L3}: "{line}" is not what the class gold has: ')
    same(r.read("gold/schemata"), before)
    same((r.groups(), r.tasks("gold")), (["gold"], set()))


@test(cases={f"{line}, {form}": (line, machine) for form, machine in FORMS.items()
             for line in ("MB:0=80", "MB:0=46", "MB:0=60", "MB:0=71", "MB:2=70")})
def other_bandwidth_is_an_error(box, case):
    """46 is 70 in hexadecimal."""
    line, machine = case
    r = gold(box, **machine)
    before = r.read("gold/schemata")
    box.create(with_rdt(box, closID="gold", l3CacheSchema="L3:0=f", memBwSchema=line)).fails(
        f'{MB}: "{line}" is not what the class gold has: MB:0=')
    same(r.read("gold/schemata"), before)


@test
def the_root_class_is_compared_as_well(box):
    r = Resctrl(box)
    box.create(with_rdt(box, closID="/", l3CacheSchema="L3:0=f")).fails(f'{L3}: "L3:0=f" is not what the class / has: L3:0=7ff;1=7ff')
    same(r.schemata()["L3"], "0=7ff;1=7ff")
    box.running(with_rdt(box, closID="/", l3CacheSchema="L3:0=7ff"))


@test
def schemata_is_not_compared_but_written(box):
    r = gold(box)
    box.running(with_rdt(box, closID="gold", l3CacheSchema="L3:0=f", schemata=["L3:0=7", "MB:1=50"]))
    same(r.schemata("gold"), {"L3": "0=7;1=3f", "MB": "0=70;1=50"})


@test
def two_containers_of_one_description_share_the_class(box):
    r = Resctrl(box)
    section = {"closID": "gold", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=15"}
    pids = {box.running(with_rdt(box, **section), id=id) for id in ("c1", "c2")}
    same(r.tasks("gold"), pids)


@test
def containers_that_are_created_at_once_share_it_too(box):
    r = Resctrl(box)
    section = {"closID": "gold", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=15"}
    bundles = [with_rdt(box, **section).write() for _ in range(6)]
    processes = [box.spawn("create", "--bundle", b.path, f"c{n}") for n, b in enumerate(bundles)]
    for p in processes:
        assert p.wait(25) == 0, p.output
    same(r.tasks("gold"), {box.state(f"c{n}")["pid"] for n in range(6)})


@test
def who_changes_groups_waits_for_whoever_does_so(box):
    """flock(2) on the mount point, as Documentation/filesystems/resctrl.rst describes."""
    r = Resctrl(box)
    b = with_rdt(box, l3CacheSchema="L3:0=f").write()
    fd = os.open(r.point, os.O_RDONLY)
    for verb in (("create", "--bundle", b.path, "c1"), ("update", "--l3-cache-schema", "L3:0=3", "c1"),
                 ("delete", "--force", "c1")):
        fcntl.flock(fd, fcntl.LOCK_EX)
        before = r.groups(), [r.read(f"{g}/schemata") for g in r.groups()]
        process = box.spawn(*verb)
        time.sleep(0.3)
        same((r.groups(), [r.read(f"{g}/schemata") for g in r.groups()]), before, verb[0])
        same(process.poll(), None, verb[0])
        fcntl.flock(fd, fcntl.LOCK_UN)
        same(process.wait(20), 0)
        assert (r.groups(), [r.read(f"{g}/schemata") for g in r.groups()]) != before, verb[0]
    os.close(fd)


@test
def the_containers_own_class_is_not_compared(box):
    """The rule is for a class that has been named."""
    r = Resctrl(box)
    r.make("c1", "L3:0=f")
    box.running(with_rdt(box, l3CacheSchema="L3:0=3"))
    same(r.schemata("c1")["L3"], "0=3;1=7ff")
