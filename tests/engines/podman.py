# SPDX-License-Identifier: Apache-2.0
"""podman as root, with the control group manager cgroupfs and without a network."""
import os
import time

import host
from engine import finish
from engine_podman import IMAGE, Podman
from harness import Skip, children, same, test

LIMIT = 60  # seconds for a test; podman takes some of them to begin with


def each(podman, rows):
    """Rows of (options, program, output): a container each."""
    for options, program, expected in rows:
        r = podman.run(*options, "--", "sh", "-c", program).ok()
        same(r.out, expected, f"{options} {program}")


# --- how programs end

@test(timeout=LIMIT)
def output_and_exit_status_come_back(box):
    with Podman(box) as podman:
        r = podman.run("--", "sh", "-c", "echo from $FROM; echo error >&2; id -u; exit 7").ends(7)
        same((r.out, r.err), ("from image\n0\n", "error\n"))
        same(podman.run("--interactive", "--", "cat", stdin=open("/etc/hostname")).ok().out,
             open("/etc/hostname").read())


@test(timeout=LIMIT)
def programs_that_cannot_run_give_126_and_127(box):
    with Podman(box) as podman:
        podman.run("--", "frobnicate").ends(127).says('exec: "frobnicate": executable file not found in $PATH')
        podman.run("--", "/bin/frobnicate").ends(127)
        podman.run("--", "/etc/passwd").ends(126).says('exec: "/etc/passwd"', "OCI permission denied")
        podman.run("--", "/tmp").ends(126).says('exec: "/tmp"', "OCI permission denied")
        podman.run("--volume", "/nowhere/at/all:/mnt", "--", "true").ends(125)
        same(podman("ps", "--all", "--quiet").ok().out, "")


# --- the life of a container

