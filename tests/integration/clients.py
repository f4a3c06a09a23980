# SPDX-License-Identifier: Apache-2.0
"""What each engine types, word by word, from create to delete. docs/clients.md is the list."""
import json
import os
import re
import signal
import subprocess

import host
from box import ENVIRONMENT
from client import (Engine, containerd_error, crio, docker_code, pid_of, podman, podman_code, podman_error,
                     private_run, process_file, rfc3339, shim, start, types)
from events_format import decode
from harness import Skip, same, test
from plugin_directory import PluginDirectory


# --- containerd

@test
def containerd_runs_a_task(box):
    runc = shim(box)
    b = box.bundle("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done").write()
    created = runc("create", "--bundle", b.path, "--pid-file", f"{b.path}/init.pid", "c1", cwd=b.path).ok()
    pid = pid_of(f"{b.path}/init.pid")
    assert os.path.exists(f"{box.dir}/log.json"), "the shim opens it whatever is in it"
    same(runc.state()["status"], "created")
    runc("start", "c1").ok().silent()
    host.eventually(lambda: created.out == "up\n")
    same(json.loads(runc("ps", "--format", "json", "c1").ok().out)[:1], [pid])
    runc("kill", "c1", "15").ok().silent()
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 3)
    runc("delete", "c1").ok().silent()
    same(open(f"{box.dir}/log.json").read(), "")


@test
def containerd_runs_a_task_with_a_terminal(box):
    runc = shim(box)
    b = box.bundle("read line; echo got $line")
    b.process["terminal"] = True
    console = host.ConsoleSocket(f"{box.dir}/console")
    runc("create", "--bundle", b.write().path, "--pid-file", f"{box.dir}/pid", "--console-socket", console.path,
         "--no-pivot", "--no-new-keyring", "c1").ok().silent()
    terminal = console.receive()
    runc("start", "c1").ok().silent()
    terminal.write(b"words\n")
    terminal.read_until(b"got words")


@test
def containerd_runs_further_processes(box):
    runc = shim(box)
    box.running("sleep 100")
    runc("exec", "--process", process_file(box, "exit 9"), "--detach", "--pid-file", f"{box.dir}/exec.pid", "c1").ok()
    pid = pid_of(f"{box.dir}/exec.pid")
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 9)
    console = host.ConsoleSocket(f"{box.dir}/console")
    runc("exec", "--process", process_file(box, "tty; sleep 1", terminal=True), "--console-socket", console.path,
         "--detach", "--pid-file", f"{box.dir}/tty.pid", "c1").ok()
    console.receive().read_until(b"/dev/pts/")


@test
def containerd_asks_which_processes_there_are(box):
    runc = shim(box)
    pid = box.running("sleep 100 & sleep 100")
    host.eventually(lambda: len(json.loads(runc("ps", "--format", "json", "c1").ok().out)) == 2)
    r = runc("ps", "--format", "json", "c1").ok()
    assert pid in json.loads(r.out + r.err)
    table = runc("ps", "--format", "table", "c1", "-o", "pid,comm").ok()
    same(table.out.split()[:2], ["PID", "COMMAND"])
    box.hozo("kill", "--all", "c1", "9").ok()
    box.wait_status("stopped")
    same(json.loads(runc("ps", "--format", "json", "c1").ok().out), [])


@test
def containerd_ends_all_where_the_pid_namespace_is_shared(box):
    runc = shim(box)
    b = box.bundle("sleep 100 & exit 0")
    b.without_namespace("pid")
    box.stopped(b)
    runc("kill", "--all", "c1", "9").ok().silent()
    host.eventually(lambda: not host.living_children())
    runc("delete", "c1").ok().silent()


@test
def containerd_finds_a_container_gone(box):
    """checkKillError, and delete that takes this for done."""
    runc = shim(box)
    box.stopped()
    r = runc("kill", "c1", "9").ends(1)
    assert "container not running" in r.err and "no such process" in r.err.lower(), r
    runc("delete", "c1").ok()
    for verb in (("kill", "c1", "9"), ("delete", "c1")):
        assert "does not exist" in runc(*verb).ends(1).err
    runc("delete", "--force", "c1").ok().silent()


@test
def containerd_cleans_up_after_its_shim(box):
    """From another directory, without the options that the container was created with."""
    box.running("sleep 100")
    other = box.bundle().write().path
    shim(box)("delete", "--force", "c1", cwd=other).ok().silent()
    box.nothing_left()


