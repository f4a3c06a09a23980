# SPDX-License-Identifier: Apache-2.0
"""What of resctrl goes with a container: what was made for it, by whichever execution, and nothing else."""
import json
import os
import signal

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test
from made_plugins import MadePlugins

LINE = {"schemata": ["L3:0=f"]}


def delete(box, id="c1"):
    """Another process than the one that made it, after the program has ended."""
    box.hozo("kill", id, "KILL").ok()
    box.wait_status("stopped", id)
    box.hozo("delete", id).ok().silent()


@test
def the_class_of_the_containers_own_goes_with_it(box):
    r = Resctrl(box)
    box.running(with_rdt(box))
    delete(box)
    same(r.groups(), [])


@test
def run_leaves_nothing_as_well(box):
    r = Resctrl(box)
    box.run(with_rdt(box, "exit 3", enableMonitoring=True)).ends(3)
    same(r.groups(), [])


@test
def a_class_of_the_containers_name_that_was_there_stays(box):
    r = Resctrl(box)
    r.make("c1")
    pid = box.running(with_rdt(box, enableMonitoring=True))
    same(r.tasks("c1"), {pid})
    delete(box)
    same((r.groups(), r.groups("c1/mon_groups")), (["c1"], []))


@test
def a_class_that_was_made_under_a_name_goes_when_nobody_uses_it(box):
    r = Resctrl(box)
    box.running(with_rdt(box, closID="gold", **LINE))
    delete(box)
    same(r.groups(), [])


@test
def a_class_that_others_use_by_now_stays(box):
    """Without it the kernel would move them into the root class."""
    r = Resctrl(box)
    box.running(with_rdt(box, closID="gold", **LINE), id="c1")
    pid = box.running(with_rdt(box, closID="gold"), id="c2")
    box.hozo("delete", "--force", "c1").ok()
    same((r.groups(), r.tasks("gold")), (["gold"], {pid}))


@test(cases={n: n for n in ("other", ".other", "...")})
def a_class_with_a_group_of_somebody_elses_stays(box, name):
    r = Resctrl(box)
    box.running(with_rdt(box, closID="gold", **LINE, enableMonitoring=True))
    r.make(f"gold/mon_groups/{name}")
    box.hozo("delete", "--force", "c1").ok()
    same(r.groups("gold/mon_groups"), [name])


@test
def who_has_ended_and_was_not_waited_for_uses_no_class(box):
    r = Resctrl(box)
    pid = box.running(with_rdt(box, closID="gold", **LINE))
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    assert pid in r.tasks("gold"), "it is still listed"
    same(box.spawn("delete", "c1").wait(20), 0)
    same(host.process_state(pid), "Z")
    same(r.groups(), [])


@test(cases={"own class": {}, "named class": {"closID": "gold", **LINE},
             "monitored": {"closID": "/", "enableMonitoring": True}})
def a_create_that_fails_later_leaves_nothing(box, section):
    r = Resctrl(box)
    b = with_rdt(box, **section)
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    box.create(b).fails("hooks.createRuntime[0]")
    same((r.groups(), r.groups("mon_groups")), ([], []))


@test(sanitized=False)
def a_create_that_is_killed_is_cleaned_up_by_delete(box):
    """The state says what was made before it is made."""
    r = Resctrl(box)
    plugins = MadePlugins(box)
    plugins.watcher("z", prepare="kill(getpid(), SIGKILL);")
    same(plugins.create(with_rdt(box, closID="gold", **LINE, enableMonitoring=True)).code, -signal.SIGKILL)
    same(r.groups("gold/mon_groups"), ["c1"])
    box.hozo("delete", "--force", "c1").ok()
    same(r.groups(), [])


HALVES = {"nothing of it": lambda whole: {}, "no array": lambda whole: [], "other types": lambda whole: {k: 5 for k in whole},
          "an empty class": lambda whole: {**whole, "class": ""}, "an empty group": lambda whole: {**whole, "monitor": ""},
          **{f"no {name}": lambda whole, name=name: {k: v for k, v in whole.items() if k != name}
             for name in ("root", "class", "made")}}


@test(cases=HALVES)
def by_half_a_record_nothing_is_taken_for_removed(box, half):
    r = Resctrl(box)
    box.running(with_rdt(box, enableMonitoring=True))
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    path = f"{box.root}/c1/state.json"
    with open(path) as f:
        text = f.read()
    state = json.loads(text)
    own, = [p for p in state["plugins"] if p["name"] == "rdt"]
    own["value"] = json.dumps(half(json.loads(own["value"])))
    with open(path, "w") as f:
        json.dump(state, f)
    box.hozo("delete", "c1").fails("linux.intelRdt: what the container's state says of its class is damaged")
    same(r.groups("c1/mon_groups"), ["c1"])
    with open(path, "w") as f:
        f.write(text)
    box.hozo("delete", "c1").ok().silent()
    same(r.groups(), [])


@test
def what_somebody_has_removed_already_is_no_error(box):
    r = Resctrl(box)
    box.running(with_rdt(box, enableMonitoring=True))
    r.remove("c1")
    delete(box)
    same(r.groups(), [])


@test
def with_the_mount_all_groups_are_gone(box):
    r = Resctrl(box)
    box.running(with_rdt(box))
    host.detach(r.point)
    delete(box)


@test
def the_state_knows_the_place_when_the_setting_is_gone(box):
    r = Resctrl(box)
    box.running(with_rdt(box, l3CacheSchema="L3:0=f"))
    r.tell()
    box.exec("true").ok()
    box.hozo("update", "--l3-cache-schema", "L3:0=3", "c1").ok()
    same(r.schemata("c1")["L3"], "0=3;1=7ff")
    delete(box)
    same(r.groups(), [])
