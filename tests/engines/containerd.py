# SPDX-License-Identifier: Apache-2.0
"""A real containerd, with its own root and socket, and an image made here: no registry is asked."""
import os

import host
from engine_containerd import Containerd
from harness import same, test


@test(timeout=90)
def run_prints_and_gives_the_exit_status(box):
    with Containerd(box) as c:
        r = c.run("c1", "sh", "-c", "echo from $FROM; echo error >&2; id -u; exit 7", options=["--rm"])
        same((r.returncode, r.stdout), (7, "from image\n0\n"))
        assert "error" in r.stderr
        c.nothing_runs()


@test(timeout=90)
def a_task_is_executed_in_listed_killed_and_deleted(box):
    with Containerd(box) as c:
        c.started("c1", "sleep", "100")
        assert c.running("c1")
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c1", "sh", "-c", "cat /proc/1/cmdline; exit 5")
        same((r.returncode, r.stdout), (5, "sleep\x00100\x00"))
        r = c.ctr("tasks", "exec", "--exec-id", "e2", "c1", "frobnicate")
        assert r.returncode != 0 and "executable file not found in $PATH" in r.stderr, r
        same(c.ctr("tasks", "kill", "--signal", "KILL", "c1").returncode, 0)
        host.eventually(lambda: c.status("c1") == "STOPPED")
        r = c.ctr("tasks", "kill", "c1")
        assert r.returncode != 0 and ("not found" in r.stderr or "already finished" in r.stderr), r
        assert "exit code 137" in c.ctr("tasks", "delete", "c1").stderr
        same(c.ctr("containers", "delete", "c1").returncode, 0)
        c.nothing_runs()
        same(host.cgroup_directories(box.cgroup), [])


@test(timeout=90)
def the_processes_of_a_task_are_listed(box):
    with Containerd(box) as c:
        c.started("c1", "sleep", "100")
        r = c.ctr("tasks", "ps", "c1")
        same(r.returncode, 0, r.stderr)
        pid = r.stdout.splitlines()[1].split()[0]
        same(host.command_line(int(pid)), "sleep 100")


@test(timeout=90)
def a_task_has_metrics(box):
    with Containerd(box) as c:
        c.started("c1", "sleep", "100")
        r = c.ctr("tasks", "metrics", "c1")
        same(r.returncode, 0, r.stderr)
        assert "memory" in r.stdout or "pids" in r.stdout, r.stdout


@test(timeout=90)
def a_program_that_is_missing_is_reported_in_words(box):
    with Containerd(box) as c:
        r = c.run("c1", "frobnicate", options=["--rm"])
        same(r.returncode, 1)
        assert 'exec: "frobnicate": executable file not found in $PATH' in r.stderr.replace("\\", ""), r.stderr
        c.nothing_runs()
        same(host.cgroup_directories(box.cgroup), [])


@test(timeout=90)
def limits_mounts_and_a_read_only_root_are_applied(box):
    with Containerd(box) as c:
        os.mkdir(f"{box.dir}/shared")
        r = c.run("c1", "sh", "-c", "echo x > /shared/file; touch /x; grep -c . /proc/self/mountinfo",
                  options=["--rm", "--read-only", "--memory-limit", str(64 << 20), "--mount",
                           f"type=bind,src={box.dir}/shared,dst=/shared,options=rbind:rw"])
        assert r.returncode == 0 and "Read-only file system" in r.stderr, r
        same(open(f"{box.dir}/shared/file").read(), "x\n")
        c.nothing_runs()


@test(timeout=90)
def a_task_ends_with_its_program_in_the_background(box):
    with Containerd(box) as c:
        c.started("c1", "sh", "-c", "sleep 0.5; exit 3")
        host.eventually(lambda: c.status("c1") == "STOPPED", 10)
        assert "exit code 3" in c.ctr("tasks", "delete", "c1").stderr
        c.nothing_runs()


@test(timeout=90)
def ten_tasks_one_after_the_other(box):
    with Containerd(box) as c:
        for n in range(10):
            same(c.run(f"c{n}", "sh", "-c", f"exit {n}", options=["--rm"]).returncode, n)
        c.nothing_runs()