@test
def containerd_reads_why_create_failed(box):
    runc = shim(box)
    b = box.bundle(["frobnicate"]).write()
    for _ in range(2):
        r = runc("create", "--bundle", b.path, "--pid-file", f"{b.path}/init.pid", "c1").ends(1)
        assert not os.path.exists(f"{b.path}/init.pid")
        message = containerd_error(f"{box.dir}/log.json")
        assert message in r.err, (message, r.err)
        same(docker_code(message, "frobnicate"), 127)


@test
def containerd_reads_the_last_error_and_not_one_before(box):
    runc = shim(box)
    runc("start", "nobody").ends(1)
    box.stopped()
    runc("kill", "c1", "15").ends(1)
    assert "container not running" in containerd_error(f"{box.dir}/log.json")


@test
def containerd_reads_why_exec_failed(box):
    runc = shim(box)
    box.running("sleep 100")
    r = runc("exec", "--process", process_file(box, "", args=["frobnicate"]), "--detach", "--pid-file",
             f"{box.dir}/exec.pid", "c1").ends(255)
    assert r.err.startswith("hozo: exec failed: "), r
    assert not os.path.exists(f"{box.dir}/exec.pid")
    same(docker_code(containerd_error(f"{box.dir}/log.json"), "frobnicate"), 127)


def limit_of(pid):
    """pids.limit as the kernel has it."""
    directory = host.controller_directory("pids", host.cgroup_of(pid).get("pids", host.cgroup_of(pid)[""]))
    with open(f"{directory}/pids.max") as f:
        return f.read().strip()


@test
def containerd_pauses_a_task(box):
    runc = shim(box)
    b = box.bundle("while :; do echo; sleep 0.02; done")
    pid = box.running(b)
    runc("pause", "c1").ok().silent()
    same(runc.state()["status"], "paused")
    runc("resume", "c1").ok().silent()
    same(runc.state()["status"], "running")
    # Of a paused container whose init has exited it types `resume` as well, and only wants an answer.
    runc("pause", "c1").ok()
    os.kill(pid, signal.SIGKILL)
    runc("resume", "c1")
    box.wait_status("stopped")
    runc("resume", "c1").fails("container not running")
    same(containerd_error(f"{box.dir}/log.json"), "container not running: no such process")


@test
def containerd_updates_a_task(box):
    """In the state created, too; from standard input."""
    runc = shim(box)
    b = box.bundle("sleep 100")
    pid = box.created(b)
    for status, limit in ("created", 30), ("running", 20):
        read, write = os.pipe()
        os.write(write, json.dumps({"pids": {"limit": limit}, "devices": [{"allow": True, "access": "rwm"}]}).encode())
        os.close(write)
        same(runc.state()["status"], status)
        runc("update", "--resources=-", "c1", stdin=read).ok().silent()
        os.close(read)
        same(limit_of(pid), str(limit))
        if status == "created":
            runc("start", "c1").ok()


