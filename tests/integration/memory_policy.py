# SPDX-License-Identifier: Apache-2.0
"""linux.memoryPolicy: what the kernel says of the processes of the container, and of those that are not."""
import ctypes
import os

import host
from compiled import compiled
from confined import OUTSIDE, hooks_that_show
from harness import Skip, libc, same, test

BIND, STATIC, RELATIVE, BALANCING = 2, 1 << 15, 1 << 14, 1 << 13

# Prints the mode with its flags, and the nodes, of the process itself.
GUEST = r"""
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    static unsigned long mask[4096 / sizeof(long)];
    const unsigned bits = 8 * sizeof(long);
    int mode;

    if (syscall(SYS_get_mempolicy, &mode, mask, sizeof(mask) * 8, 0, 0) < 0)
        return 1;
    printf("%d", mode);
    for (unsigned n = 0; n < sizeof(mask) * 8; n++)
        if (mask[n / bits] >> n % bits & 1)
            printf(" %u", n);
    puts("");
}
"""

# The same for any process, in words: that of its first mapping.
SHOW = "head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2"


def needs_kernel(*version):
    if not os.path.exists("/proc/self/numa_maps"):
        raise Skip("the kernel knows no memory nodes")
    release = tuple(int("".join(c for c in part if c.isdigit()) or 0)
                    for part in os.uname().release.split("-")[0].split(".")[:2])
    if release < version:
        raise Skip(f"needs Linux {version[0]}.{version[1]}")


def asking(box, program="policy", **policy):
    """A bundle with the guest in it, and with this policy if there is one."""
    needs_kernel(5, 12)
    b = box.bundle(program)
    compiled(box, GUEST, f"{b.rootfs}/bin/policy", "-static", "-O1")
    if policy:
        b.linux["memoryPolicy"] = {k: [f"MPOL_F_{f}" for f in v] if k == "flags" else v
                                   for k, v in policy.items()}
    return b


def told(output):
    """(mode and flags, nodes) from what the guest printed."""
    mode, *nodes = map(int, output.ok().out.split())
    return mode, nodes


def system_call(name):
    numbers = {"x86_64": {"set_mempolicy": 238}, "aarch64": {"set_mempolicy": 237}}.get(os.uname().machine)
    if not numbers:
        raise Skip("the test knows no numbers of system calls for this machine")
    return numbers[name]


def interleaving():
    """A preexec_fn: what runs then has another policy than the default."""
    number, mask = system_call("set_mempolicy"), ctypes.c_ulong(1)
    return lambda: same(libc.syscall(number, 3, ctypes.byref(mask), 2), 0)


# Node 0 is there on every host; of others, only what must be the same without them is asked.
@test(cases={
    "MPOL_DEFAULT": (dict(mode="MPOL_DEFAULT"), (0, [])),
    "MPOL_DEFAULT with a flag": (dict(mode="MPOL_DEFAULT", flags=["STATIC_NODES"]), (0, [])),
    "MPOL_PREFERRED": (dict(mode="MPOL_PREFERRED", nodes="0"), (1, [0])),
    "MPOL_BIND": (dict(mode="MPOL_BIND", nodes="0"), (BIND, [0])),
    "MPOL_INTERLEAVE": (dict(mode="MPOL_INTERLEAVE", nodes="0"), (3, [0])),
    "MPOL_LOCAL": (dict(mode="MPOL_LOCAL"), (4, [])),
    "MPOL_LOCAL with empty members": (dict(mode="MPOL_LOCAL", nodes="", flags=[]), (4, [])),
    "MPOL_PREFERRED_MANY": (dict(mode="MPOL_PREFERRED_MANY", nodes="0"), (5, [0]), 5, 15),
    "MPOL_WEIGHTED_INTERLEAVE": (dict(mode="MPOL_WEIGHTED_INTERLEAVE", nodes="0"), (6, [0]), 6, 9),
    "MPOL_PREFERRED without nodes is local": (dict(mode="MPOL_PREFERRED"), (4, []), 5, 14),
    "MPOL_F_STATIC_NODES": (dict(mode="MPOL_BIND", nodes="0", flags=["STATIC_NODES"]), (BIND | STATIC, [0])),
    "MPOL_F_RELATIVE_NODES": (dict(mode="MPOL_BIND", nodes="0", flags=["RELATIVE_NODES"]),
                              (BIND | RELATIVE, [0])),
    "MPOL_F_NUMA_BALANCING": (dict(mode="MPOL_BIND", nodes="0", flags=["NUMA_BALANCING"]),
                              (BIND | BALANCING, [0])),
    "MPOL_F_NUMA_BALANCING of MPOL_PREFERRED_MANY":
        (dict(mode="MPOL_PREFERRED_MANY", nodes="0", flags=["NUMA_BALANCING"]), (5 | BALANCING, [0]), 6, 10),
    "two flags": (dict(mode="MPOL_BIND", nodes="0", flags=["NUMA_BALANCING", "STATIC_NODES"]),
                  (BIND | BALANCING | STATIC, [0])),
    "a flag twice": (dict(mode="MPOL_BIND", nodes="0", flags=["STATIC_NODES", "STATIC_NODES"]),
                     (BIND | STATIC, [0])),
    # With this flag the kernel keeps what it was told: the last bit of a word, and those before.
    "a whole word of nodes": (dict(mode="MPOL_BIND", nodes="0-63", flags=["STATIC_NODES"]),
                              (BIND | STATIC, list(range(64)))),
    "nodes in any order": (dict(mode="MPOL_BIND", nodes="62,7-9,0", flags=["STATIC_NODES"]),
                           (BIND | STATIC, [0, 7, 8, 9, 62])),
})
def the_program_has_the_policy(box, case):
    policy, expected, *version = case
    needs_kernel(*version or (5, 12))
    same(told(box.run(asking(box, **policy))), expected)


