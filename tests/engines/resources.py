# SPDX-License-Identifier: Apache-2.0
"""What engines show of a container's use, that they know of one that was killed for memory, and what they change while
it runs. Most of it they read from the control groups themselves, where the runtime has put the container."""
import json
import os
import re
import subprocess
import time

import host
from engine_containerd import Containerd
from engine_docker import Docker
from engine_podman import Podman
from harness import Skip, same, test

LIMIT = 90
MIB = 1 << 20
FILLS = "dd if=/dev/zero of=/dev/shm/f bs=1M count=20 2>/dev/null; while :; do :; done"
GREEDY = ("sh", "-c", "tail -c 100m /dev/zero")


def read(pid, controller, v1, v2):
    """The text of a file of this process's control group."""
    groups = host.cgroup_of(pid)
    directory = host.controller_directory(controller, groups.get(controller, groups.get("")))
    name = v2 if os.path.exists(f"{directory}/cgroup.controllers") else v1
    with open(f"{directory}/{name}") as f:
        return f.read().strip()


# --- what is shown

def filled(text):
    """20 MiB and a little more, as an engine writes it."""
    return re.match(r"2\d(\.\d+)?Mi?B / ", text)


@test(timeout=LIMIT)
def podman_stats_and_top(box):
    with Podman(box) as podman:
        podman.started("c1", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "20", "--", "sh", "-c", FILLS)

        def stats():
            [row] = json.loads(podman("stats", "--no-stream", "--format", "json", "c1").ok().out)
            return row
        row = host.eventually(lambda: (r := stats())["pids"] == "1" and filled(r["mem_usage"]) and r, 20)
        assert row["mem_usage"].endswith("/ 67.11MB"), row
        same(row["name"], "c1")
        assert float(row["cpu_percent"].rstrip("%")) > 5, row
        assert "dd if=" in podman("top", "c1", "pid", "args").ok().out


