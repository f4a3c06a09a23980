# SPDX-License-Identifier: Apache-2.0
"""What others own is not touched: another container with the same control group or the same id, the
runtime's own descriptors. And what a failure leaves behind."""
import json
import os
import signal
import subprocess
import time

import host
from harness import same, test


# --- the control group of somebody else

@test
def a_create_that_is_refused_the_control_group_of_another_spares_its_processes(box):
    one = box.bundle("sleep 100")
    pid = box.running(one)
    two = box.bundle_beside(one, "true")
    two.linux["cgroupsPath"] = one.linux["cgroupsPath"]
    box.create(two, id="c2").fails("linux.cgroupsPath")
    box.unknown("c2")
    assert host.alive(pid)
    same(box.state()["status"], "running")


@test
def a_killed_create_whose_control_group_came_later_spares_its_processes(box):
    """What the state of a dead create names was not made by it: its delete kills nobody there."""
    one = box.bundle("sleep 100")
    pid = box.running(one)
    os.mkdir(f"{box.root}/c2", 0o700)
    with open(f"{box.root}/c1/state.json") as f:
        state = json.load(f)
    state.update(id="c2", complete=False, pid=0, startTime=0)
    for plugin in state["plugins"]:
        plugin.pop("value", None)
    with open(f"{box.root}/c2/state.json", "w") as f:
        json.dump(state, f)
    with open(f"{box.root}/c2/config.json", "w") as f:
        json.dump(one.config, f)
    box.hozo("delete", "--force", "c2").ok()
    assert host.alive(pid)


# --- the id of somebody else

@test
def a_run_whose_container_was_replaced_leaves_the_new_one_alone(box):
    p = box.spawn_run("sleep 100")
    host.eventually(lambda: os.path.isdir(f"{box.root}/c1") and box.hozo("state", "c1").code == 0
                    and box.state()["status"] == "running")
    p.send_signal(signal.SIGSTOP)
    box.hozo("delete", "--force", "c1").ok()
    pid = box.running()
    p.send_signal(signal.SIGCONT)
    same(p.wait(10), 137)
    assert host.alive(pid)
    same(box.state()["status"], "running")


# --- descriptors

@test(cases={"create": "create", "exec": "exec"})
def preserve_fds_never_passes_a_descriptor_of_hozos_own(box, verb):
    b = box.bundle("ls -l /proc/self/fd")
    if verb == "create":
        r = box.hozo("--log", f"{box.dir}/log", "create", "--bundle", b.write().path,
                     "--preserve-fds", 1, "c1")
        r.fails("descriptor 3 is to be passed on")
        box.unknown()
    else:
        box.running()
        r = box.hozo("--log", f"{box.dir}/log", "exec", "--preserve-fds", 1, "c1", "ls", "-l",
                     "/proc/self/fd")
        r.fails("descriptor 3 is to be passed on", code=255)


# --- exec: what is said on the command line is beside what the configuration says

@test
def exec_keeps_the_umask_and_the_groups_of_the_configuration(box):
    b = box.bundle("sleep 100")
    b.process["user"] = {"uid": 0, "gid": 0, "umask": 0o027, "additionalGids": [7]}
    box.running(b)
    script = ["sh", "-c", "umask; id -G"]
    same(box.exec(*script, options=["-g", "9"]).ok().out, "0027\n0 7 9\n")
    same(box.exec(*script, options=["-u", "1000:1000"]).ok().out, "0027\n1000 7\n")


# --- exec and run that fail late

@test
def an_exec_whose_pid_file_cannot_be_written_leaves_no_process(box):
    box.running()
    mark = f"{box.dir}/nosuch/pid"
    box.exec("sleep", "77", options=("--detach", "--pid-file", mark)).fails("pid file", code=255)
    assert not any("sleep 77" in host.command_line(p) for p in host.living_children())
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                assert f.read() != b"sleep\x0077\x00", f"{pid} is left"
        except OSError:
            pass


@test
def a_run_whose_start_fails_leaves_no_pid_file(box):
    b = box.bundle("true")
    b.hook("startContainer", "/bin/false", ["false"])
    pid_file = f"{box.dir}/pid"
    box.run(b, "--detach", "--pid-file", pid_file).fails("hooks.startContainer[0]")
    assert not os.path.exists(pid_file)
    box.unknown()


# --- hooks