@test
def a_user_without_privilege_has_it_too(box):
    b = asking(box, mode="MPOL_BIND", nodes="0")
    b.process["user"] = {"uid": 1000, "gid": 1000}
    same(told(box.run(b)), (BIND, [0]))


@test
def what_joins_later_has_it_too(box):
    b = asking(box, "sleep 100", mode="MPOL_BIND", nodes="0", flags=["STATIC_NODES"])
    box.running(b)
    same(told(box.exec("policy")), (BIND | STATIC, [0]))
    # The configuration that counts is the one of create.
    b.linux["memoryPolicy"] = {"mode": "MPOL_INTERLEAVE", "nodes": "0"}
    b.write()
    same(told(box.exec("policy")), (BIND | STATIC, [0]))
    same(told(box.exec("policy", options=("--user", "1000:1000"))), (BIND | STATIC, [0]))


@test
def nothing_else_has_it(box):
    """Neither hozo nor what it runs for the container; what runs in the container's process has."""
    b = asking(box, "sleep 100", mode="MPOL_BIND", nodes="0")
    log = hooks_that_show(b, SHOW)
    hozo = box.spawn_run(b)
    host.eventually(lambda: os.path.exists(f"{log}/poststart"), 10, "the start")
    with open(f"/proc/{hozo.pid}/numa_maps") as f:
        same({line.split()[1] for line in f}, {"default"})
    same(box.exec("sh", "-c", SHOW).ok().out, "bind:0\n")
    box.hozo("delete", "--force", "c1").ok()
    hozo.wait()
    for kind in OUTSIDE:
        with open(f"{log}/{kind}") as f:
            same(f.read(), "default\n", kind)
    with open(f"{log}/startContainer") as f:
        same(f.read(), "bind:0\n")


@test
def the_default_ends_what_hozo_was_started_with(box):
    before = interleaving()
    same(told(box.run(asking(box), preexec_fn=before)), (3, [0]), "without a policy")
    same(told(box.run(asking(box, mode="MPOL_DEFAULT"), preexec_fn=before)), (0, []))


@test(cases={"that the host has not": None, "that no kernel has": "32767"})
def a_node_is_refused(box, node):
    if not node:
        with open("/sys/devices/system/node/has_memory") as f:
            node = str(int(f.read().strip().replace("-", ",").split(",")[-1]) + 1)
    box.create(asking(box, mode="MPOL_BIND", nodes=node)).fails(
        "linux.memoryPolicy: set_mempolicy: invalid argument")
    box.nothing_left()
    box.unknown()


@test
def a_kernel_without_memory_nodes_is_no_silence(box):
    """Played by a filter, under which the call is unknown: as with CONFIG_NUMA=n."""
    number = system_call("set_mempolicy")

    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("true", ctypes.c_ubyte), ("false", ctypes.c_ubyte),
                    ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("size", ctypes.c_ushort), ("code", ctypes.POINTER(Instruction))]

    code = (Instruction * 4)((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | 38),
                             (0x06, 0, 0, 0x7fff0000))
    program = Program(4, code)

    def unknown():
        same(libc.prctl(22, 2, ctypes.byref(program), 0, 0), 0)

    same(told(box.run(asking(box), preexec_fn=unknown)), (0, []), "without a policy")
    for mode in ("MPOL_LOCAL", "MPOL_DEFAULT"):
        box.run(asking(box, mode=mode), preexec_fn=unknown).fails(
            "linux.memoryPolicy: set_mempolicy: function not implemented")
        box.nothing_left()


@test
def what_the_kernel_would_refuse_in_any_case_is_refused_before(box):
    for policy, path in (({"mode": "MPOL_BIND"}, "linux.memoryPolicy.nodes"),
                         ({"mode": "MPOL_BIND", "nodes": "1-0"}, "linux.memoryPolicy.nodes"),
                         ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["STATIC_NODES", "RELATIVE_NODES"]},
                          "linux.memoryPolicy.flags[1]"),
                         ({"nodes": "0"}, "linux.memoryPolicy.mode")):
        box.create(asking(box, **policy)).fails(path)
    box.nothing_left()
