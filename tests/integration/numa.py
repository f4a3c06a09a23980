# SPDX-License-Identifier: Apache-2.0
"""linux.memoryPolicy where there are several memory nodes: on which of them the pages then lie, and how
linux.resources.cpu.mems narrows it."""
import host
from compiled import compiled
from harness import Skip, same, test

# Prints how many of 64 new pages lie on each node, for each line that it reads. A page without a node is an error.
GUEST = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGES = 64, NODES = 64, SIZE = 4096 };

int main(void)
{
    char line[8];

    while (fgets(line, sizeof(line), stdin)) {
        char *memory = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int status[PAGES], count[NODES] = {0}, last = 0;
        void *pages[PAGES];

        madvise(memory, PAGES * SIZE, MADV_NOHUGEPAGE);
        memset(memory, 1, PAGES * SIZE);
        for (int i = 0; i < PAGES; i++)
            pages[i] = memory + i * SIZE;
        if (syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0))
            return 1;
        for (int i = 0; i < PAGES; i++) {
            if (status[i] < 0 || status[i] >= NODES)
                return 2;
            count[status[i]]++;
            last = status[i] > last ? status[i] : last;
        }
        for (int n = 0; n <= last; n++)
            printf("%d%c", count[n], n < last ? ' ' : '\n');
        fflush(stdout);
    }
}
"""
COUNT = "echo | pages"


def nodes(number):
    with open("/sys/devices/system/node/has_memory") as f:
        there = f.read().strip()
    if there != f"0-{number - 1}":
        raise Skip(f"needs {number} memory nodes; here are {there}")


def bundle(box, program=COUNT, mems=None, **policy):
    nodes(4)
    b = box.bundle(program)
    compiled(box, GUEST, f"{b.rootfs}/bin/pages", "-static", "-O1")
    if policy:
        b.linux["memoryPolicy"] = policy
    if mems:
        host.controller_directory("cpuset", "")
        b.linux["resources"]["cpu"] = {"mems": mems}
    return b


def pages(result):
    """The number of pages on each node."""
    return [int(n) for n in result.ok().out.split()]


def policy_of(box):
    """The kernel's words for the policy of the program, with the nodes that are left of it."""
    with open(f"/proc/{box.state()['pid']}/numa_maps") as f:
        return f.readline().split()[1]


def update_mems(b, mems):
    directory = host.controller_directory("cpuset", b.linux["cgroupsPath"])
    with open(f"{directory}/cpuset.mems", "w") as f:
        f.write(mems)


STATIC, RELATIVE = ["MPOL_F_STATIC_NODES"], ["MPOL_F_RELATIVE_NODES"]


@test(cases={
    "MPOL_BIND": (dict(mode="MPOL_BIND", nodes="2"), [0, 0, 64]),
    "MPOL_BIND with static nodes": (dict(mode="MPOL_BIND", nodes="3", flags=STATIC), [0, 0, 0, 64]),
    "MPOL_BIND with relative nodes": (dict(mode="MPOL_BIND", nodes="1", flags=RELATIVE), [0, 64]),
    "MPOL_INTERLEAVE": (dict(mode="MPOL_INTERLEAVE", nodes="0-3"), [16, 16, 16, 16]),
    "MPOL_INTERLEAVE of some": (dict(mode="MPOL_INTERLEAVE", nodes="1,3"), [0, 32, 0, 32]),
    "MPOL_PREFERRED": (dict(mode="MPOL_PREFERRED", nodes="3"), [0, 0, 0, 64]),
    "MPOL_PREFERRED_MANY": (dict(mode="MPOL_PREFERRED_MANY", nodes="2"), [0, 0, 64]),
})
def the_pages_lie_where_the_policy_says(box, case):
    policy, expected = case
    same(pages(box.run(bundle(box, **policy))), expected)


@test
def the_pages_of_what_joins_later_lie_there_too(box):
    box.running(bundle(box, "sleep 100", mode="MPOL_BIND", nodes="2"))
    same(pages(box.exec("sh", "-c", COUNT)), [0, 0, 64])


@test
def a_node_that_the_group_may_not_use_is_refused(box):
    box.create(bundle(box, mems="0-1", mode="MPOL_BIND", nodes="2")).fails(
        "linux.memoryPolicy: set_mempolicy: invalid argument")
    box.nothing_left()
    box.unknown()


@test(cases={
    "by number": (dict(mode="MPOL_BIND", nodes="1-2"), "0-1", "bind:1", [0, 64]),
    "static": (dict(mode="MPOL_BIND", nodes="1-2", flags=STATIC), "0-1", "bind=static:1", [0, 64]),
    "relative": (dict(mode="MPOL_BIND", nodes="1", flags=RELATIVE), "2-3", "bind=relative:3", [0, 0, 0, 64]),
    "interleaving": (dict(mode="MPOL_INTERLEAVE", nodes="0-3", flags=STATIC), "1,3", "interleave=static:1,3",
                     [0, 32, 0, 32]),
})
def the_memory_nodes_of_the_group_narrow_the_policy(box, case):
    policy, mems, told, expected = case
    box.running(bundle(box, "sleep 100", mems, **policy))
    same(policy_of(box), told)
    same(pages(box.exec("sh", "-c", COUNT)), expected)


@test(cases={
    # Without a flag the kernel maps each node to one of those that are left, for good; static ones come back.
    "by number": ([], "bind:0-1", "bind:0-1"),
    "static": (STATIC, "bind=static:1", "bind=static:1-2"),
})
def a_later_change_of_the_groups_nodes(box, case):
    flags, narrowed, again = case
    b = bundle(box, "sleep 100", "0-3", mode="MPOL_BIND", nodes="1-2", flags=flags)
    box.running(b)
    update_mems(b, "0-1")
    same(policy_of(box), narrowed)
    same(pages(box.exec("sh", "-c", COUNT)), [0, 64], "what joins is given the policy anew")
    update_mems(b, "0-3")
    same(policy_of(box), again)