@test(timeout=LIMIT)
def a_container_in_the_background_lives_from_create_to_rm(box):
    with Podman(box) as podman:
        podman.started("c1", "--", "sh", "-c", "echo begun; echo said >&2; trap 'echo got it; exit 4' USR1; "
                                               "while :; do sleep 0.05; done")
        same(podman.inspect("c1", "{{.OCIRuntime}} {{.State.Status}}"), f"{box.runtime} running")
        host.eventually(lambda: "begun" in podman("logs", "c1").out)
        podman("kill", "--signal", "USR1", "c1").ok()
        same(podman("wait", "c1").ok().out, "4\n")
        same(podman("logs", "c1").ok().out.splitlines(), ["begun", "got it"])
        same(podman("logs", "c1").ok().err, "said\n")
        same(podman.inspect("c1", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"), "exited 4 false")
        podman("start", "c1").ok()
        podman("rm", "c1").ends(2)
        podman("rm", "--force", "--time", "0", "c1").ok()
        podman("container", "exists", "c1").ends(1)


@test(timeout=LIMIT)
def create_init_start_stop_restart(box):
    with Podman(box) as podman:
        podman.container("create", "--name", "c1", IMAGE, "sh", "-c", "trap 'exit 3' TERM; echo up; "
                         "while :; do sleep 0.05; done").ok()
        podman("init", "c1").ok()
        same(podman.inspect("c1", "{{.State.Status}}"), "initialized")
        pid = int(podman.inspect("c1", "{{.State.Pid}}"))
        podman("start", "c1").ok()
        same(int(podman.inspect("c1", "{{.State.Pid}}")), pid)
        host.eventually(lambda: "up" in podman("logs", "c1").out)
        same(podman("stop", "--time", "10", "c1").ok().err, "")
        same(podman.inspect("c1", "{{.State.ExitCode}}"), "3")
        podman("restart", "c1").ok()
        host.eventually(lambda: podman("logs", "c1").out.count("up") == 2)


@test(timeout=LIMIT)
def stop_kills_what_does_not_end(box):
    with Podman(box) as podman:
        podman.started("c1", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
        podman("stop", "--time", "1", "c1").ok()
        same(podman.inspect("c1", "{{.State.ExitCode}}"), "137")


@test(timeout=LIMIT)
def the_processes_of_a_shared_pid_namespace_end_with_the_container(box):
    with Podman(box) as podman:
        podman.started("c1", "--pid", "host", "--", "sh", "-c", "sleep 4711 & exec sleep 1000")
        init = int(podman.inspect("c1", "{{.State.Pid}}"))
        child = host.eventually(lambda: [p for p in children(init) if host.command_line(p) == "sleep 4711"])[0]
        podman("rm", "--force", "--time", "0", "c1").ok()
        host.eventually(lambda: not host.alive(child))


@test(timeout=LIMIT)
def a_paused_container_goes_on(box):
    with Podman(box) as podman:
        podman.started("c1")
        podman("pause", "c1").ok()
        same(podman.inspect("c1", "{{.State.Status}}"), "paused")
        podman("unpause", "c1").ok()
        same(podman("exec", "c1", "echo", "awake").ok().out, "awake\n")
        podman("pause", "c1").ok()
        podman("rm", "--force", "--time", "0", "c1").ok()


@test(timeout=LIMIT)
def limits_change_while_a_container_runs(box):
    with Podman(box) as podman:
        podman.started("c1", "--pids-limit", "20", "--memory", "64m")
        podman("update", "--memory", "32m", "--cpu-shares", "200", "c1").ok()
        directory = host.controller_directory("memory", host.cgroup_of(podman.inspect("c1", "{{.State.Pid}}"))["memory"])
        name = "memory.limit_in_bytes" if os.path.exists(f"{directory}/memory.limit_in_bytes") else "memory.max"
        same(open(f"{directory}/{name}").read(), f"{32 << 20}\n")


@test(timeout=LIMIT)
def a_health_check_runs_in_the_container(box):
    with Podman(box) as podman:
        podman.started("c1", "--health-cmd", "test -e /tmp/well", "--health-interval", "disable")
        podman("healthcheck", "run", "c1").ends(1)
        podman("exec", "c1", "touch", "/tmp/well").ok()
        podman("healthcheck", "run", "c1").ok()
        same(podman.inspect("c1", "{{.State.Health.Status}}"), "healthy")


# --- exec

@test(timeout=LIMIT)
def exec_takes_user_directory_and_variables(box):
    with Podman(box) as podman:
        podman.started("c1")
        r = podman("exec", "c1", "sh", "-c", "echo out; echo err >&2; exit 9").ends(9)
        same((r.out, r.err), ("out\n", "err\n"))
        r = podman("exec", "--user", "ann", "--workdir", "/tmp", "--env", "K=V", "c1", "sh", "-c",
                   "id -u; id -g; pwd; echo $K $FROM $HOME").ok()
        same(r.out, "1000\n1000\n/tmp\nV image /home/ann\n")
        same(podman("exec", "--user", "77:88", "c1", "id").ok().out, "uid=77 gid=88\n")
        same(podman("exec", "--interactive", "c1", "cat", stdin=open("/etc/hostname")).ok().out,
             open("/etc/hostname").read())
        def caps(*options):
            return int(podman("exec", *options, "c1", "grep", "CapEff", "/proc/self/status").ok().out.split()[1], 16)
        assert caps("--privileged") > caps() > caps("--user", "ann") == 0


@test(timeout=LIMIT)
def an_exec_that_cannot_run_gives_126_and_127(box):
    with Podman(box) as podman:
        podman.started("c1")
        podman("exec", "c1", "frobnicate").ends(127).says("executable file not found in $PATH")
        podman("exec", "c1", "/etc/passwd").ends(126).says("OCI permission denied")
        podman("exec", "c1", "/tmp").ends(126).says("OCI permission denied")
        podman("exec", "--workdir", "/nowhere", "c1", "true").ends(127).says("/nowhere")
        podman("stop", "--time", "0", "c1").ok()
        podman("exec", "c1", "true").ends(255).says("container state improper")


@test(timeout=LIMIT)
def exec_in_the_background(box):
    with Podman(box) as podman:
        podman.started("c1")
        podman("exec", "--detach", "c1", "sh", "-c", "echo done > /tmp/file; sleep 1000").ok()
        host.eventually(lambda: podman("exec", "c1", "cat", "/tmp/file").out == "done\n")
        assert "sleep 1000" in podman("top", "c1", "args").ok().out
        podman("exec", "--detach", "c1", "frobnicate").ends(125).says("executable file not found in $PATH")


# --- terminals

@test(timeout=LIMIT)
def a_terminal_of_run_and_of_exec(box):
    with Podman(box) as podman:
        process, terminal = podman.on_terminal(
            "run", "--pull", "never", "--network", "none", "--cgroup-parent", podman.cgroup,
            "--name", "c1", "-it", IMAGE, "sh", "-c", "tty; stty size; echo ready; read x; echo got $x; stty size; sleep 1000")
        terminal.resize(30, 100)
        terminal.read_until(b"ready")
        assert b"/dev/" in terminal.seen, terminal.seen
        terminal.resize(31, 101)
        host.eventually(lambda: b"31 101" in podman("exec", "-t", "c1", "sh", "-c", "stty size < /dev/console").out.encode())
        terminal.write(b"word\n")
        terminal.read_until(b"got word")
        terminal.read_until(b"31 101")
        second, other = podman.on_terminal("exec", "-it", "c1", "sh", "-c", "tty; read x; exit $x")
        other.read_until(b"/dev/pts/")
        other.write(b"5\n")
        same(second.wait(10), 5)
        podman("kill", "c1").ok()
        same(process.wait(10), 137)


@test(timeout=LIMIT)
def attach_and_detach(box):
    with Podman(box) as podman:
        podman.started("c1", "-it", "--", "sh", "-c", "while read x; do echo got $x; done")
        process, terminal = podman.on_terminal("attach", "c1")
        terminal.write(b"a\n")
        terminal.read_until(b"got a")
        for key in (b"\x10", b"\x11"):  # ctrl-p ctrl-q
            time.sleep(0.2)
            terminal.write(key)
        same(process.wait(10), 0)
        same(podman.inspect("c1", "{{.State.Status}}"), "running")


# --- files

@test(timeout=LIMIT)
def the_root_and_what_is_mounted_into_it(box):
    with Podman(box) as podman:
        shared = f"{box.dir}/shared"
        os.mkdir(shared)
        each(podman, [
            (["--read-only"], "touch /x 2>&1; touch /tmp/x /run/x && echo tmpfs",
             "touch: /x: Read-only file system\ntmpfs\n"),
            (["--read-only", "--read-only-tmpfs=false"], "touch /tmp/x 2>&1 || echo none",
             "touch: /tmp/x: Read-only file system\nnone\n"),
            (["--tmpfs", "/mnt:size=1m,mode=700,noexec"], "stat -c %a /mnt; grep -o ' /mnt tmpfs.*noexec' /proc/mounts | wc -l",
             "700\n1\n"),
            (["--volume", f"{shared}:/mnt"], "echo x > /mnt/file; echo $?", "0\n"),
            (["--volume", f"{shared}:/mnt:ro"], "cat /mnt/file; touch /mnt/x 2>/dev/null || echo ro", "x\nro\n"),
            (["--mount", f"type=bind,src={shared}/file,dst=/etc/one,ro"], "cat /etc/one", "x\n"),
            (["--volume", "data:/home/ann"], "stat -c %u /home/ann; echo kept > /home/ann/file", "1000\n"),
            (["--volume", "data:/mnt:ro"], "cat /mnt/file", "kept\n"),
            (["--shm-size", "1m"], "df /dev/shm | awk 'END { print $2 }'", "1024\n"),
            (["--no-hosts"], "test -e /etc/hosts || echo none", "none\n"),
            (["--add-host", "there:10.0.0.1"], "grep -c there /etc/hosts", "1\n"),
            (["--workdir", "/tmp"], "pwd", "/tmp\n"),
        ])


@test(timeout=LIMIT)
def volumes_propagate_as_asked(box):
    with Podman(box) as podman:
        shared = f"{box.dir}/shared"
        os.makedirs(f"{shared}/below")
        host.libc.mount(shared.encode(), shared.encode(), None, 4096, None)
        host.libc.mount(None, shared.encode(), None, 1 << 20, None)
        try:
            show = "sed -n 's/.* \\/mnt [^ ]* //p' /proc/self/mountinfo | cut -d - -f 1"
            assert "shared:" in podman.run("--volume", f"{shared}:/mnt:rshared", "--", "sh", "-c", show).ok().out
            assert "master:" in podman.run("--volume", f"{shared}:/mnt:rslave", "--", "sh", "-c", show).ok().out
            same(podman.run("--volume", f"{shared}:/mnt:rprivate", "--", "sh", "-c", show).ok().out.strip(), "")
            podman.started("c1", "--volume", f"{shared}:/mnt:rslave")
            host.libc.mount(b"none", f"{shared}/below".encode(), b"tmpfs", 0, None)
            same(podman("exec", "c1", "grep", "-c", "/mnt/below", "/proc/mounts").ok().out, "1\n")
            podman.started("c2", "--volume", f"{shared}:/mnt:rshared", "--privileged")
            podman("exec", "c2", "umount", "/mnt/below").ok()
            same(host.mount_points_below(f"{shared}/below"), [])
        finally:
            host.detach(f"{shared}/below")
            host.detach(shared)


@test(timeout=LIMIT)
def devices(box):
    with Podman(box) as podman:
        each(podman, [
            (["--device", "/dev/fuse:/dev/x:r"], "stat -c '%t %T' /dev/x; true < /dev/x && echo read; (true > /dev/x) 2>/dev/null || echo refused",
             "a e5\nread\nrefused\n"),
            (["--device", "/dev/fuse"], "true <> /dev/fuse && echo opened", "opened\n"),
            ([], "mknod /tmp/x c 10 229; (true < /tmp/x) 2>/dev/null || echo refused", "refused\n"),
            (["--device-cgroup-rule", "c 10:229 r"], "mknod /tmp/x c 10 229; true < /tmp/x && echo allowed", "allowed\n"),
            (["--privileged"], "true <> /dev/ptmx && true <> /dev/fuse; echo $?; grep -c ' /sys sysfs rw' /proc/mounts",
             "0\n1\n"),
        ])


# --- processes

@test(timeout=LIMIT)
def what_a_process_may_do(box):
    def caps(*options):
        return int(podman.run(*options, "--", "grep", "CapEff", "/proc/self/status").ok().out.split()[1], 16)
    with Podman(box) as podman:
        same(caps("--cap-drop", "all", "--cap-add", "chown"), 1)
        same(caps("--cap-drop", "all"), 0)
        assert caps("--privileged") > caps() > caps("--cap-drop", "chown")
        same(caps("--user", "ann"), 0)
        same(caps("--user", "ann", "--cap-add", "net_raw"), 1 << 13)
        each(podman, [
            (["--security-opt", "no-new-privileges"], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"),
            (["--user", "1000:1000", "--group-add", "55"], "id -G", "1000 55\n"),
            (["--user", "ann"], "id -un; echo $HOME", "ann\n/home/ann\n"),
            (["--ulimit", "nofile=100:200", "--ulimit", "nproc=1024:1024"], "ulimit -Sn; ulimit -Hn", "100\n200\n"),
            (["--umask", "0077"], "umask", "0077\n"),
            (["--oom-score-adj", "500"], "cat /proc/self/oom_score_adj", "500\n"),
            (["--unsetenv", "FROM", "--env", "A=b"], "echo $A$FROM", "b\n"),
            (["--security-opt", "mask=/proc/uptime"], "wc -c < /proc/uptime", "0\n"),
            (["--security-opt", "unmask=/proc/acpi:/sys/firmware"], "grep -c -e ' /proc/acpi ' -e ' /sys/firmware ' /proc/mounts || :", "0\n"),
            (["--timeout", "30"], "echo in time", "in time\n"),
        ])
        podman.run("--timeout", "1", "--", "sleep", "100").ends(255)


@test(timeout=LIMIT)
def descriptors_are_passed_on(box):
    with Podman(box) as podman:
        path = f"{box.dir}/file"
        with open(path, "w") as f:
            f.write("through descriptor 3\n")
        with open(path) as f:
            r = podman.run("--preserve-fds", "1", "--", "sh", "-c", "cat <&3; ls /proc/self/fd | wc -l",
                           preexec_fn=host.place_descriptors([f.fileno()]), close_fds=False).ok()
        # 0, 1, 2, 3, and that of the directory which ls reads
        same(r.out, "through descriptor 3\n5\n")


@test(timeout=LIMIT)
def an_init_of_podmans(box):
    with Podman(box) as podman:
        if not any(os.path.exists(p) for p in ("/usr/bin/catatonit", "/usr/libexec/podman/catatonit")):
            raise Skip("catatonit is not installed (package catatonit)")
        same(podman.run("--init", "--", "sh", "-c", "cat /proc/1/comm; exit 3").ends(3).out, "podman-init\n")


# --- namespaces

@test(timeout=LIMIT)
def namespaces_of_the_host_and_settings_in_ones_own(box):
    with Podman(box) as podman:
        for kind, option in (("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroupns")):
            show = ["--", "readlink", f"/proc/self/ns/{kind}"]
            same(podman.run(f"--{option}", "host", *show).ok().out.strip(), host.namespace("self", kind), option)
            assert podman.run(f"--{option}", "private", *show).ok().out.strip() != host.namespace("self", kind), option
        same(podman.run("--", "readlink", "/proc/self/ns/net", network=["--network", "host"]).ok().out.strip(),
             host.namespace("self", "net"))
        each(podman, [
            (["--hostname", "hello"], "hostname; echo $HOSTNAME; cat /etc/hostname; echo", "hello\nhello\nhello\n"),
            (["--sysctl", "kernel.msgmax=9999", "--sysctl", "net.ipv4.ip_forward=1"],
             "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward", "9999\n1\n"),
            ([], "ls /sys/class/net", "lo\n"),
        ])


@test(timeout=LIMIT)
def the_namespaces_of_another_container(box):
    with Podman(box) as podman:
        podman.started("c1", "--hostname", "first", "--ipc", "shareable")
        options = [f"--{kind}=container:c1" for kind in ("pid", "ipc", "uts")]
        r = podman.run(*options, "--", "sh", "-c", "hostname; cat /proc/1/comm; readlink /proc/self/ns/net",
                       network=["--network", "container:c1"]).ok()
        same(r.out.splitlines()[:2], ["first", "sleep"])
        same(podman("exec", "c1", "readlink", "/proc/self/ns/net").ok().out, r.out.splitlines()[2] + "\n")


@test(timeout=LIMIT)
def a_pod_shares_namespaces_and_a_control_group(box):
    if set(host.cgroup_of("self")) == {""} and "version 4." in finish(["podman", "--version"]).out:
        raise Skip("podman 4 forbids all devices in the control group of a pod on cgroup v2")
    with Podman(box) as podman:
        podman("pod", "create", "--name", "p", "--network", "none", "--share", "net,uts,ipc,pid",
               "--hostname", "pod", "--cgroup-parent", podman.cgroup, timeout=40).ok()
        for name in ("c1", "c2"):
            podman("run", "--detach", "--pull", "never", "--pod", "p", "--name", name, IMAGE,
                   "sleep", "1000").ok()
        same(podman("exec", "c1", "hostname").ok().out, "pod\n")
        same(podman("exec", "c2", "sh", "-c", "cat /proc/[0-9]*/comm | grep -c sleep").ok().out, "2\n")
        pids = [int(podman.inspect(name, "{{.State.Pid}}")) for name in ("c1", "c2")]
        for kind in ("net", "uts", "ipc", "pid"):
            same(host.namespace(pids[0], kind), host.namespace(pids[1], kind), kind)
        parents = {os.path.dirname(host.cgroup_of(pid)[host_controller()]) for pid in pids}
        same([os.path.dirname(parent) for parent in parents], [podman.cgroup])
        podman("pod", "stop", "--time", "0", "p").ok()
        podman("pod", "start", "p").ok()
        same(podman("exec", "c1", "hostname").ok().out, "pod\n")
        podman("pod", "rm", "--force", "--time", "0", "p").ok()


def host_controller():
    return "pids" if "pids" in host.cgroup_of("self") else ""


# --- control groups

@test(timeout=LIMIT)
def limits_hold(box):
    with Podman(box) as podman:
        host.controller_directory("memory", "")
        podman.run("--pids-limit", "4", "--", "sh", "-c", "for i in 1 2 3 4 5 6; do sleep 5 & done").ends(2).says("can't fork")
        podman.container("run", "--name", "c1", "--memory", "16m", "--memory-swap", "16m", IMAGE, "sh", "-c",
                         "head -c 64m /dev/zero | tail").ends(137)
        podman.started("c2", "--memory", "32m", "--cpu-shares", "300", "--cpus", "0.5", "--cpuset-cpus", "0")
        same(podman("exec", "c2", "grep", "Cpus_allowed_list", "/proc/self/status").ok().out.split()[1], "0")
        pid = podman.inspect("c2", "{{.State.Pid}}")
        directory = host.controller_directory("memory", host.cgroup_of(pid).get("memory", host.cgroup_of(pid).get("")))
        assert "/libpod-" in directory, directory
        same(podman("stats", "--no-stream", "--format", "{{.Name}}", "c2").ok().out, "c2\n")


@test(timeout=LIMIT)
def no_control_groups(box):
    with Podman(box) as podman:
        r = podman.run("--cgroups", "disabled", "--cgroupns", "host", "--", "cat", "/proc/self/cgroup",
                       cgroup=False).ok()
        with open("/proc/self/cgroup") as f:
            same(sorted(r.out.splitlines()), sorted(f.read().splitlines()))
