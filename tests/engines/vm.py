# SPDX-License-Identifier: Apache-2.0
"""Engines run containers that are machines: they know nothing of that, annotations ask for it."""
import host
from engine_containerd import Containerd
from engine_podman import Podman
from harness import same, test
from vm_kernel import SLOW, kernel, release

LIMIT = 300


def options():
    return ["--annotation", f"hozo.vm.kernel={kernel()}", "--annotation", "hozo.vm.memory=160M"]


@test(timeout=LIMIT, sanitized=False)
def a_container_is_a_machine(box):
    with Containerd(box) as c:
        r = c.ctr(*c._run("c1", "sh", "-c", "uname -r; cat /proc/1/comm; exit 7", options=[*options(), "--rm"]), timeout=SLOW)
        same((r.returncode, r.stdout), (7, f"{release()}\nsh\n"), r.stderr)
        c.nothing_runs()


@test(timeout=LIMIT, sanitized=False)
def further_processes_and_the_end(box):
    with Containerd(box) as c:
        r = c.ctr(*c._run("c1", "sleep", "1000", options=[*options(), "--detach"]), timeout=SLOW)
        same((r.returncode, r.stderr), (0, ""))
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c1", "sh", "-c", "uname -r; exit 3", timeout=SLOW)
        same((r.returncode, r.stdout), (3, f"{release()}\n"), r.stderr)
        same(c.ctr("tasks", "kill", "--signal", "KILL", "c1").returncode, 0)
        host.eventually(lambda: not c.running("c1"), 20, "the end")
        assert "exit code 137" in c.ctr("tasks", "delete", "c1").stderr
        same(c.ctr("containers", "delete", "c1").returncode, 0)
        c.nothing_runs()


@test(timeout=LIMIT, sanitized=False)
def podman_as_well(box):
    with Podman(box) as podman:
        r = podman.run(*options(), "--", "sh", "-c", "uname -r; cat; exit 7", stdin=open("/etc/hostname"), timeout=SLOW)
        same((r.code, r.out), (7, f"{release()}\n"), r.err)
        r = podman.run(*options(), "--interactive", "--memory", "200m", "--", "cat", stdin=open("/etc/hostname"), timeout=SLOW)
        same((r.code, r.out), (0, open("/etc/hostname").read()), r.err)
