# SPDX-License-Identifier: Apache-2.0
"""A real dockerd with a root, a socket and a containerd of its own, and no network."""
import os

import host
from engine_docker import IMAGE, Docker
from harness import same, test

LIMIT = 90


@test(timeout=LIMIT)
def output_and_exit_status_come_back(box):
    with Docker(box) as docker:
        r = docker.run("--rm", "--", "sh", "-c", "echo out; echo err >&2; id -u; exit 7").ends(7)
        same((r.out, r.err), ("out\n0\n", "err\n"))
        docker.run("--rm", "--", "frobnicate").ends(127).says("executable file not found in $PATH")
        docker.run("--rm", "--", "/bin/frobnicate").ends(127).says("no such file or directory")
        docker.run("--rm", "--", "/etc/passwd").ends(126).says("permission denied")
        docker.run("--rm", "--", "/tmp").ends(126).says("/tmp")
        same(docker("info", "--format", "{{.DefaultRuntime}}").ok().out, "hozo\n")


@test(timeout=LIMIT)
def a_container_lives_from_run_to_rm(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--init=false", "--", "sh", "-c",
                   "trap 'echo got it; exit 4' USR1; echo begun; while :; do sleep 0.05; done").ok()
        host.eventually(lambda: "begun" in docker("logs", "c1").out)
        same(docker("inspect", "--format", "{{.State.Status}} {{.HostConfig.Runtime}}", "c1").ok().out, "running hozo\n")
        r = docker("exec", "--user", "ann", "--workdir", "/tmp", "--env", "K=V", "c1", "sh", "-c", "id -u; pwd; echo $K; exit 9")
        same((r.code, r.out), (9, "1000\n/tmp\nV\n"))
        assert docker("exec", "c1", "frobnicate").code in (126, 127)
        docker("exec", "--detach", "c1", "sh", "-c", "echo done > /tmp/file; sleep 1000").ok()
        host.eventually(lambda: docker("exec", "c1", "cat", "/tmp/file").out == "done\n")
        docker("kill", "--signal", "USR1", "c1").ok()
        same(docker("wait", "c1").ok().out, "4\n")
        assert "got it" in docker("logs", "c1").ok().out
        docker("restart", "c1").ok()
        docker("stop", "--time", "0", "c1").ok()
        same(docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "c1").ok().out, "exited 137\n")
        docker("rm", "c1").ok()


@test(timeout=LIMIT)
def what_a_container_is_given(box):
    with Docker(box) as docker:
        os.mkdir(f"{box.dir}/shared")
        for options, program, expected in (
                (["--read-only", "--tmpfs", "/mnt"], "touch /x 2>/dev/null || touch /mnt/x && echo $?", "0\n"),
                (["--volume", f"{box.dir}/shared:/mnt"], "echo x > /mnt/file; cat /mnt/file", "x\n"),
                (["--volume", f"{box.dir}/shared:/mnt:ro"], "touch /mnt/x 2>/dev/null || cat /mnt/file", "x\n"),
                (["--cap-drop", "all", "--cap-add", "chown"], "grep CapEff /proc/self/status", "CapEff:\t0000000000000001\n"),
                (["--privileged"], "true <> /dev/fuse && true <> /dev/ptmx; echo $?", "0\n"),
                (["--hostname", "hello", "--sysctl", "net.ipv4.ip_forward=1"], "hostname; cat /proc/sys/net/ipv4/ip_forward",
                 "hello\n1\n"),
                (["--memory", "32m", "--pids-limit", "20", "--cpus", "0.5", "--oom-score-adj", "500"],
                 "cat /proc/self/oom_score_adj", "500\n"),
                (["--user", "1000:1000", "--group-add", "55"], "id -G", "1000 55\n")):
            r = docker.run("--rm", *options, "--", "sh", "-c", program).ok()
            same(r.out, expected, f"{options} {program}")


@test(timeout=LIMIT)
def the_namespaces_of_another_container(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--ipc", "shareable", "--", "sleep", "1000").ok()
        r = docker("run", "--rm", "--network", "container:c1", "--pid", "container:c1",
                   "--ipc", "container:c1", IMAGE, "cat", "/proc/1/comm").ok()
        same(r.out, "sleep\n")


@test(timeout=LIMIT)
def a_container_is_listed_paused_and_updated(box):
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--", "sleep", "1000").ok()
        assert "sleep 1000" in docker("top", "c1").ok().out
        docker("pause", "c1").ok()
        docker("unpause", "c1").ok()
        docker("update", "--memory", "64m", "--memory-swap", "64m", "c1").ok()
        same(docker("exec", "c1", "echo", "awake").ok().out, "awake\n")
