# SPDX-License-Identifier: Apache-2.0
"""Engines that give containers user namespaces, and podman of an ordinary user."""
import os

import engine_account
import host
from engine_containerd import Containerd
from engine_podman import IMAGE, Podman, RootlessPodman
from harness import same, test

LIMIT = 90
MAP = "cat /proc/self/uid_map | tr -s ' '"


# --- an ordinary user

@test(timeout=LIMIT)
def without_privilege_output_and_exit_status_come_back(box):
    with RootlessPodman(box) as podman:
        r = podman.run("--", "sh", "-c", f"echo out; echo err >&2; id -u; {MAP}; exit 7").ends(7)
        same((r.out, r.err), (f"out\n0\n 0 {engine_account.ID} 1\n 1 {engine_account.SUBORDINATE} 65536\n", "err\n"))
        podman.run("--", "frobnicate").ends(127).says("executable file not found in $PATH")
        podman.run("--", "/etc/passwd").ends(126).says("OCI permission denied")
        podman.run("--volume", "/nowhere/at/all:/mnt", "--", "true").ends(125)


@test(timeout=LIMIT)
def without_privilege_a_container_lives_from_create_to_rm(box):
    with RootlessPodman(box) as podman:
        podman.started("c1", "--", "sh", "-c", "trap 'echo got it; exit 4' USR1; echo begun; while :; do sleep 0.05; done")
        same(podman.inspect("c1", "{{.OCIRuntime}} {{.State.Status}}"), f"{box.runtime} running")
        host.eventually(lambda: "begun" in podman("logs", "c1").out)
        pid = int(podman.inspect("c1", "{{.State.Pid}}"))
        same(os.stat(f"/proc/{pid}").st_uid, engine_account.ID)
        same(podman("exec", "c1", "id", "-u").ok().out, "0\n")
        same(podman("exec", "--user", "ann", "--workdir", "/tmp", "c1", "sh", "-c", "id -u; pwd; echo x > x; stat -c %u x").ok().out,
             "1000\n/tmp\n1000\n")
        podman("exec", "c1", "sh", "-c", "exit 9").ends(9)
        podman("exec", "c1", "frobnicate").ends(127)
        podman("kill", "--signal", "USR1", "c1").ok()
        same(podman("wait", "c1").ok().out, "4\n")
        podman("start", "c1").ok()
        podman("stop", "--time", "0", "c1").ok()
        podman("rm", "c1").ok()


@test(timeout=LIMIT)
def without_privilege_users_are_mapped_as_asked(box):
    with RootlessPodman(box) as podman:
        for options, program, expected in (
                (["--userns", "keep-id"], "id -u; id -g; echo x > /tmp/x; stat -c %u /tmp/x",
                 f"{engine_account.ID}\n" * 3),
                (["--user", "ann"], "id -u; echo x > /tmp/x; stat -c %u:%g /tmp/x", "1000\n1000:1000\n"),
                (["--uidmap", "0:1:1000", "--gidmap", "0:1:1000"], MAP, " 0 1 1000\n"),
                (["--group-add", "55"], "id -G", "0 55\n")):
            r = podman.run(*options, "--", "sh", "-c", program).ok()
            same(r.out, expected, f"{options} {program}")


@test(timeout=LIMIT)
def without_privilege_the_file_system_is_as_asked(box):
    with RootlessPodman(box) as podman:
        shared = f"{podman.dir}/shared"
        os.mkdir(shared)
        os.chown(shared, engine_account.ID, engine_account.ID)
        for options, program, expected in (
                (["--read-only"], "touch /x 2>/dev/null || touch /tmp/x; echo $?", "0\n"),
                (["--tmpfs", "/mnt"], "stat -c %u /mnt; touch /mnt/x; echo $?", "0\n0\n"),
                (["--volume", f"{shared}:/mnt"], "echo x > /mnt/file; stat -c %u /mnt/file", "0\n"),
                (["--volume", f"{shared}:/mnt:ro"], "touch /mnt/x 2>/dev/null || cat /mnt/file", "x\n"),
                (["--volume", "data:/home/ann", "--user", "ann"], "echo kept > /home/ann/file; stat -c %u /home/ann", "1000\n"),
                (["--hostname", "hello", "--sysctl", "net.ipv4.ip_forward=1"], "hostname; cat /proc/sys/net/ipv4/ip_forward",
                 "hello\n1\n"),
                (["--device", "/dev/null:/dev/x"], "echo x > /dev/x; echo $?", "0\n"),
                (["--privileged"], "mount -t tmpfs none /tmp; echo $?; true <> /dev/ptmx; echo $?", "0\n0\n"),
                (["--cap-drop", "all"], "grep CapEff /proc/self/status", "CapEff:\t0000000000000000\n"),
                (["--shm-size", "1m"], "df /dev/shm | awk 'END { print $2 }'", "1024\n")):
            r = podman.run(*options, "--", "sh", "-c", program).ok()
            same(r.out, expected, f"{options} {program}")
        same(os.stat(f"{shared}/file").st_uid, engine_account.ID)