@test
def a_hook_with_a_very_long_timeout_is_not_ended_at_once(box):
    """4294968 s are 704 ms more than fit in 32 bits."""
    b = box.bundle("true")
    b.hook("createRuntime", "/bin/sleep", ["sleep", "1.2"], timeout=4294968)
    box.create(b).ok()


@test
def a_hook_that_left_its_process_group_ends_at_its_timeout(box):
    b = box.bundle("true")
    script = b.script("hook", "#!/usr/bin/python3\nimport os, time\n"
                      "os.setpgid(0, os.getpgid(os.getppid()))\ntime.sleep(60)\n")
    b.hook("createRuntime", script, timeout=1)
    box.create(b, timeout=10).fails("hooks.createRuntime[0]", "timed out")


@test
def a_poststop_hook_that_fails_is_logged(box):
    b = box.bundle("true")
    b.hook("poststop", "/bin/false", ["false"])
    box.created(b)
    r = box.hozo("--debug", "delete", "--force", "c1").ok()
    r.says("warning", "hooks.poststop[0]", "exited with status 1")


# --- delete --force

@test
def delete_force_ends_a_container_whose_configuration_is_lost(box):
    pid = box.running()
    os.unlink(f"{box.root}/c1/config.json")
    box.hozo("delete", "--force", "c1").ok()
    assert not host.alive(pid)
    box.nothing_left()


@test
def delete_force_does_not_drop_a_state_that_it_cannot_read(box):
    pid = box.running()
    file = f"{box.root}/c1/state.json"
    with open(file) as f:
        state = f.read()
    with open(file, "w") as f:
        f.write(state.replace('"format":1', '"format":2'))
    box.hozo("delete", "--force", "c1").fails("newer version")
    assert host.alive(pid)
    with open(file, "w") as f:
        f.write(state)
    box.hozo("delete", "--force", "c1").ok()


# --- a frozen container

def freeze(box, frozen):
    with open(f"{box.root}/c1/state.json") as f:
        file = json.load(f)["cgroup"]["freeze"]
    words = ("THAWED", "FROZEN") if file.endswith("freezer.state") else ("0", "1")
    with open(file, "w") as f:
        f.write(words[frozen])


def paused(box):
    box.running()
    freeze(box, True)
    box.wait_status("paused")


@test
def an_exec_that_waits_in_a_frozen_container_does_not_keep_delete_from_it(box):
    paused(box)
    p = box.spawn("exec", "--ignore-paused", "c1", "true")
    time.sleep(0.5)
    assert p.poll() is None, p.output
    box.hozo("delete", "--force", "c1", timeout=5).ok()
    # Thawed to be killed, it may or may not come to run its program first.
    assert p.wait(10) in (0, 255, 128 + signal.SIGKILL), p.output
    box.nothing_left()


@test
def an_exec_in_a_frozen_container_goes_on_when_that_is_thawed(box):
    paused(box)
    p = box.spawn("exec", "--ignore-paused", "c1", "echo", "thawed")
    time.sleep(0.5)
    assert p.poll() is None, p.output
    freeze(box, False)
    same(p.wait(10), 0)
    same(p.output.out, "thawed\n")


# --- start

@test
def a_container_runs_although_its_start_was_killed(box):
    """The FIFO outlives a start that was killed behind its byte: the state is what the process is."""
    box.created("sleep 100")
    with open(f"{box.root}/c1/start", "wb", buffering=0) as f:
        f.write(b"\0")
    box.wait_status("running")
    box.hozo("start", "c1").fails("cannot start an already running container")
    box.hozo("delete", "c1").fails("not stopped: running")


# --- giving up

@test(cases={"createRuntime": "createRuntime", "createContainer": "createContainer",
             "startContainer": "startContainer"})
def a_foreground_run_whose_hook_hangs_can_be_interrupted(box, kind):
    b = box.bundle("true")
    b.hook(kind, "/bin/sleep" if kind != "startContainer" else "/bin/busybox", ["sleep", "100"])
    run = box.spawn("run", "--bundle", b.write().path, "c1")
    host.eventually(lambda: any(name in ("sleep", "busybox") for name in below(run.pid)))
    run.send_signal(signal.SIGINT)
    run.wait(10)
    box.nothing_left()


def below(pid):
    """The names of all processes that descend from this one."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    text = f.read()
            except OSError:
                continue
            name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            children.setdefault(int(rest[1]), []).append((int(entry), name))
    found, names = [pid], []
    while found:
        for child, name in children.get(found.pop(), []):
            found.append(child)
            names.append(name)
    return names
