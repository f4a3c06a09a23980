# SPDX-License-Identifier: Apache-2.0
"""Engines whose containers are virtual machines: they know nothing of it but an annotation that they pass on."""
import os

import host
from engine_containerd import Containerd
from engine_podman import Podman
from harness import same, test
from machine_box import asked
from machines import LIMIT, MIB


def options(kernel):
    """Of both engines."""
    return ["--annotation", f"hozo.vm.kernel={kernel.path}", "--annotation", "hozo.vm.memory=256M"]


@test(timeout=3 * LIMIT)
def containerd_runs_a_task_in_a_machine(box):
    kernel = asked()
    with Containerd(box) as c:
        r = c.ctr(*c._run("c1", "sh", "-c", "uname -r; echo from $FROM; echo error >&2; exit 7",
                          options=["--rm", *options(kernel)]), timeout=LIMIT)
        same((r.returncode, r.stdout), (7, f"{kernel.release}\nfrom image\n"))
        assert "error" in r.stderr
        c.nothing_runs()


@test(timeout=3 * LIMIT)
def containerd_executes_in_pauses_and_kills_a_machine(box):
    kernel = asked()
    os.mkdir(f"{box.dir}/shared")
    mount = f"type=bind,src={box.dir}/shared,dst=/shared,options=rbind:rw"
    with Containerd(box) as c:
        r = c.ctr(*c._run("c1", "sleep", "1000", options=["--detach", "--mount", mount, *options(kernel)]), timeout=LIMIT)
        same((r.returncode, r.stderr), (0, ""), "start")
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c1", "sh", "-c", "uname -r > /shared/release; echo word; exit 5",
                  timeout=LIMIT)
        same((r.returncode, r.stdout), (5, "word\n"))
        same(open(f"{box.dir}/shared/release").read(), f"{kernel.release}\n")
        same(c.ctr("tasks", "pause", "c1").returncode, 0)
        same(c.status("c1"), "PAUSED")
        same(c.ctr("tasks", "resume", "c1").returncode, 0)
        r = c.ctr("tasks", "metrics", "c1")
        assert r.returncode == 0 and "memory" in r.stdout, r
        same(c.ctr("tasks", "kill", "--signal", "KILL", "c1").returncode, 0)
        host.eventually(lambda: c.status("c1") == "STOPPED", 10, "the end of the task")
        assert "exit code 137" in c.ctr("tasks", "delete", "c1").stderr
        c.nothing_runs()
        same(host.cgroup_directories(box.cgroup), [])


@test(timeout=3 * LIMIT)
def podman_runs_a_container_in_a_machine(box):
    kernel = asked()
    os.mkdir(f"{box.dir}/shared")
    with Podman(box) as podman:
        r = podman.run(*options(kernel), "--volume", f"{box.dir}/shared:/shared", "--memory", str(320 * MIB), "--env", "A=b c",
                       "--", "sh", "-c", "uname -r; echo from $FROM $A; echo x > /shared/file; exit 7", timeout=LIMIT)
        same(r.ends(7).out, f"{kernel.release}\nfrom image b c\n")
        same(open(f"{box.dir}/shared/file").read(), "x\n")
        with open("/etc/hostname") as f:
            r = podman.run("--interactive", *options(kernel), "--", "cat", stdin=f, timeout=LIMIT).ok()
        same(r.out, open("/etc/hostname").read())


@test(timeout=3 * LIMIT)
def podman_executes_in_and_stops_a_machine(box):
    kernel = asked()
    with Podman(box) as podman:
        podman.started("c1", *options(kernel), "--", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done", timeout=LIMIT)
        same(podman("exec", "c1", "uname", "-r", timeout=LIMIT).ok().out, f"{kernel.release}\n")
        podman("stop", "--time", "60", "c1", timeout=LIMIT).ok()
        same(podman.inspect("c1", "{{.State.ExitCode}}"), "3")
