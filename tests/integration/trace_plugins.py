# SPDX-License-Identifier: Apache-2.0
"""What a plugin costs: in a trace, and in the table of `plan --time`."""
import json
import os
import re
import signal

from harness import same, test
from made_plugins import MadePlugins
from traces import Trace

NAP = 50  # milliseconds
SLEEP = f"usleep({NAP * 1000});"


def traced(box, plugins, *arguments):
    file = f"{box.dir}/trace.json"
    plugins.hozo("--trace", file, *arguments).ok()
    return Trace(file)


def costs(text):
    """The numbers of each plugin at the end of the table: load, callbacks, operations, sum."""
    rows = re.findall(r"^ +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)  (\S+)$", text, re.M)
    return {r[4]: [float(n) for n in r[:4]] for r in rows}


@test(sanitized=False)
def each_callback_takes_the_time_that_it_takes(box):
    plugins = MadePlugins(box)
    plugins.watcher("slow", plan=SLEEP, prepare=SLEEP, cleanup=SLEEP, probe="")
    t = traced(box, plugins, "run", "--bundle", box.bundle().write().path, "c1")
    for callback in ("plan", "prepare", "cleanup"):
        span = t.one(f"slow: {callback}", "plugin")
        same(span.args, {"plugin": "slow", "callback": callback})
        assert span.time >= NAP, span
    assert t.one("slow: probe").end <= t.one("slow: prepare").begin
    loads = [s for s in t.named("load") if s.args["file"] == "process@slow"]
    same([s.args["plugin"] for s in loads], ["slow"])
    assert all(s.within(t.one("compile")) for s in t.named("load")), t.named("load")
    assert "cgroup" in {s.args["plugin"] for s in t.named("load")}, t.named("load")


@test(sanitized=False)
def a_constructor_counts_as_loading(box):
    plugins = MadePlugins(box)
    plugins.watcher("slow", head=f"__attribute__((constructor)) static void begin(void) {{ {SLEEP} }}")
    t = traced(box, plugins, "plan", "--bundle", box.bundle().write().path)
    assert [s.time >= NAP for s in t.named("load") if s.args["file"] == "process@slow"] == [True], t.named("load")
    t = traced(box, plugins, "features")
    assert any(s.args.get("plugin") == "slow" and s.time >= NAP for s in t.named("load")), t.named("load")


@test(sanitized=False)
def what_a_callback_has_done_by_others_is_within_it(box):
    plugins = MadePlugins(box)
    plugins.watcher("slow", prepare='static const char *const words[] = {"/bin/true", NULL};'
                                    'struct hozo_run r = {.size = sizeof r, .args = words};'
                                    'if (hozo_run(ctx, &r) < 0) return -1;')
    t = traced(box, plugins, "run", "--bundle", box.bundle().write().path, "c1")
    program = t.one("program")
    same(program.args["path"], "/bin/true")
    assert program.within(t.one("slow: prepare"))


@test(cases={"killed": ("kill(getpid(), SIGKILL);", -signal.SIGKILL), "crashed": ("abort();", 1),
             "exit": ("exit(0);", 1)}, sanitized=False)
def what_hozo_ends_in_has_no_end_and_the_file_is_json(box, how):
    statement, code = how
    plugins = MadePlugins(box)
    plugins.watcher("bad", validate=statement)
    file = f"{box.dir}/trace.json"
    plugins.hozo("--trace", file, "create", "--bundle", box.bundle().write().path, "c1").ends(code)
    t = Trace(file, complete=False)
    same([s.name for s in t.open], ["create", "compile", "bad: validate"])


@test(sanitized=False)
def the_table_shows_what_each_plugin_costs(box):
    plugins = MadePlugins(box)
    plugins.watcher("slow", plan=SLEEP, prepare=SLEEP)
    b = box.bundle().write()
    r = plugins.hozo("plan", "--time", "--bundle", b.path).ok()
    load, callbacks, operations, total = costs(r.out)["slow"]
    assert NAP <= callbacks < total and load > 0 and operations == 0, r.out
    assert "slow: plan" in r.out and "slow: prepare" not in r.out and "cgroup" in costs(r.out), r.out
    traced(box, plugins, "run", "--bundle", b.path, "c1")
    r = box.hozo("plan", "--time", "--recorded", f"{box.dir}/trace.json").ok()
    assert costs(r.out)["slow"][1] >= 2 * NAP, r.out
    for text in ("runtime\n", "hozo-init: stage process\n", "hozo-init: inside process\n", "exec process.args\n"):
        assert text in r.out, r.out


@test(sanitized=False)
def bars_are_as_long_as_the_time(box):
    plugins = MadePlugins(box)
    plugins.watcher("slow", plan=f"usleep({20 * NAP * 1000});")
    b = box.bundle().write()
    r = plugins.hozo("--trace", f"{box.dir}/t", "plan", "--time", "--bundle", b.path).ok()
    rows = re.findall(r"^ +([\d.]+) +([\d.]+)  \|(.*)\| +(.*)$", r.out, re.M)
    whole = float(rows[0][1])
    same({len(bar) for _, _, bar, _ in rows}, {30})
    for begin, time, bar, name in rows:
        assert re.fullmatch(" *#+ *", bar), rows
        assert abs(bar.count("#") - float(time) / whole * 30) <= 2, (name, begin, time, bar)
    same([r[3] for r in rows][:2], ["plan", "parse"])
    Trace(f"{box.dir}/t")


EVENT = {"ph": "B", "pid": 1, "tid": 1, "ts": 1, "cat": "core", "name": "x", "args": {}}
FOREIGN = {
    "an object": {},
    "a string for an event": ["x"],
    "a track of somebody else": [{**EVENT, "tid": 99}],
    "no track": [{**EVENT, "tid": 0}],
    "an end without a begin": [{**EVENT, "ph": "E"}],
    "an unknown event": [{**EVENT, "ph": "Z"}],
    "a time before all": [{**EVENT, "ts": -1}],
    "a time behind all": [{**EVENT, "ts": 1e300}],
    "a time in words": [{**EVENT, "ts": "now"}],
    "no duration": [{**EVENT, "ph": "X"}],
    "deeper than any": [EVENT] * 70,
}


@test(cases=FOREIGN)
def what_hozo_has_not_written_is_no_trace(box, content):
    path = f"{box.dir}/t"
    with open(path, "w") as f:
        json.dump(content, f)
    box.hozo("plan", "--time", "--recorded", path).fails("is no trace of hozo")


@test
def a_trace_of_nothing_is_an_empty_table_and_names_are_plain(box):
    path = f"{box.dir}/t"
    with open(path, "w") as f:
        f.write("[]")
    same(len(box.hozo("plan", "--time", "--recorded", path).ok().out.splitlines()), 1)
    with open(path, "w") as f:
        json.dump([{**EVENT, "name": "a\x1b[31m\n", "args": {"plugin": "p\x07"}}], f)
    r = box.hozo("plan", "--time", "--recorded", path).ok()
    assert "\x1b" not in r.out and "\x07" not in r.out and "\\u001b[31m\\n" in r.out, repr(r.out)


@test
def options_that_do_not_go_together_are_refused(box):
    b = box.bundle().write()
    box.hozo("plan", "--time", "--json", "--bundle", b.path).fails("--json")
    box.hozo("plan", "--recorded", "x", "--bundle", b.path).fails("--time")
    box.hozo("plan", "--time", "--recorded", f"{box.dir}/none").fails("none")
    assert not os.path.exists(f"{box.dir}/none")
