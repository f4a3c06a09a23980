# SPDX-License-Identifier: Apache-2.0
"""The seccomp profiles that engines give every container, and those that their users write."""
import json
import os

import host
from compiled import compiled
from engine_containerd import Containerd
from engine_docker import Docker
from engine_podman import Podman, RootlessPodman
from harness import same, test
from plugin_directory import PluginDirectory
from seccomp_probe import NATIVE, SOURCE, STATUS, allowing, rule, status

LIMIT = 90
# Each profile permits five values of personality(2), and this is none; without a filter it would be set.
NO_RANDOMIZE = 0x40000
CALLS = ("personality:0xffffffff", f"personality:{NO_RANDOMIZE}", f"personality:{1 << 32 | 8}", "getppid")


def probe(box):
    """A directory with the program, for a volume: /probe/probe."""
    directory = f"{box.dir}/probe"
    os.makedirs(directory, exist_ok=True)
    compiled(box, SOURCE, f"{directory}/probe", "-static", "-O1", "-pthread")
    return directory


def words(text):
    """Without the numbers of what succeeded."""
    return [line if line.startswith("errno") else "ok" for line in text.splitlines()]


def forbidden(errno):
    return ["ok", f"errno {errno}", f"errno {errno}", "ok"]


def own_profile(box, errno=77):
    path = f"{box.dir}/profile.json"
    with open(path, "w") as f:
        json.dump(allowing(rule("getppid", "ERRNO", errnoRet=errno),
                           rule("capget capset chdir fchdir fstatfs getdents64 prctl setgid setgroups setresgid setresuid setuid", "ALLOW"),
                           architectures=[NATIVE]), f)
    return path


# --- podman

PODMAN = 38  # ENOSYS, what the profile of containers-common answers by default


@test(timeout=LIMIT)
def podman_runs_executes_in_logs_checks_and_stops(box):
    with Podman(box) as podman:
        volume = ("--volume", f"{probe(box)}:/probe:ro")
        podman.started("c1", *volume, "--health-cmd", f"{STATUS} | grep -q Seccomp:.2 && test -e /tmp/well", "--health-interval",
                       "disable", "--", "sh", "-c", f"{STATUS}; /probe/probe {' '.join(CALLS)}; echo said >&2; "
                       "trap 'echo ended; exit 3' TERM; while :; do sleep 0.05; done")
        host.eventually(lambda: "said" in podman("logs", "c1").err, 10)
        logged = podman("logs", "c1").ok().out
        assert logged.startswith(status(nnp=0)), logged
        same(words(logged.removeprefix(status(nnp=0))), forbidden(PODMAN))
        r = podman("exec", "c1", "/probe/probe", *CALLS).ok()
        same(words(r.out), forbidden(PODMAN))
        same(podman("exec", "c1", "sh", "-c", STATUS).ok().out, status(nnp=0))
        same(words(podman("exec", "--user", "ann", "c1", "/probe/probe", *CALLS).ok().out), forbidden(PODMAN))
        podman("healthcheck", "run", "c1").ends(1)
        podman("exec", "c1", "touch", "/tmp/well").ok()
        podman("healthcheck", "run", "c1").ok()
        same(podman.inspect("c1", "{{.State.Health.Status}}"), "healthy")
        podman("stop", "--time", "10", "c1").ok()
        same(podman.inspect("c1", "{{.State.Status}} {{.State.ExitCode}}"), "exited 3")
        assert podman("logs", "c1").ok().out.endswith("ended\n")
        podman("rm", "c1").ok()


@test(timeout=LIMIT)
def podman_without_new_privileges_and_with_more_of_them(box):
    with Podman(box) as podman:
        volume = ("--volume", f"{probe(box)}:/probe:ro")
        for options, expected in ((["--security-opt", "no-new-privileges"], status(nnp=1)),
                                  (["--user", "ann"], status(nnp=0)), (["--cap-add", "all"], status(nnp=0)),
                                  (["--cap-drop", "all"], status(nnp=0)), (["--init"], status(nnp=0)),
                                  (["--security-opt", "seccomp=unconfined"], status(nnp=0, mode=0, filters=0)),
                                  (["--privileged"], status(nnp=0, mode=0, filters=0))):
            same(podman.run(*volume, *options, "--", "sh", "-c", STATUS).ok().out, expected, options)
        r = podman.run(*volume, "--security-opt", "seccomp=unconfined", "--", "/probe/probe", *CALLS).ok()
        same(words(r.out)[1], "ok", "the kernel itself permits it")


@test(timeout=LIMIT)
def podman_with_a_profile_of_ones_own(box):
    with Podman(box) as podman:
        volume = ("--volume", f"{probe(box)}:/probe:ro")
        option = ("--security-opt", f"seccomp={own_profile(box)}")
        same(words(podman.run(*volume, *option, "--", "/probe/probe", "getppid", "getsid").ok().out), ["errno 77", "errno 99"])
        podman.started("c1", *volume, *option)
        same(words(podman("exec", "c1", "/probe/probe", "getppid", "getsid").ok().out), ["errno 77", "errno 99"])


