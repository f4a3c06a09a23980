# SPDX-License-Identifier: Apache-2.0
"""Large configurations cost in proportion to their size. Times differ from host to host and from run to run, so
ratios are looked at: where something grows with the square, four times the size costs sixteen times as much."""
import os
import shutil
import subprocess

from box import ENVIRONMENT
from harness import Skip, same, test

FOUR_TIMES = 9  # between 4, which is linear, and 16


def mounts(b, n):
    os.mkdir(f"{b.path}/source")
    b.mount("/many")
    for i in range(n):
        b.mount(f"/many/{i}", f"{b.path}/source", "bind", ["rbind", "ro", "nosuid"])


def file_systems(b, n):
    b.mount("/many")
    for i in range(n):
        b.mount(f"/many/{i}", options=["size=4k", "noexec"])


def variables(b, n):
    b.process["env"] += [f"VARIABLE_{i}=some value {i}" for i in range(n)]


def masks(b, n):
    b.mount("/many")
    b.linux["maskedPaths"] += [f"/many/{i}" for i in range(n)]


def devices(b, n):
    b.linux["devices"] = [{"path": f"/dev/d{i}", "type": "c", "major": 1, "minor": 3} for i in range(n)]


def annotations(b, n):
    b.config["annotations"] = {f"org.example.key{i}": f"value {i}" for i in range(n)}


# What grows, and the smallest of the three sizes; each next is twice as large.
SIZES = {"bind mounts": (mounts, 250), "file systems": (file_systems, 250), "variables": (variables, 2500),
         "masks": (masks, 500), "devices": (devices, 500), "annotations": (annotations, 2500)}


def bundle(box, grow, n):
    b = box.bundle("true")
    b.linux["resources"].pop("devices")
    grow(b, n)
    return b.write().path


def seconds(box, *command):
    """Processor time of a command that goes well, with that of its children: the least of some tries."""
    least = None
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.execve(box.runtime, [box.runtime, "--root", box.root, *command], ENVIRONMENT)
        _, status, usage = os.wait4(pid, 0)
        same(status, 0)
        spent = usage.ru_utime + usage.ru_stime
        least = spent if least is None else min(least, spent)
    return least


@test(cases=SIZES, timeout=120, sanitized=False)
def a_plan_takes_time_in_proportion_to_its(box, case):
    grow, n = case
    small, large = (seconds(box, "plan", "--bundle", bundle(box, grow, size)) for size in (2 * n, 8 * n))
    assert large < FOUR_TIMES * small, f"{small} s for {2 * n}, {large} s for {8 * n}"


@test(cases={name: SIZES[name] for name in ("variables", "annotations")}, timeout=120, sanitized=False)
def a_run_takes_time_in_proportion_to_its(box, case):
    """Mounts take the kernel's time; how often it is called is looked at below."""
    grow, n = case
    small, large = (seconds(box, "run", "--bundle", bundle(box, grow, size), "c1") for size in (n, 4 * n))
    assert large < FOUR_TIMES * small, f"{small} s for {n}, {large} s for {4 * n}"


def calls(box, path):
    """How many system calls a container takes from create to its end, its own program with them."""
    table = f"{box.dir}/calls"
    command = ["strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", table, box.runtime, "--root", box.root,
               "run", "--bundle", path, "c1"]
    same(subprocess.run(command, stdin=subprocess.DEVNULL, env=ENVIRONMENT, timeout=100).returncode, 0)
    with open(table) as f:
        return next(int(line.split()[0]) for line in f if line.split()[-1:] == ["total"])


@test(cases=SIZES, timeout=180, sanitized=False)
def a_run_calls_the_kernel_in_proportion_to_its(box, case):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    grow, n = case
    a, b, c = (calls(box, bundle(box, grow, size)) for size in (n, 2 * n, 4 * n))
    assert a > 100, a
    assert c - b < 2.2 * (b - a) + 200, f"{a}, {b}, {c} calls for {n}, {2 * n}, {4 * n}"
    assert c - b < 25 * 2 * n, f"{(c - b) / (2 * n)} calls for each"