@test(timeout=LIMIT)
def docker_stats_and_top(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--memory", "64m", "--pids-limit", "20", "--", "sh", "-c", FILLS).ok()

        def stats():
            return json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", "c1").ok().out)
        row = host.eventually(lambda: (r := stats())["PIDs"] == "1" and filled(r["MemUsage"]) and r, 20)
        assert row["MemUsage"].endswith("MiB / 64MiB"), row
        same(row["Name"], "c1")
        assert float(row["CPUPerc"].rstrip("%")) > 5, row
        header, line = docker("top", "c1", "-o", "pid,args").ok().out.splitlines()
        assert header.split() == ["PID", "COMMAND"] and "dd if=" in line, line


@test(timeout=LIMIT)
def ctr_metrics(box):
    with Containerd(box) as c:
        c.started("c1", "sh", "-c", FILLS, options=["--memory-limit", str(64 * MIB)])

        def metrics():
            r = c.ctr("tasks", "metrics", "--format", "json", "c1")
            same(r.returncode, 0, r.stderr)
            return json.loads(r.stdout)
        text = host.eventually(lambda: (m := json.dumps(metrics())) and str(64 * MIB) in m and m)
        assert '"pids"' in text and '"cpu"' in text, text


# --- what is limited

def block_device():
    """One whose node is there, and its numbers."""
    for name in sorted(os.listdir("/sys/block")):
        if os.path.exists(f"/dev/{name}") and not name.startswith(("ram", "loop")):
            with open(f"/sys/block/{name}/dev") as f:
                return f"/dev/{name}", f.read().strip()
    raise Skip("the host has no block device")


def limited(run):
    """Options, and what is in the files of the container's control groups then; None: no such file."""
    device, numbers = block_device()
    rows = (
        ("--memory", "64m", "memory", "memory.limit_in_bytes", "memory.max", f"{64 * MIB}", f"{64 * MIB}"),
        ("--memory-swap", "80m", "memory", "memory.memsw.limit_in_bytes", "memory.swap.max", f"{80 * MIB}",
         f"{16 * MIB}"),
        ("--memory-reservation", "16m", "memory", "memory.soft_limit_in_bytes", "memory.low", f"{16 * MIB}",
         f"{16 * MIB}"),
        ("--memory-swappiness", "10", "memory", "memory.swappiness", None, "10", None),
        ("--oom-kill-disable", None, "memory", "memory.oom_control", None, "oom_kill_disable 1", None),
        ("--cpu-period", "50000", "cpu", "cpu.cfs_period_us", "cpu.max", "50000", "20000 50000"),
        ("--cpu-quota", "20000", "cpu", "cpu.cfs_quota_us", "cpu.max", "20000", "20000 50000"),
        ("--cpuset-cpus", "0", "cpuset", "cpuset.cpus", "cpuset.cpus", "0", "0"),
        ("--pids-limit", "20", "pids", "pids.max", "pids.max", "20", "20"),
        ("--device-write-bps", f"{device}:1mb", "blkio", "blkio.throttle.write_bps_device", None,
         f"{numbers} {MIB}", None),
    )
    on_v1 = any("memory" in names for names in host.hierarchies().values())
    rows = [row for row in rows if on_v1 or row[4]]
    pid = run([word for option, value, *_ in rows for word in (option, value) if word])
    for option, _, controller, v1, v2, expected_1, expected_2 in rows:
        same(read(pid, controller, v1, v2).splitlines()[0], expected_1 if on_v1 else expected_2, option)


@test(timeout=LIMIT)
def podman_limits(box):
    with Podman(box) as podman:
        def run(options):
            podman.started("c1", *options)
            return int(podman.inspect("c1", "{{.State.Pid}}"))
        limited(run)


@test(timeout=LIMIT)
def docker_limits(box):
    with Docker(box) as docker:
        def run(options):
            docker.run("--detach", "--name", "c1", *options, "--", "sleep", "1000").ok()
            return int(docker("inspect", "--format", "{{.State.Pid}}", "c1").ok().out)
        limited(run)


# --- memory that is exceeded

@test(timeout=LIMIT)
def conmon_knows_that_a_container_was_killed_for_memory(box):
    """It notes so in a file, which podman reads since 5.0 and CRI-O always has; podman 4.3 looks elsewhere."""
    with Podman(box) as podman:
        podman.started("c1", "--memory", "32m", "--memory-swap", "32m")
        podman("kill", "c1").ok()
        same(podman("wait", "c1").ok().out, "137\n")
        same(os.path.exists(f"{podman.dir}/oom"), False)
        podman.started("c2", "--memory", "32m", "--memory-swap", "32m", "--", *GREEDY)
        same(podman("wait", "c2").ok().out, "137\n")
        host.eventually(lambda: os.path.exists(f"{podman.dir}/oom"))


@test(timeout=LIMIT)
def docker_knows_that_a_container_was_killed_for_memory(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--memory", "32m", "--memory-swap", "32m", "--", *GREEDY).ok()
        docker("wait", "c1").ok()
        host.eventually(lambda: docker("inspect", "--format", "{{.State.OOMKilled}}", "c1").out == "true\n")
        same(docker("inspect", "--format", "{{.State.ExitCode}}", "c1").ok().out, "137\n")


@test(timeout=LIMIT)
def containerd_tells_that_a_container_was_killed_for_memory(box):
    with Containerd(box) as c:
        with open(f"{box.dir}/events", "wb") as out:
            events = subprocess.Popen(c.command("events"), stdin=subprocess.DEVNULL, stdout=out)
        box.processes.append(events)
        c.started("c1", "sh", "-c", "tail -c 100m /dev/zero; sleep 100", options=["--memory-limit", str(32 * MIB)])

        def told():
            with open(f"{box.dir}/events") as f:
                return "/tasks/oom" in f.read()
        host.eventually(told, 10)
        events.kill()
        events.wait()


# --- what stands still

TICKS = ("sh", "-c", "while :; do echo tick; sleep 0.02; done")


def stands_still(logs, pause, resume):
    """The program prints nothing while it is paused, and goes on then."""
    def ticks():
        return logs().count("tick")
    host.eventually(lambda: ticks() > 0)
    pause()
    time.sleep(0.3)  # what it has printed is on its way
    before = ticks()
    time.sleep(0.5)
    same(ticks(), before)
    resume()
    host.eventually(lambda: ticks() > before)


@test(timeout=LIMIT)
def podman_pauses(box):
    with Podman(box) as podman:
        podman.started("c1", "--", *TICKS)
        stands_still(lambda: podman("logs", "c1").out, lambda: podman("pause", "c1").ok(),
                     lambda: podman("unpause", "c1").ok())
        podman("pause", "c1").ok()
        podman("exec", "c1", "true").ends(255)
        podman("unpause", "c1").ok()
        podman("stop", "--time", "0", "c1").ok()


@test(timeout=LIMIT)
def docker_pauses(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--", *TICKS).ok()
        stands_still(lambda: docker("logs", "c1").out, lambda: docker("pause", "c1").ok(),
                     lambda: docker("unpause", "c1").ok())
        docker("pause", "c1").ok()
        same(docker("inspect", "--format", "{{.State.Status}} {{.State.Paused}}", "c1").ok().out, "paused true\n")
        assert "is paused" in docker("exec", "c1", "true").ends(1).err
        docker("rm", "--force", "c1").ok()


# --- what changes while it runs

LIMITS = ("--memory", "64m", "--memory-swap", "64m", "--pids-limit", "20")

# Option, value; controller, file of v1 and of v2; what is in them then: None for a weight, of which v2 has others.
CHANGES = (
    ("--memory", "48m", "memory", "memory.limit_in_bytes", "memory.max", f"{48 * MIB}", f"{48 * MIB}"),
    ("--memory-reservation", "16m", "memory", "memory.soft_limit_in_bytes", "memory.low", f"{16 * MIB}",
     f"{16 * MIB}"),
    ("--cpu-shares", "2048", "cpu", "cpu.shares", "cpu.weight", "2048", None),
    ("--cpus", "0.5", "cpu", "cpu.cfs_quota_us", "cpu.max", "50000", "50000 100000"),
    ("--cpuset-cpus", "0", "cpuset", "cpuset.cpus", "cpuset.cpus", "0", "0"),
    ("--pids-limit", "30", "pids", "pids.max", "pids.max", "30", "30"),
)


def changes(update, pid, known):
    """Each option alone: it sets its file, and none of the others."""
    def files():
        return {option: read(pid, *where) for option, _, *where, _, _ in CHANGES}
    for option, value, *_, v1, v2 in CHANGES:
        if option not in known:
            continue
        before = files()
        update(option, value).ok()
        found = files()
        set_to = found.pop(option)
        assert set_to != before.pop(option) and set_to in (v1, v2 or set_to), (option, set_to)
        same(found, before, f"the others, after {option}")


@test(timeout=LIMIT)
def podman_updates(box):
    with Podman(box) as podman:
        podman.started("c1", *LIMITS)
        known = podman("update", "--help").ok().out.split()
        changes(lambda *words: podman("update", *words, "c1"), int(podman.inspect("c1", "{{.State.Pid}}")), known)
        same(podman("exec", "c1", "echo", "here").ok().out, "here\n")


@test(timeout=LIMIT)
def docker_updates(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", *LIMITS, "--", "sleep", "1000").ok()
        known = docker("update", "--help").ok().out.split()
        changes(lambda *words: docker("update", *words, "c1"),
                int(docker("inspect", "--format", "{{.State.Pid}}", "c1").ok().out), known)
        same(docker("exec", "c1", "echo", "here").ok().out, "here\n")
