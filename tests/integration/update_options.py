# SPDX-License-Identifier: Apache-2.0
"""update as people type it: each option, and what the kernel's file says then."""
import host
from harness import Skip, same, test

MIB96 = str(96 << 20)
UNLIMITED = str((1 << 63) - 1 & ~0xfff)

# Option → controller, file of cgroup v1 and what it says, file of v2 and what it says; None: see elsewhere.
OPTIONS = {
    "--memory 96m": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory=96MiB": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory 0.09375g": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory 98304K": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory 98304kb": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory 100663296": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory 100663296b": ("memory", "memory.limit_in_bytes", MIB96, "memory.max", MIB96),
    "--memory -1": ("memory", "memory.limit_in_bytes", UNLIMITED, "memory.max", "max"),
    "--memory-reservation 96m": ("memory", "memory.soft_limit_in_bytes", MIB96, "memory.low", MIB96),
    "--cpu-share 512": ("cpu", "cpu.shares", "512", "cpu.weight", None),
    "--cpu-quota 20000": ("cpu", "cpu.cfs_quota_us", "20000", "cpu.max", "20000 100000"),
    "--cpu-quota 20000 --cpu-period 50000": ("cpu", "cpu.cfs_period_us", "50000", "cpu.max", "20000 50000"),
    "--cpu-quota 20000 --cpu-burst 5000": ("cpu", "cpu.cfs_burst_us", "5000", "cpu.max.burst", "5000"),
    "--cpu-idle 1": ("cpu", "cpu.idle", "1", "cpu.idle", "1"),
    "--cpuset-cpus 0": ("cpuset", "cpuset.cpus", "0", "cpuset.cpus", "0"),
    "--cpuset-mems 0": ("cpuset", "cpuset.mems", "0", "cpuset.mems", "0"),
    "--pids-limit 77": ("pids", "pids.max", "77", "pids.max", "77"),
    "--pids-limit=-1": ("pids", "pids.max", "max", "pids.max", "max"),
}


def kernel_says(pid, controller, v1, v2):
    """What the container's file says; and whether it is of cgroup v2."""
    groups = host.cgroup_of(pid)
    directory = host.controller_directory(controller, groups.get(controller, groups.get("", "")))
    unified = controller not in groups
    try:
        with open(f"{directory}/{v2 if unified else v1}") as f:
            return f.read().strip(), unified
    except FileNotFoundError:
        raise Skip(f"this kernel has no {v2 if unified else v1}") from None


@test(cases={options: (options, *row) for options, row in OPTIONS.items()})
def each_option_reaches_the_kernel(box, case):
    options, controller, v1, before, v2, after = case
    pid = box.running("sleep 100")
    kernel_says(pid, controller, v1, v2)
    box.hozo("update", *options.split(), "c1").ok().silent()
    says, unified = kernel_says(pid, controller, v1, v2)
    wanted = after if unified else before
    if wanted is not None:
        same(says, wanted)


@test
def options_may_stand_on_both_sides_of_the_id(box):
    pid = box.running("sleep 100")
    box.hozo("update", "--pids-limit", "50", "c1", "--pids-limit=60").ok().silent()
    same(kernel_says(pid, "pids", "pids.max", "pids.max")[0], "60")
    box.hozo("update", "c1", "extra").fails("too many arguments")