@test(timeout=LIMIT)
def without_privilege_namespaces_are_shared(box):
    with RootlessPodman(box) as podman:
        for name, more in (("c1", []), ("c2", ["--userns"])):
            podman.started(name, "--hostname", name, "--ipc", "shareable", *(f"{o}=keep-id" for o in more))
            options = [f"{o}=container:{name}" for o in ("--pid", "--ipc", "--uts", *more)]
            r = podman.run(*options, "--", "sh", "-c", "hostname; cat /proc/1/comm",
                           network=["--network", f"container:{name}"]).ok()
            same(r.out, f"{name}\nsleep\n")
        same(podman.run("--pid", "host", "--uts", "host", "--", "readlink", "/proc/self/ns/pid",
                        network=["--network", "host"]).ok().out.strip(), host.namespace("self", "pid"))


@test(timeout=LIMIT)
def without_privilege_a_terminal(box):
    with RootlessPodman(box) as podman:
        process, terminal = podman.on_terminal("run", "--rm", "--pull", "never", "--network", "none",
                                               "-it", IMAGE, "sh", "-c", "tty; read x; exit $x")
        terminal.read_until(b"/dev/pts/0")
        terminal.write(b"5\n")
        same(process.wait(10), 5)


# --- root, with a user namespace for the container

MAPPED = ("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536")


@test(timeout=LIMIT)
def root_maps_ids(box):
    with Podman(box) as podman:
        r = podman.run(*MAPPED, "--", "sh", "-c", f"id -u; {MAP}; echo x > /file && stat -c %u /file; stat -c %u /home/ann; exit 7")
        same((r.code, r.out), (7, "0\n 0 100000 65536\n0\n1000\n"))
        podman.started("c1", *MAPPED, "--pids-limit", "50")
        pid = int(podman.inspect("c1", "{{.State.Pid}}"))
        same(os.stat(f"/proc/{pid}").st_uid, 100000)
        same(podman("exec", "--user", "ann", "c1", "sh", "-c", f"id -u; {MAP}").ok().out, "1000\n 0 100000 65536\n")
        podman("exec", "c1", "frobnicate").ends(127)
        r = podman.run("--userns", "container:c1", "--pid", "container:c1", "--ipc", "container:c1", "--", "sh", "-c",
                       f"{MAP}; cat /proc/1/comm", network=["--network", "container:c1"]).ok()
        same(r.out, " 0 100000 65536\nsleep\n")
        podman("stop", "--time", "0", "c1").ok()


@test(timeout=LIMIT)
def root_maps_ids_and_mounts(box):
    with Podman(box) as podman:
        shared = f"{box.dir}/shared"
        os.mkdir(shared)
        os.chown(shared, 100000, 100000)
        for options, program, expected in (
                (["--volume", f"{shared}:/mnt"], "echo x > /mnt/file; stat -c %u /mnt/file", "0\n"),
                (["--volume", f"{shared}:/mnt:ro"], "touch /mnt/x 2>/dev/null || cat /mnt/file", "x\n"),
                (["--tmpfs", "/mnt"], "stat -c %u /mnt", "0\n"),
                (["--read-only"], "touch /x 2>/dev/null; echo $?", "1\n"),
                (["--device", "/dev/fuse"], "test -c /dev/fuse; echo $?", "0\n"),
                (["--sysctl", "net.ipv4.ip_forward=1"], "cat /proc/sys/net/ipv4/ip_forward", "1\n"),
                (["--privileged"], "mount -t tmpfs none /tmp; echo $?; true <> /dev/ptmx; echo $?", "0\n0\n")):
            r = podman.run(*MAPPED, *options, "--", "sh", "-c", program).ok()
            same(r.out, expected, f"{options} {program}")
        same(os.stat(f"{shared}/file").st_uid, 100000)


@test(timeout=LIMIT)
def an_idmapped_volume(box):
    with Podman(box) as podman:
        shared = f"{box.dir}/shared"
        os.mkdir(shared)
        r = podman.run(*MAPPED, "--volume", f"{shared}:/mnt:idmap", "--", "sh", "-c",
                       "stat -c %u /mnt; echo x > /mnt/file; stat -c %u /mnt/file").ok()
        same((r.out, os.stat(f"{shared}/file").st_uid), ("0\n0\n", 0))


@test(timeout=LIMIT)
def ids_that_podman_chooses(box):
    with Podman(box) as podman:
        engine_account.make(f"{box.dir}/account")
        for file in ("subuid", "subgid"):
            with open(f"/etc/{file}", "w") as f:
                f.write("containers:200000:65536\n")
        try:
            same(podman.run("--userns", "auto:size=2000", "--", "sh", "-c", f"id -u; {MAP}").ok().out, "0\n 0 200000 2000\n")
        finally:
            engine_account.drop()


@test(timeout=LIMIT)
def containerd_maps_ids(box):
    with Containerd(box) as c:
        mapped = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"]
        r = c.run("c1", "sh", "-c", f"id -u; {MAP}; stat -c %u /home/ann; exit 7", options=["--rm", *mapped])
        same((r.returncode, r.stdout, r.stderr), (7, "0\n 0 100000 65536\n1000\n", ""))
        c.started("c2", "sleep", "1000", options=mapped)
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "--user", "1000", "c2", "sh", "-c", f"id -u; {MAP}")
        same((r.returncode, r.stdout), (0, "1000\n 0 100000 65536\n"))
