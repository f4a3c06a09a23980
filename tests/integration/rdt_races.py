# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt: a container enters a class while the one for which the class was made is deleted, or after it."""
import os
import time

import host
from emulated_resctrl import Resctrl, with_rdt
from harness import same, test
from made_plugins import MadePlugins

GOLD = {"closID": "gold", "l3CacheSchema": "L3:0=f"}


class Stopped:
    """A create that waits where plugins have prepared, and no process is there yet."""

    def __init__(self, box, bundle, id):
        self.box, plugins = box, MadePlugins(box)
        plugins.watcher("z", prepare=f'close(creat("{box.dir}/here", 0600)); '
                                     f'while (access("{box.dir}/go", F_OK)) usleep(5000);')
        box.undo.insert(0, self.let_go)
        self.process = box.spawn(*plugins.arguments, "create", "--bundle", bundle.write().path, id)
        host.eventually(lambda: os.path.exists(f"{box.dir}/here"), 10, "the plugin waits")

    def let_go(self):
        open(f"{self.box.dir}/go", "w").close()

    def goes_on(self):
        self.let_go()
        assert self.process.wait(20) == 0, self.process.output


@test(sanitized=False)
def who_has_found_a_class_enters_it_though_its_maker_is_deleted_meanwhile(box):
    r = Resctrl(box)
    box.running(with_rdt(box, **GOLD), id="c1")
    second = Stopped(box, with_rdt(box, **GOLD), "c2")
    delete = box.spawn("delete", "--force", "c1")
    time.sleep(0.5)
    same(r.groups(), ["gold"])
    second.goes_on()
    assert delete.wait(20) == 0, delete.output
    host.reap()
    same((r.groups(), r.tasks("gold")), (["gold"], {box.state("c2")["pid"]}))
    same(r.schemata("gold")["L3"], "0=f;1=7ff")


@test(sanitized=False)
def a_create_that_fails_there_does_not_wait_for_itself(box):
    r = Resctrl(box)
    plugins = MadePlugins(box)
    plugins.watcher("z", prepare='return hozo_error(ctx, 0, 0, "no");')
    plugins.create(with_rdt(box, **GOLD)).fails("no")
    same(r.groups(), [])


SHARED = {"closID": "gold", "schemata": ["L3:0=f", "MB:1=20", "L3:0=3"]}


@test(sanitized=False, cases={"alone": False, "with a group": True})
def a_create_that_fails_there_leaves_a_class_that_was_there_as_it_was(box, monitored):
    r = Resctrl(box)
    r.make("gold", "L3:1=7", "MB:0=50")
    before = r.read("gold/schemata")
    plugins = MadePlugins(box)
    plugins.watcher("z", prepare='return hozo_error(ctx, 0, 0, "no");')
    plugins.create(with_rdt(box, **SHARED, enableMonitoring=monitored)).fails("no")
    same((r.groups(), r.groups("gold/mon_groups"), r.read("gold/schemata")), (["gold"], [], before))


@test
def lines_stay_when_create_fails_after_the_process_is_in_the_class(box):
    """Others may have compared them by then."""
    r = Resctrl(box)
    r.make("gold", "L3:1=7", "MB:0=50")
    b = with_rdt(box, **SHARED)
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    box.create(b).fails("hooks.createRuntime[0]")
    same(r.schemata("gold"), {"L3": "0=3;1=7", "MB": "0=50;1=20"})


@test(cases={"joins it": {}, "is monitored there": {"enableMonitoring": True}})
def the_own_class_of_a_container_stays_while_another_is_in_it(box, section):
    """Else the kernel would move that one into the root class."""
    r = Resctrl(box)
    box.running(with_rdt(box, l3CacheSchema="L3:0=f"), id="c1")
    pid = box.running(with_rdt(box, closID="c1", **section), id="c2")
    box.hozo("delete", "--force", "c1").ok()
    same((r.groups(), r.tasks("c1")), (["c1"], {pid}))


@test
def two_containers_of_one_name_are_in_one_class_until_both_are_deleted(box):
    """Each of a root of its own: who made the class leaves it to the other."""
    r = Resctrl(box)
    box.running(with_rdt(box, l3CacheSchema="L3:0=f"))
    root, box.root = box.root, f"{box.dir}/other"
    pid = box.running(with_rdt(box))
    box.root, other = root, box.root
    box.hozo("delete", "--force", "c1").ok()
    same((r.groups(), r.tasks("c1")), (["c1"], {pid}))
    box.root = other
    box.hozo("delete", "--force", "c1").ok()
    box.root = root
    same(r.groups(), ["c1"], "the second has not made it")
