# SPDX-License-Identifier: Apache-2.0
"""A real dockerd with a root, a socket and a containerd of its own, and no network."""
import os
import signal
import subprocess

import bundle
import host
from engine import cgroups_below, finish, need, need_verbs, own_system_directories
from harness import same, test

LIMIT = 90
IMAGE = "busybox"


class Docker:
    """Use it with `with`; afterwards nothing of it runs."""

    def __init__(self, box):
        need(("dockerd", "docker.io"), ("docker", "docker.io"), ("containerd", "containerd"))
        own_system_directories()
        self.box, self.dir, self.cgroup = box, f"{box.dir}/docker", f"{box.cgroup}-docker"
        self.environment = {"PATH": os.environ["PATH"], "HOME": box.dir, "DOCKER_HOST": f"unix://{box.dir}/d.sock",
                            "DOCKER_CONFIG": f"{self.dir}/client"}
        os.makedirs(self.dir)
        with open(f"{self.dir}/daemon.json", "w") as f:
            f.write("{}")

    def __enter__(self):
        self.log = open(f"{self.dir}/log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--config-file", f"{self.dir}/daemon.json", "--data-root", f"{self.dir}/data",
             "--exec-root", f"{self.box.dir}/x", "--pidfile", f"{self.dir}/pid", "--host", f"unix://{self.box.dir}/d.sock",
             "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs",
             "--cgroup-parent", self.cgroup, "--exec-opt", "native.cgroupdriver=cgroupfs",
             "--add-runtime", f"hozo={self.box.runtime}", "--default-runtime", "hozo"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)
        host.eventually(self._answers, 30, "an answer of dockerd")
        bundle.make_rootfs(f"{self.box.dir}/image-root")
        finish(["tar", "-C", f"{self.box.dir}/image-root", "-cf", f"{self.box.dir}/image.tar", "."]).ok()
        self("import", f"{self.box.dir}/image.tar", IMAGE).ok()
        return self

    def _answers(self):
        assert self.process.poll() is None, open(f"{self.dir}/log").read()[-3000:]
        return self("version").code == 0

    def __exit__(self, problem, *_):
        containers = self("ps", "--all", "--quiet").out.split()
        if containers:
            self("rm", "--force", *containers)
        cgroups = cgroups_below(self.cgroup)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        host.eventually(lambda: not host.living_children(), 10, "the end of all that dockerd started")
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)
        for point in reversed(host.mount_points_below(self.box.dir) + host.mount_points_below("/run")):
            host.detach(point)
        if not problem:
            same(cgroups, [], "control groups of containers")

    def __call__(self, *arguments, **more):
        return finish(["docker", *arguments], env=self.environment, **more)

    def run(self, *arguments, seccomp=False):
        """`OPTION… -- PROGRAM…` in a container of the image."""
        at = arguments.index("--")
        unconfined = () if seccomp else ("--security-opt", "seccomp=unconfined")
        return self("run", "--network", "none", *unconfined, *arguments[:at], IMAGE, *arguments[at + 1:])


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
        r = docker("run", "--rm", "--security-opt", "seccomp=unconfined", "--network", "container:c1", "--pid", "container:c1",
                   "--ipc", "container:c1", IMAGE, "cat", "/proc/1/comm").ok()
        same(r.out, "sleep\n")


@test(timeout=LIMIT)
def a_container_is_listed_paused_and_updated(box):
    need_verbs(box.runtime, "ps", "pause", "resume", "update")
    with Docker(box) as docker:
        docker.run("--detach", "--name", "c1", "--", "sleep", "1000").ok()
        assert "sleep 1000" in docker("top", "c1").ok().out
        docker("pause", "c1").ok()
        docker("unpause", "c1").ok()
        docker("update", "--memory", "64m", "--memory-swap", "64m", "c1").ok()
        same(docker("exec", "c1", "echo", "awake").ok().out, "awake\n")