@test(timeout=LIMIT)
def podman_without_the_plugin_runs_nothing(box):
    """podman sends its profile with every container."""
    plugins = PluginDirectory(box, installed=True)
    with Podman(box) as podman:
        podman.FLAGS = (f"plugin-dir={plugins.path}",)
        podman.run("--", "true").ok()
        os.remove(f"{plugins.path}/linux.seccomp.so")
        podman.run("--", "true").ends(126).says("linux.seccomp", "install hozo-plugin-seccomp")
        podman.run("--security-opt", "seccomp=unconfined", "--", "true").ok()


@test(timeout=LIMIT)
def podman_of_an_ordinary_user(box):
    with RootlessPodman(box) as podman:
        volume = ("--volume", f"{probe(box)}:/probe:ro")
        os.chmod(f"{box.dir}/probe", 0o755)
        podman.started("c1", *volume)
        same(podman("exec", "c1", "sh", "-c", STATUS).ok().out, status(nnp=0))
        same(words(podman("exec", "c1", "/probe/probe", *CALLS).ok().out), forbidden(PODMAN))


# --- containerd

CONTAINERD = 1  # EPERM
MORE = ("keyctl:99", "unshare:0", "bpf:99")


@test(timeout=LIMIT)
def containerd_runs_executes_in_logs_and_stops(box):
    with Containerd(box) as c:
        options = ["--seccomp", "--mount", f"type=bind,src={probe(box)},dst=/probe,options=rbind:ro"]
        r = c.run("c1", "sh", "-c", f"{STATUS}; /probe/probe {' '.join((*CALLS, *MORE))}", options=["--rm", *options])
        same((r.returncode, r.stderr), (0, ""))
        assert r.stdout.startswith(status()), r.stdout
        same(words(r.stdout.removeprefix(status())), forbidden(CONTAINERD) + ["errno 1"] * 3)
        c.started("c2", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done",
                  options=[*options, "--log-uri", f"file://{box.dir}/log"])
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c2", "/probe/probe", *CALLS)
        same((r.returncode, words(r.stdout)), (0, forbidden(CONTAINERD)))
        same(c.ctr("tasks", "exec", "--exec-id", "e2", "c2", "sh", "-c", STATUS).stdout, status())
        same(c.ctr("tasks", "kill", "--signal", "TERM", "c2").returncode, 0)
        host.eventually(lambda: c.status("c2") == "STOPPED", 10)
        assert "exit code 3" in c.ctr("tasks", "delete", "c2").stderr
        c.nothing_runs()


@test(timeout=LIMIT)
def containerd_with_new_privileges_and_without_a_profile(box):
    with Containerd(box) as c:
        options = ["--rm", "--mount", f"type=bind,src={probe(box)},dst=/probe,options=rbind:ro"]
        r = c.run("c1", "sh", "-c", f"{STATUS}; /probe/probe {' '.join(CALLS)}", options=[*options, "--seccomp", "--allow-new-privs"])
        same((r.returncode, words(r.stdout.removeprefix(status(nnp=0)))), (0, forbidden(CONTAINERD)), r.stderr)
        r = c.run("c1", "/probe/probe", *CALLS, *MORE, options=options)
        same((r.returncode, words(r.stdout)[1], words(r.stdout)[4:]), (0, "ok", ["errno 95", "ok", words(r.stdout)[6]]))
        r = c.run("c1", "/probe/probe", "getppid", "getsid", options=[*options, "--seccomp", "--seccomp-profile", own_profile(box)])
        same((r.returncode, words(r.stdout)), (0, ["errno 77", "errno 99"]), r.stderr)


# --- docker

@test(timeout=LIMIT)
def docker_runs_executes_in_logs_checks_and_stops(box):
    with Docker(box) as docker:
        volume = ("--volume", f"{probe(box)}:/probe:ro")
        docker.run("--detach", "--name", "c1", *volume, "--health-cmd", f"{STATUS} | grep -q Seccomp:.2", "--health-interval", "1s",
                   "--", "sh", "-c", f"{STATUS}; /probe/probe {' '.join((*CALLS, *MORE))}; trap 'echo ended; exit 3' TERM; "
                   "echo ready; while :; do sleep 0.05; done").ok()
        host.eventually(lambda: "ready" in docker("logs", "c1").out, 10)
        logged = docker("logs", "c1").ok().out
        assert logged.startswith(status(nnp=0)), logged
        same(words(logged.removeprefix(status(nnp=0)).removesuffix("ready\n")), forbidden(1) + ["errno 1"] * 3)
        same(words(docker("exec", "c1", "/probe/probe", *CALLS).ok().out), forbidden(1))
        same(docker("exec", "c1", "sh", "-c", STATUS).ok().out, status(nnp=0))
        host.eventually(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", "c1").out == "healthy\n", 15)
        docker("stop", "--time", "10", "c1").ok()
        same(docker("inspect", "--format", "{{.State.ExitCode}}", "c1").ok().out, "3\n")
        for options, expected in ((["--security-opt", "no-new-privileges"], status()),
                                  (["--security-opt", "seccomp=unconfined"], status(nnp=0, mode=0, filters=0)),
                                  (["--privileged"], status(nnp=0, mode=0, filters=0))):
            same(docker.run("--rm", *options, "--", "sh", "-c", STATUS).ok().out, expected)