@test
def docker_updates_with_zeros_for_what_nobody_asks_for(box):
    """All members are there, and only one means anything."""
    runc = shim(box)
    b = box.bundle("sleep 100")
    b.linux["resources"] = {**b.linux["resources"], "pids": {"limit": 40}}
    pid = box.running(b)
    with open(f"{box.dir}/resources", "w") as f:
        json.dump({"blockIO": {"weight": 0}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""},
                   "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0}, "pids": {"limit": 50}}, f)
    runc("update", "--resources", f"{box.dir}/resources", "c1").ok().silent()
    same(limit_of(pid), "50")


@test
def containerd_says_systemd_cgroup_to_every_verb(box):
    """How the groups are managed is the state's: only create asks the option."""
    runc = shim(box, "--systemd-cgroup")
    pid = box.created("sleep 100")
    runc("start", "c1").ok().silent()
    same(runc.state()["status"], "running")
    runc("exec", "--process", process_file(box, "true"), "c1").ok()
    runc("kill", "c1", "9").ok().silent()
    host.eventually(lambda: not host.alive(pid))
    runc("delete", "c1").ok().silent()


@test(sanitized=False)
def containerd_with_systemd_groups_is_told_what_is_missing(box):
    plugins = PluginDirectory(box, installed=True)
    if os.path.exists(file := f"{plugins.path}/+cgroup-manager.systemd.so"):
        os.remove(file)
    b = box.bundle("true")
    b.linux["cgroupsPath"] = "system.slice:cri-containerd:c1"
    r = shim(box, "--plugin-dir", plugins.path, "--systemd-cgroup")("create", "--bundle", b.write().path, "--pid-file",
                                                                   f"{box.dir}/pid", "c1")
    r.fails("linux.cgroupsPath", "hozo-plugin-systemd")
    box.nothing_left()


# --- go-runc by itself

@test
def go_runc_lists_containers(box):
    runc = shim(box)
    same(json.loads(runc("list", "--format=json").ok().out), None)
    pid = box.created("true")
    [row] = json.loads(runc("list", "--format=json").ok().out)
    assert (row["id"], row["pid"], row["status"]) == ("c1", pid, "created"), row
    rfc3339(row["created"])


@test
def go_runc_asks_what_a_container_uses(box):
    runc = shim(box)
    box.running("sleep 100")
    event = decode(runc("events", "--stats", "c1").ok().out)
    same((event["type"], event["id"], event["data"]["pids"]["current"]), ("stats", "c1", 1))
    box.hozo("kill", "c1", "9").ok()
    box.wait_status("stopped")
    assert "is not running" in runc("events", "--stats", "c1").ends(1).err


@test
def go_runc_follows_a_container(box):
    runc = shim(box)
    box.running("sleep 100")
    process = runc.start("events", "--interval=1s", "c1")
    host.eventually(lambda: process.output.out.endswith("\n"))
    runc("kill", "c1", "9").ok()
    same(process.wait(10), 0)
    same({decode(line)["type"] for line in process.output.out.splitlines()}, {"stats"})


@test(cases={"true": "--rootless=true", "false": "--rootless=false", "auto": "--rootless=auto"})
def go_runc_says_whether_it_is_rootless(box, option):
    box.created("true")
    same(shim(box, option).state()["status"], "created")


@test
def go_runc_may_ask_for_debug_messages(box):
    runc = Engine(box, "--root", box.root, "--debug", "--log", f"{box.dir}/log.json", "--log-format", "json")
    b = box.bundle(["frobnicate"]).write()
    runc("create", "--bundle", b.path, "--pid-file", f"{b.path}/pid", "c1").ends(1)
    assert "frobnicate" in containerd_error(f"{box.dir}/log.json")


@test
def go_runc_runs_detached(box):
    runc = shim(box)
    b = box.bundle("sleep 100").write()
    runc("run", "--bundle", b.path, "--pid-file", f"{b.path}/pid", "--detach", "--no-subreaper", "--preserve-fds", "0",
         "c1").ok().silent()
    same(runc.state()["pid"], pid_of(f"{b.path}/pid"))


@test(cases={"value": ("--criu", "/usr/sbin/criu"), "equal": ("--criu=criu",)})
def an_older_client_names_criu(box, words):
    box.created("true")
    same(shim(box, *words).state()["status"], "created")


# --- conmon

@test
def conmon_creates_and_its_callers_start(box):
    """The streams end with the container: nobody else holds them."""
    b = box.bundle("echo out; echo err >&2").write()
    read, write = os.pipe()
    types(box, "--root=" + box.root, "create", "--bundle", b.path, "--pid-file", f"{b.path}/pidfile", "c1",
          stdout=write, stderr=write).ok()
    os.close(write)
    pid = pid_of(f"{b.path}/pidfile")
    Engine(box, "--root", box.root)("start", "c1").ok().silent()
    text = b""
    while more := os.read(read, 4096):
        text += more
    same(sorted(text.split()), [b"err", b"out"])
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "init is a child of who called")


@test
def conmon_creates_with_a_terminal(box):
    b = box.bundle("stty size; sleep 100")
    b.process.update(terminal=True, consoleSize={"height": 20, "width": 60})
    console = host.ConsoleSocket(f"{box.dir}/console")
    types(box, "--root=" + box.root, "create", "--bundle", b.write().path, "--pid-file", f"{b.path}/pidfile",
          "--no-pivot", "--console-socket", console.path, "c1").ok().silent()
    terminal = console.receive()
    types(box, "--root", box.root, "start", "c1").ok()
    terminal.read_until(b"20 60")


@test
def conmon_reads_why_create_failed_from_one_read(box):
    b = box.bundle(["frobnicate"]).write()
    read, write = os.pipe()
    r = types(box, "--root=" + box.root, "--log-format=json", "--log", f"{b.path}/oci-log", "create", "--bundle",
              b.path, "--pid-file", f"{b.path}/pidfile", "c1", stderr=write)
    os.close(write)
    same(r.code, 1)
    message = os.read(read, 8191).decode()
    same(os.read(read, 1), b"", "nobody holds standard error any more, and all came at once")
    assert 'exec: "frobnicate": executable file not found in $PATH' in message
    assert not os.path.exists(f"{b.path}/pidfile")
    same(podman_code(podman_error(f"{b.path}/oci-log")), 127)


