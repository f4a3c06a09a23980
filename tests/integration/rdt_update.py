# SPDX-License-Identifier: Apache-2.0
"""update --l3-cache-schema and --mem-bw-schema, of a container with linux.intelRdt."""
import json

from emulated_resctrl import Resctrl, with_rdt
from harness import same, test
from made_plugins import MadePlugins

L3, MB = "linux.intelRdt.l3CacheSchema", "linux.intelRdt.memBwSchema"
SECTION = {"l3CacheSchema": "L3:0=f;1=f", "memBwSchema": "MB:0=50;1=50"}


def update(box, *options, id="c1"):
    return box.hozo("update", *options, id)


@test
def one_value_leaves_the_other_as_it_is(box):
    r = Resctrl(box)
    box.running(with_rdt(box, **SECTION))
    update(box, "--l3-cache-schema", "L3:0=3").ok().silent()
    same(r.schemata("c1"), {"L3": "0=3;1=f", "MB": "0=50;1=50"})
    update(box, "--mem-bw-schema", "MB:1=20").ok()
    same(r.schemata("c1"), {"L3": "0=3;1=f", "MB": "0=50;1=20"})
    update(box, "--l3-cache-schema", "L3:1=1", "--mem-bw-schema", "MB:0=10").ok()
    same(r.schemata("c1"), {"L3": "0=3;1=1", "MB": "0=10;1=20"})


@test
def an_update_of_something_else_writes_nothing_here(box):
    r = Resctrl(box)
    box.running(with_rdt(box, **SECTION))
    r.write("c1/schemata", "L3:0=1")
    update(box, "--pids-limit", "100").ok()
    update(box, "--l3-cache-schema", "", "--mem-bw-schema", "").ok()
    same(r.schemata("c1"), {"L3": "0=1;1=f", "MB": "0=50;1=50"})


@test
def what_was_made_by_another_member_is_kept(box):
    r = Resctrl(box, l2=8)
    box.running(with_rdt(box, schemata=["L2:0=3", "MB:0=30"]))
    update(box, "--l3-cache-schema", "L3:0=f\nMB:0=90").ok()
    same(r.schemata("c1"), {"L3": "0=f;1=7ff", "MB": "0=30;1=100", "L2": "0=3;1=ff"})


@test(cases={"joined": {"closID": "gold"}, "root": {"closID": "/"}, "own": {}})
def the_class_that_the_container_is_in_is_changed(box, section):
    r = Resctrl(box)
    r.make("gold")
    pid = box.running(with_rdt(box, **section))
    update(box, "--mem-bw-schema", "MB:0=20").ok()
    group = {"gold": "gold", "/": "."}.get(section.get("closID"), "c1")
    same(r.schemata(group)["MB"], "0=20;1=100")
    same(r.groups(), ["gold"] if "closID" in section else ["c1", "gold"])
    assert pid in r.tasks(group)


@test(cases={
    "the first": (("L3:0=505", "MB:0=20"), L3, "(The mask 505 has non-consecutive 1-bits)"),
    "the second": (("L3:0=3\nL3:1=7", "MB:0=101"), MB, "(MB value 101 out of range [10,100])"),
    "no bandwidth": (("L3:0=3", "L3:0=1"), MB, 'does not begin with "MB:"'),
    "two lines": (("L3:0=3", "MB:0=10\nMB:1=10"), MB, "more than one line")})
def one_that_is_wrong_changes_nothing(box, case):
    (cache, bandwidth), path, text = case
    r = Resctrl(box)
    box.running(with_rdt(box, **SECTION))
    with open(f"{box.root}/c1/config.json") as f:
        before = f.read()
    update(box, "--l3-cache-schema", cache, "--mem-bw-schema", bandwidth).fails(f"{path}: ", text)
    same(r.schemata("c1"), {"L3": "0=f;1=f", "MB": "0=50;1=50"})
    with open(f"{box.root}/c1/config.json") as f:
        same(f.read(), before)


@test(sanitized=False)
def it_is_undone_when_another_plugin_fails(box):
    r = Resctrl(box)
    plugins = MadePlugins(box)
    plugins.watcher("z", update="", update_apply='return hozo_error(ctx, 0, 0, "no");')
    plugins.create(with_rdt(box, **SECTION)).ok()
    plugins.hozo("update", "--l3-cache-schema", "L3:0=3", "--mem-bw-schema", "MB:1=10", "c1").fails("no")
    same(r.schemata("c1"), {"L3": "0=f;1=f", "MB": "0=50;1=50"})


@test(sanitized=False)
def where_nothing_was_changed_nothing_is_undone(box):
    r = Resctrl(box)
    plugins = MadePlugins(box)
    plugins.watcher("z", update="", update_apply='return hozo_error(ctx, 0, 0, "no");')
    plugins.create(with_rdt(box, **SECTION)).ok()
    r.remove("c1")
    result = plugins.hozo("update", "--pids-limit", "100", "c1").fails("no")
    assert "intelRdt" not in result.err, result.err


@test
def a_container_without_the_section_is_refused_and_nothing_is_made(box):
    r = Resctrl(box)
    box.running("sleep 100")
    for option in ("--l3-cache-schema=L3:0=f", "--mem-bw-schema=MB:0=20"):
        update(box, option).fails("linux.intelRdt: the container was made without this section")
    same(r.groups(), [])
    same(r.schemata(), {"L3": "0=7ff;1=7ff", "MB": "0=100;1=100"})


@test
def a_class_that_is_gone_is_an_error(box):
    r = Resctrl(box)
    box.running(with_rdt(box))
    r.remove("c1")
    update(box, "--mem-bw-schema", "MB:0=20").fails("linux.intelRdt: c1: no such file or directory")
    same(r.groups(), [])


@test
def later_verbs_know_the_new_values(box):
    Resctrl(box)
    box.running(with_rdt(box, **SECTION))
    update(box, "--mem-bw-schema", "MB:1=20").ok()
    with open(f"{box.root}/c1/config.json") as f:
        same(json.load(f)["linux"]["intelRdt"], {"l3CacheSchema": "L3:0=f;1=f", "memBwSchema": "MB:1=20"})
