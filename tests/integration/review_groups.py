# SPDX-License-Identifier: Apache-2.0
"""What updates leave behind for later ones."""
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
