# SPDX-License-Identifier: Apache-2.0
"""What updates leave behind for later ones."""
import host
from harness import Skip, same, test
from limits import Group

MB = 1 << 20


@test
def a_limit_that_was_lifted_takes_the_one_of_swap_along_for_good(box):
    b = box.bundle("sleep 100")
    memory = Group(b, "memory")
    b.linux["resources"]["memory"] = {"limit": 64 * MB, "swap": 64 * MB}
    box.running(b)
    if not memory.has("memory.memsw.limit_in_bytes", "memory.swap.max"):
        raise Skip("the kernel does not count swap")
    box.hozo("update", "--memory", "-1", "c1").ok()
    unlimited = memory.read("memory.memsw.limit_in_bytes", "memory.swap.max")
    box.hozo("update", "--memory", "128m", "c1").ok()
    same(memory.read("memory.limit_in_bytes", "memory.max"), f"{128 * MB}")
    same(memory.read("memory.memsw.limit_in_bytes", "memory.swap.max"), unlimited)
    box.hozo("update", "--memory-swap", "200m", "c1").ok()
    same(memory.read("memory.memsw.limit_in_bytes", "memory.swap.max"), f"{(72 if memory.v2 else 200) * MB}")


@test
def a_container_that_has_ended_does_not_take_another_in_its_group_along(box):
    """Its pid namespace has ended all that was its own."""
    if box.systemd:
        raise Skip("systemd has no two units of one name")
    first = box.bundle("true")
    box.create(first).ok()
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")
    second = box.bundle("sleep 100")
    second.linux["cgroupsPath"] = first.linux["cgroupsPath"]
    pid = box.running(second, id="c2")
    box.hozo("kill", "--all", "c1", "KILL").ok()
    box.hozo("delete", "c1").fails("removing the cgroup", "resource busy")
    assert host.alive(pid)
    same(box.state("c2")["status"], "running")
    box.hozo("delete", "--force", "c2").ok()
    box.hozo("delete", "c1").ok()