@test
def conmon_runs_a_further_process(box):
    box.running("sleep 100")
    types(box, "--root=" + box.root, "exec", "--pid-file", f"{box.dir}/pidfile", "--process",
          process_file(box, "exit 4"), "--detach", "--preserve-fds", "0", "c1").ok().silent()
    same(os.waitstatus_to_exitcode(os.waitpid(pid_of(f"{box.dir}/pidfile"), 0)[1]), 4)


@test
def conmon_runs_a_further_process_with_a_terminal(box):
    box.running("sleep 100")
    console = host.ConsoleSocket(f"{box.dir}/console")
    types(box, "--root=" + box.root, "exec", "--pid-file", f"{box.dir}/pidfile", "--process",
          process_file(box, "tty; sleep 1", terminal=True), "--detach", "--console-socket", console.path, "c1").ok()
    console.receive().read_until(b"/dev/pts/")


@test
def conmon_takes_a_missing_pid_file_for_a_failed_exec(box):
    box.running("sleep 100")
    types(box, "--root=" + box.root, "exec", "--pid-file", f"{box.dir}/pidfile", "--process",
          process_file(box, "", args=["/etc/passwd"]), "--detach", "c1").fails("permission denied", code=255)
    assert not os.path.exists(f"{box.dir}/pidfile")


@test
def conmon_reads_the_group_of_a_container_that_has_ended(box):
    """memory.events, or memory.oom_control: until delete."""
    b = box.bundle("true")
    box.stopped(b)
    assert host.cgroup_directories(b.linux["cgroupsPath"])


# --- Podman

def created_by_podman(crun, b):
    """By way of conmon. The process."""
    b.write()
    crun("--log-format=json", "--log", f"{b.path}/oci-log", "create", "--bundle", b.path, "--pid-file",
         f"{b.path}/pidfile", "c1").ok().silent()
    return pid_of(f"{b.path}/pidfile")


@test
def podman_goes_through_a_lifecycle(box):
    crun = podman(box)
    pid = created_by_podman(crun, box.bundle("sleep 100"))
    assert os.path.isdir("/run/hozo/c1"), "an empty XDG_RUNTIME_DIR is none"
    # … and directly, its own streams being the user's terminal.
    crun("start", "c1").ok().silent()
    crun("kill", "c1", "9").ok().silent()
    host.eventually(lambda: not host.alive(pid))
    crun("delete", "--force", "c1").ok().silent()
    crun("delete", "--force", "c1").ok().silent()


@test
def podman_pauses_and_updates(box):
    crun = podman(box)
    pid = created_by_podman(crun, box.bundle("sleep 100"))
    crun("start", "c1").ok()
    for verb in "pause", "resume":
        crun(verb, "c1").ok().silent()
    with open(f"{box.dir}/podman1", "w") as f:
        json.dump({"pids": {"limit": 60}}, f)
    crun("update", f"--resources={box.dir}/podman1", "c1").ok().silent()
    same(limit_of(pid), "60")
    crun("delete", "--force", "c1").ok().silent()


@test
def podman_kills_all_where_the_pid_namespace_is_the_hosts(box):
    crun = podman(box)
    b = box.bundle("sleep 100 & sleep 100")
    b.without_namespace("pid")
    crun("create", "--bundle", b.write().path, "--pid-file", f"{b.path}/pidfile", "c1").ok()
    crun("start", "c1").ok().silent()
    pid = pid_of(f"{b.path}/pidfile")
    host.eventually(lambda: len(host.children(pid)) == 1)
    family = [pid, *host.children(pid)]
    crun("kill", "--all", "c1", "15").ok().silent()
    host.eventually(lambda: not any(map(host.alive, family)))
    crun("delete", "--force", "c1").ok().silent()


@test
def podman_runs_without_control_groups(box):
    crun = podman(box)
    b = box.bundle("sleep 100")
    del b.linux["resources"], b.linux["cgroupsPath"]
    crun("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "--pid-file", f"{b.path}/pidfile",
         "c1").ok()
    crun("start", "c1").ok().silent()
    pid = pid_of(f"{b.path}/pidfile")
    same(host.cgroup_of(pid), host.cgroup_of(os.getpid()))
    crun("kill", "c1", "9").ok()
    host.eventually(lambda: not host.alive(pid))
    crun("delete", "--force", "c1").ok().silent()


