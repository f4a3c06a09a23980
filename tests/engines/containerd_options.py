# SPDX-License-Identifier: Apache-2.0
"""What ctr may ask of a container beside a command: terminals, roots, namespaces, capabilities."""
import os

import bundle
import host
from engine import on_terminal
from engine_containerd import Containerd
from harness import same, test

LIMIT = 90


@test(timeout=LIMIT)
def a_terminal_of_run_and_of_exec(box):
    with Containerd(box) as c:
        process, terminal = on_terminal(box, c.run_command("c1", "sh", "-c", "tty; read x; echo got $x; while :; do stty size; sleep 0.1; done",
                                                           options=["--tty"]))
        terminal.read_until(b"/dev/pts/0")
        terminal.write(b"word\n")
        terminal.read_until(b"got word")

        def resized():
            # ctr may not listen yet, and a size that stays the same tells it nothing.
            terminal.resize(30, 100)
            terminal.resize(31, 101)
            return b"31 101" in terminal.read_until(b"got word")
        host.eventually(resized, 10, "the new size")
        second, other = on_terminal(box, c.command("tasks", "exec", "--tty", "--exec-id", "e1", "c1", "sh", "-c",
                                                   "tty; read x; exit $x"))
        other.read_until(b"/dev/pts/1")
        other.write(b"5\n")
        same(second.wait(10), 5)
        same(c.ctr("tasks", "kill", "--signal", "KILL", "c1").returncode, 0)
        same(process.wait(10), 137)


@test(timeout=LIMIT)
def exec_takes_user_and_directory_and_may_be_killed(box):
    with Containerd(box) as c:
        c.started("c1", "sleep", "1000")
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "--user", "1000:1000", "--cwd", "/tmp", "c1", "sh", "-c", "id -u; pwd")
        same((r.returncode, r.stdout), (0, "1000\n/tmp\n"))
        same(c.ctr("tasks", "exec", "--detach", "--exec-id", "e2", "c1", "sleep", "2000").returncode, 0)
        listed = ("tasks", "exec", "--exec-id", "e3", "c1", "ps", "-o", "args")
        host.eventually(lambda: "sleep 2000" in c.ctr(*listed).stdout)
        same(c.ctr("tasks", "kill", "--exec-id", "e2", "--signal", "KILL", "c1").returncode, 0)
        host.eventually(lambda: "sleep 2000" not in c.ctr(*listed).stdout)
        assert c.running("c1")


@test(timeout=LIMIT)
def a_root_of_ones_own_without_pivot(box):
    bundle.make_rootfs(f"{box.dir}/own")
    with open(f"{box.dir}/own/file", "w") as f:
        f.write("own\n")
    with Containerd(box) as c:
        for more in ([], ["--no-pivot"], ["--rootfs-propagation", "slave"]):
            r = c.ctr("run", "--rm", "--runc-binary", box.runtime, "--cgroup", f"{box.cgroup}-c1", "--rootfs", *more,
                      f"{box.dir}/own", "c1", "/bin/cat", "/file")
            same((r.returncode, r.stdout), (0, "own\n"), more)
        c.nothing_runs()


@test(timeout=LIMIT)
def kill_all_reaches_every_process(box):
    with Containerd(box) as c:
        script = "trap '' TERM; sleep 4711 & wait"
        c.started("c1", "sh", "-c", script)
        same(c.ctr("tasks", "kill", "--all", "--signal", "KILL", "c1").returncode, 0)
        host.eventually(lambda: c.status("c1") == "STOPPED")
        assert "exit code 137" in c.ctr("tasks", "delete", "c1").stderr
        c.nothing_runs()


@test(timeout=LIMIT)
def processes_end_with_a_task_in_the_host_s_pid_namespace(box):
    """The shim then asks for `kill --all` when the first process has ended."""
    with Containerd(box) as c:
        c.started("c1", "sh", "-c", "sleep 4711 & sleep 0.3; exit 3", options=["--with-ns", "pid:/proc/self/ns/pid"])
        host.eventually(lambda: c.status("c1") == "STOPPED", 10)
        assert "exit code 3" in c.ctr("tasks", "delete", "c1").stderr
        c.nothing_runs()


@test(timeout=LIMIT)
def a_paused_task_goes_on(box):
    with Containerd(box) as c:
        c.started("c1", "sleep", "1000")
        same(c.ctr("tasks", "pause", "c1").returncode, 0)
        same(c.status("c1"), "PAUSED")
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c1", "true")
        assert r.returncode != 0, r
        same(c.ctr("tasks", "resume", "c1").returncode, 0)
        assert c.running("c1")
        same(c.ctr("tasks", "pause", "c1").returncode, 0)
        c.ctr("tasks", "resume", "c1")


@test(timeout=LIMIT)
def what_a_task_is_given(box):
    os.mkdir(f"{box.dir}/shared")
    with Containerd(box) as c:
        mount = f"type=bind,src={box.dir}/shared,dst=/mnt,options="
        for options, program, expected in (
                (["--env", "K=V", "--cwd", "/tmp"], "echo $K $FROM; pwd", "V image\n/tmp\n"),
                (["--cap-drop", "CAP_CHOWN"], "test $((0x$(sed -n 's/CapEff:.//p' /proc/self/status) & 1)) = 0; echo $?", "0\n"),
                (["--cap-add", "CAP_SYS_ADMIN"], "mount -t tmpfs none /tmp; echo $?", "0\n"),
                (["--device", "/dev/fuse"], "true <> /dev/fuse; echo $?", "0\n"),
                ([], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"),
                (["--allow-new-privs"], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t0\n"),
                (["--privileged"], "true <> /dev/ptmx; echo $?; grep -c ' /sys sysfs rw' /proc/mounts", "0\n1\n"),
                (["--mount", mount + "rbind:rro"], "touch /mnt/x 2>/dev/null; echo $?", "1\n"),
                (["--mount", mount + "rbind:rslave:rw:nosuid"], "touch /mnt/x; echo $?; grep -c 'mnt.*nosuid' /proc/mounts",
                 "0\n1\n"),
                (["--net-host"], "readlink /proc/self/ns/net", host.namespace("self", "net") + "\n"),
                (["--with-ns", f"network:/proc/{os.getpid()}/ns/net"], "readlink /proc/self/ns/net",
                 host.namespace("self", "net") + "\n"),
                (["--cpus", "0.5", "--cpu-shares", "300"], "echo", "\n")):
            r = c.run("c1", "sh", "-c", program, options=["--rm", *options])
            same((r.returncode, r.stdout, r.stderr), (0, expected, ""), f"{options} {program}")
        r = c.run("c1", "true", options=["--rm", "--pid-file", f"{box.dir}/pid"])
        assert r.returncode == 0 and int(open(f"{box.dir}/pid").read()) > 1
        r = c.run("c1", "true", options=["--rm", "--null-io"])
        same(r.returncode, 0)