@test
def podman_reads_one_object_from_the_log(box):
    crun = podman(box)
    for n, (args, code) in enumerate(((["frobnicate"], 127), (["/etc/passwd"], 126), (["/bin/frobnicate"], 127))):
        b = box.bundle(args).write()
        crun("--log-format=json", "--log", f"{b.path}/oci-log", "create", "--bundle", b.path, "--pid-file",
             f"{b.path}/pidfile", f"c{n}").ends(1)
        same(podman_code(podman_error(f"{b.path}/oci-log")), code, args[0])


@test
def podman_passes_sockets_and_descriptors_on(box):
    """It has written LISTEN_FDS into the configuration itself, and must not find it twice."""
    private_run()
    b = box.bundle("echo $LISTEN_FDS $LISTEN_PID; env | grep -c LISTEN_; ls /proc/self/fd | tr '\\n' ' '")
    b.process["env"] += ["LISTEN_FDS=1", "LISTEN_PID=1"]
    read, write = os.pipe()
    created = types(box, "create", "--bundle", b.write().path, "--pid-file", f"{b.path}/pidfile", "--preserve-fds",
                    "1", "c1", close_fds=False, preexec_fn=host.place_descriptors([read])).ok()
    types(box, "start", "c1").ok()
    os.waitpid(pid_of(f"{b.path}/pidfile"), 0)
    same(created.out.split(), ["1", "1", "2", "0", "1", "2", "3", "4"])
    types(box, "delete", "--force", "c1").ok()
    os.close(read), os.close(write)


# --- CRI-O

@test
def crio_goes_through_a_lifecycle(box):
    runc = crio(box)
    b = box.bundle("trap '' TERM; while :; do sleep 0.02; done")
    b.config["annotations"] = {"io.kubernetes.cri-o.Name": "x", "org.systemd.property.TimeoutStopUSec": "uint64 1"}
    types(box, "--root=" + box.root, "create", "--bundle", b.write().path, "--pid-file", f"{b.path}/pidfile", "c1").ok()
    runc("start", "c1").ok().silent()
    state = runc.state()
    assert state["status"] == "running" and state["pid"] == pid_of(f"{b.path}/pidfile"), state
    rfc3339(state["created"])
    same(state["annotations"]["io.kubernetes.cri-o.Name"], "x")
    runc("kill", "c1", "34").ok().silent()
    runc("kill", "c1", "KILL").ok().silent()
    host.eventually(lambda: not host.alive(state["pid"]))
    state = runc.state()
    assert state["status"] == "stopped" and state["pid"] == 0, "a member that is left out keeps its old value there"
    runc("kill", "-a", "c1", "9").ok().silent()
    runc("delete", "--force", "c1").ok().silent()


@test
def crio_pauses_and_updates(box):
    runc = crio(box)
    out = box.create(box.bundle("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done")).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "up\n")
    pid = box.state()["pid"]
    runc("pause", "c1").ok()
    same(runc.state()["status"], "paused")
    read, write = os.pipe()
    os.write(write, b'{"pids": {"limit": 70}}')
    os.close(write)
    runc("update", "--resources", "-", "c1", stdin=read).ok().silent()
    os.close(read)
    same(limit_of(pid), "70")
    # It resumes before it stops.
    runc("resume", "c1").ok().silent()
    runc("kill", "c1", "15").ok()
    box.wait_status("stopped")


@test
def crio_matches_what_standard_error_says(box):
    """With regard to case; errors of delete and kill are then none."""
    runc = crio(box)
    box.stopped()
    err = runc("kill", "c1", "15").ends(1).err
    assert "no such process" in err or "container not running" in err, err


@test
def crio_runs_a_further_process_in_the_foreground(box):
    runc = crio(box)
    box.running("sleep 100")
    r = runc("exec", "--process", process_file(box, "echo out; echo err >&2; exit 5"), "c1").ends(5)
    same((r.out, r.err), ("out\n", "err\n"))


@test
def crio_runs_a_further_process_on_a_terminal(box):
    box.running("sleep 100")
    master, slave = os.openpty()
    os.set_inheritable(slave, True)
    process = subprocess.Popen([box.runtime, "--root", box.root, "exec", "--process",
                                process_file(box, "read line; echo got $line; exit 6", terminal=True), "c1"],
                               stdin=slave, stdout=slave, stderr=slave, env=ENVIRONMENT, start_new_session=True)
    os.close(slave)
    os.write(master, b"words\n")
    host.Terminal(master).read_until(b"got words")
    same(process.wait(10), 6)


@test
def crio_is_told_why_exec_failed(box):
    box.running("sleep 100")
    crio(box)("exec", "--process", process_file(box, "", args=["frobnicate"]), "c1").fails(
        "exec failed: ", "executable file not found in $PATH", code=255)


@test
def crio_asks_for_the_state_of_a_container_that_is_gone(box):
    crio(box)("state", "nobody").fails("container does not exist")


# --- Buildah

@test
def buildah_runs_a_step(box):
    private_run()
    b = box.bundle("sleep 100").write()
    runtime = Engine(box, cwd=b.path)
    runtime("create", "--bundle", b.path, "--pid-file", f"{b.path}/pid", "--no-pivot", "buildah-1").ok().silent()
    pid = pid_of(f"{b.path}/pid")
    runtime("start", "buildah-1").ok().silent()
    assert runtime.state("buildah-1")["status"] in ("creating", "created", "running", "stopped")
    runtime("kill", "buildah-1").ok().silent()  # the first process of a pid namespace does not hear it
    runtime("kill", "buildah-1", "SIGKILL").ok().silent()
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -signal.SIGKILL)
    same(runtime.state("buildah-1")["status"], "stopped")
    runtime("delete", "buildah-1").ok().silent()


# --- BuildKit

@test
def buildkit_runs_a_step(box):
    private_run()
    runtime = Engine(box, "--log", f"{box.dir}/runc-log.json", "--log-format", "json")
    b = box.bundle("echo step; while :; do sleep 0.02; done").write()
    run = runtime.start("run", "--bundle", b.path, "--no-pivot", "--pid-file", f"{b.path}/pidfile", "--keep", "x1")
    host.eventually(lambda: run.output.out == "step\n")
    state = runtime.state("x1")
    assert (state["status"], state["bundle"], state["rootfs"]) == ("running", b.path, b.rootfs), state
    same(state["pid"], pid_of(f"{b.path}/pidfile"))
    r = runtime("exec", "--process", process_file(box, "echo more; exit 2"), "--pid-file", f"{box.dir}/p", "x1").ends(2)
    same(r.out, "more\n")
    runtime("kill", "x1", "9").ok().silent()
    same(run.wait(10), 128 + signal.SIGKILL)
    same(runtime.state("x1")["status"], "stopped")
    assert host.cgroup_directories(b.linux["cgroupsPath"]), "it reads what the step has used"
    err = runtime("kill", "x1", "9").ends(1).err.lower()
    assert "container not running" in err or "no such process" in err, err
    runtime("delete", "x1").ok().silent()
    err = runtime("kill", "x1", "9").ends(1).err.lower()
    assert "container does not exist" in err, err


@test
def buildkit_gets_the_exit_status_of_its_step(box):
    private_run()
    runtime = Engine(box, "--log", f"{box.dir}/runc-log.json", "--log-format", "json")
    runtime("run", "--bundle", box.bundle("exit 42").write().path, "--keep", "x1").ends(42)
    runtime("delete", "x1").ok().silent()


@test
def buildkit_may_kill_the_runtime(box):
    """By its parent-death signal; the next delete removes all."""
    private_run()
    runtime = Engine(box)
    run = runtime.start("run", "--bundle", box.bundle("echo up; sleep 100").write().path, "--keep", "x1")
    host.eventually(lambda: run.output.out == "up\n")
    run.kill()
    run.wait()
    runtime("delete", "--force", "x1").ok().silent()
    box.nothing_left()


@test
def the_list_of_clients_names_these_tests_and_no_others(box):
    here = os.path.dirname(os.path.abspath(__file__))
    with open(f"{here}/../../docs/clients.md") as f:
        named = set(re.findall(r"`([a-z0-9_]+)\(\)`", f.read()))
    tests = set()
    for file in ("clients", "client_answers"):
        with open(f"{here}/{file}.py") as f:
            tests |= set(re.findall(r"^@test.*?^def ([a-z0-9_]+)\(box", f.read(), re.M | re.S))
    same(named - tests, set(), "named, but there is no such test")
    same(tests - named, {"the_list_of_clients_names_these_tests_and_no_others"}, "not named")
