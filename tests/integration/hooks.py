# SPDX-License-Identifier: Apache-2.0
"""Each kind of hook: when, where, with what input, and what its failure does."""
import json
import os
import time

import host
from harness import same, test

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
BEFORE_START = ["prestart", "createRuntime", "createContainer"]
LOG = "/log"  # where the containers of these tests see the directory for what hooks write


def bundle_with_log(box, program="true"):
    b = box.bundle(program)
    b.log = f"{b.path}/log"
    os.mkdir(b.log)
    b.bind(b.log, LOG)
    return b


def shell_hook(b, kind, script, **more):
    """startContainer runs inside, where the directory is /log; all others see the host's paths."""
    directory = LOG if kind == "startContainer" else b.log
    b.hook(kind, "/bin/sh", ["sh", "-c", f"cd {directory} && {{ {script} ; }}"],
           env=["PATH=/usr/bin:/bin"], **more)


def log(b, name="log"):
    try:
        with open(f"{b.log}/{name}") as f:
            return f.read()
    except FileNotFoundError:
        return ""


@test
def all_run_in_their_order(box):
    b = bundle_with_log(box, f"echo program >> {LOG}/log")
    for kind in reversed(KINDS):
        shell_hook(b, kind, f"echo {kind} 1 >> log")
        shell_hook(b, kind, f"echo {kind} 2 >> log")
    box.created(b)
    same(log(b).splitlines(), [f"{k} {n}" for k in BEFORE_START for n in (1, 2)])
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")
    lines = log(b).splitlines()
    same([x for x in lines[6:] if "start" not in x or "Container" in x], [
        "startContainer 1", "startContainer 2", "program"])
    same([x for x in lines if x.startswith("poststart")], ["poststart 1", "poststart 2"])
    box.hozo("delete", "c1").ok()
    same(log(b).splitlines()[-2:], ["poststop 1", "poststop 2"])
    same(len(log(b).splitlines()), 13)


@test
def run_runs_them_all(box):
    b = bundle_with_log(box)
    for kind in KINDS:
        shell_hook(b, kind, f"echo {kind} >> log")
    box.run(b).ok().silent()
    same(sorted(log(b).split()), sorted(KINDS))


@test(cases={k: s for k, s in zip(KINDS, ["creating", "creating", "creating", "created", "running",
                                          "stopped"])}, sanitized=True)
def the_state_comes_on_standard_input(box, status):
    kind = dict(creating="createRuntime", created="startContainer", running="poststart",
                stopped="poststop")[status]
    b = bundle_with_log(box, "sleep 100")
    b.config["annotations"] = {"org.example.a": "b"}
    for k in (KINDS[:3] if status == "creating" else [kind]):
        shell_hook(b, k, f"cat > {k}; echo end >> {k}")
    pid = box.running(b)
    box.hozo("delete", "--force", "c1").ok()
    for k in (KINDS[:3] if status == "creating" else [kind]):
        text = log(b, k)
        assert text.endswith("}end\n") or text.endswith("}\nend\n"), "one object, then the end of input"
        state = json.loads(text.removesuffix("end\n"))
        assert state["id"] == "c1" and state["bundle"] == b.path and state["status"] == status, state
        same(state["ociVersion"], b.config["ociVersion"])
        same(state["annotations"], {"org.example.a": "b"})
        if k in ("prestart", "createRuntime", "poststart"):
            same(state["pid"], pid)
        elif k == "startContainer":
            same(state["pid"], 1)
        elif k == "poststop":
            same(state.get("pid", 0), 0)


@test
def those_of_the_runtime_run_in_its_namespaces(box):
    b = bundle_with_log(box)
    kinds = ["prestart", "createRuntime", "poststart", "poststop"]
    for kind in kinds:
        shell_hook(b, kind, f"for n in mnt pid net uts ipc; do readlink /proc/self/ns/$n; done > {kind}")
    box.run(b).ok()
    ours = [host.namespace("self", n) for n in ("mnt", "pid", "net", "uts", "ipc")]
    for kind in kinds:
        same(log(b, kind).split(), ours, kind)


@test
def create_container_runs_in_the_containers_namespaces_but_the_hosts_files(box):
    b = bundle_with_log(box, "sleep 100")
    shell_hook(b, "createContainer",
               "for n in mnt net uts ipc; do readlink /proc/self/ns/$n; done > ns; ls -d /usr/lib/apt > ls")
    pid = box.created(b)
    same(log(b, "ns").split(), [host.namespace(pid, n) for n in ("mnt", "net", "uts", "ipc")])
    same(log(b, "ls"), "/usr/lib/apt\n", "its path is resolved in the runtime's root")


@test
def create_container_sees_the_mounts_at_the_root_file_system(box):
    b = bundle_with_log(box)
    shell_hook(b, "createContainer", f"grep -c ' {b.rootfs}/proc ' /proc/self/mountinfo > seen")
    box.run(b).ok()
    same(log(b, "seen"), "1\n")


@test
def start_container_runs_inside_the_container(box):
    b = bundle_with_log(box)
    shell_hook(b, "startContainer", "cat /proc/sys/kernel/hostname > name; cp /proc/mounts mounts; ls / > ls")
    box.run(b).ok()
    same(log(b, "name"), "tenon\n")
    assert b.path not in log(b, "mounts") and "busybox" not in log(b, "ls") and "log" in log(b, "ls")


@test
def start_container_waits_for_start(box):
    b = bundle_with_log(box)
    shell_hook(b, "startContainer", "echo ran > ran")
    box.created(b)
    time.sleep(0.1)
    same(log(b, "ran"), "")
    box.hozo("start", "c1").ok()
    same(log(b, "ran"), "ran\n")


@test
def poststart_runs_after_the_program_really_runs(box):
    b = bundle_with_log(box, "sleep 100")
    b.program(["sleep", "100"])
    script = b.script("poststart", "#!/bin/sh\n"
                      "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
                      f"tr '\\0' ' ' </proc/$pid/cmdline > {b.log}/program\n")
    b.hook("poststart", script, [script], env=["PATH=/usr/bin:/bin"])
    box.running(b)
    same(log(b, "program"), "sleep 100 ")


# --- environment, arguments, descriptors

@test
def a_hook_without_env_gets_no_environment(box):
    """CVE-2025-23266: a hook that inherits the image's variables loads the image's libraries."""
    b = bundle_with_log(box)
    b.process["env"].append("LD_PRELOAD=/tmp/evil.so")
    for kind in KINDS:
        inside = kind == "startContainer"
        file = f"{LOG if inside else b.log}/{kind}"
        b.hook(kind, "/bin/cp", ["cp", "/proc/self/environ", file])
    box.run(b).ok()
    for kind in KINDS:
        assert os.path.exists(f"{b.log}/{kind}") and log(b, kind) == "", kind


@test
def a_hook_gets_the_env_that_it_names_and_no_other(box):
    b = bundle_with_log(box)
    for kind in KINDS:
        file = f"{LOG if kind == 'startContainer' else b.log}/{kind}"
        b.hook(kind, "/bin/cp", ["cp", "/proc/self/environ", file], env=["ONE=1", "EMPTY="])
    box.run(b).ok()
    for kind in KINDS:
        same(log(b, kind), "ONE=1\0EMPTY=\0", kind)


@test
def the_arguments_are_passed_as_they_are(box):
    b = bundle_with_log(box)
    b.hook("createRuntime", "/bin/cp", ["any name", "/proc/self/cmdline", f"{b.log}/args"])
    b.hook("createContainer", "/bin/true")
    box.run(b).ok()
    same(log(b, "args"), f"any name\0/proc/self/cmdline\0{b.log}/args\0")


@test
def a_hook_gets_no_descriptor_but_its_three(box):
    b = bundle_with_log(box)
    for kind in KINDS:
        shell_hook(b, kind, f"ls /proc/self/fd > {kind}")
    box.run(b).ok()
    for kind in KINDS:
        assert log(b, kind).split() == ["0", "1", "2", "3"], (kind, log(b, kind))


@test
def what_a_hook_does_not_read_does_not_block(box):
    b = bundle_with_log(box)
    b.config["annotations"] = {f"org.example.{n}": "x" * 1000 for n in range(200)}
    for kind in KINDS:
        shell_hook(b, kind, f"exec <&-; echo {kind} >> log")
    box.run(b).ok()
    same(sorted(log(b).split()), sorted(KINDS))


# --- failures

@test(cases={k: k for k in BEFORE_START})
def its_failure_fails_create_and_leaves_nothing(box, kind):
    b = bundle_with_log(box)
    shell_hook(b, kind, "echo first >> log")
    shell_hook(b, kind, "exit 3")
    shell_hook(b, kind, "echo never >> log")
    shell_hook(b, "startContainer", "echo never >> log")
    box.create(b, "--pid-file", f"{box.dir}/pid").fails(f"hooks.{kind}[1]")
    same(log(b), "first\n")
    assert not os.path.exists(f"{box.dir}/pid")
    box.unknown()
    box.nothing_left()


@test(cases={k: k for k in BEFORE_START})
def its_failure_fails_run_and_leaves_nothing(box, kind):
    b = bundle_with_log(box, "echo never")
    shell_hook(b, kind, "exit 3")
    box.run(b).fails(f"hooks.{kind}[0]")
    box.nothing_left()


@test
def a_failing_start_container_hook_is_reported_by_start(box):
    b = bundle_with_log(box, f"echo never > {LOG}/program")
    shell_hook(b, "startContainer", "exit 0")
    shell_hook(b, "startContainer", "exit 3")
    shell_hook(b, "poststart", "echo never >> log")
    box.created(b)
    box.hozo("start", "c1").fails("hooks.startContainer[1]")
    assert log(b) == "" and log(b, "program") == ""
    box.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


@test
def a_failing_start_container_hook_fails_run(box):
    b = bundle_with_log(box, "echo never")
    shell_hook(b, "startContainer", "exit 3")
    box.run(b).fails("hooks.startContainer[0]")
    box.nothing_left()


@test
def a_start_container_hook_that_is_killed_is_reported(box):
    b = bundle_with_log(box, "echo never")
    shell_hook(b, "startContainer", "kill -9 $$")
    box.created(b)
    box.hozo("start", "c1").fails("hooks.startContainer[0]")


@test
def a_failing_poststart_hook_ends_the_container(box):
    b = bundle_with_log(box, "sleep 100")
    shell_hook(b, "poststart", "exit 3")
    pid = box.created(b)
    box.hozo("start", "c1").fails("hooks.poststart[0]")
    assert not host.alive(pid)
    box.hozo("delete", "c1").ok()
    box.nothing_left()


@test
def a_failing_poststart_hook_fails_run(box):
    b = bundle_with_log(box, "sleep 100")
    shell_hook(b, "poststart", "exit 3")
    box.run(b).fails("hooks.poststart[0]")
    box.nothing_left()


@test
def a_failing_poststop_hook_stops_nothing(box):
    b = bundle_with_log(box)
    shell_hook(b, "poststop", "exit 3")
    shell_hook(b, "poststop", "echo second > second")
    box.stopped(b)
    box.hozo("delete", "c1").ends(0)
    same(log(b, "second"), "second\n")
    box.unknown()
    box.nothing_left()


@test
def poststop_runs_when_the_container_is_gone(box):
    b = bundle_with_log(box)
    group = b.linux["cgroupsPath"]
    shell_hook(b, "poststop", f"ls -d {box.root}/c1 /sys/fs/cgroup/*{group} /sys/fs/cgroup{group} "
                              "> left 2>/dev/null; echo done >> left")
    box.run(b).ok()
    same(log(b, "left"), "done\n")


@test
def poststop_runs_after_a_failed_create(box):
    """runtime.md: after a failing createRuntime hook the lifecycle goes on with the poststop hooks."""
    b = bundle_with_log(box)
    shell_hook(b, "createRuntime", "exit 3")
    shell_hook(b, "poststop", "echo undone > undone")
    box.create(b).fails("hooks.createRuntime[0]")
    same(log(b, "undone"), "undone\n")


@test(cases={k: k for k in ["prestart", "createRuntime", "createContainer"]})
def a_hook_that_takes_too_long_is_killed_with_its_children(box, kind):
    b = bundle_with_log(box)
    shell_hook(b, kind, "sleep 97 & sleep 98", timeout=1)
    began = time.monotonic()
    box.create(b).fails(f"hooks.{kind}[0]", "timed out")
    assert 0.9 < time.monotonic() - began < 20
    box.nothing_left()


@test
def a_start_container_hook_that_takes_too_long_is_killed(box):
    b = bundle_with_log(box)
    shell_hook(b, "startContainer", "sleep 98", timeout=1)
    box.created(b)
    box.hozo("start", "c1").fails("hooks.startContainer[0]", "timed out")


@test
def a_hook_within_its_time_is_let_alone(box):
    b = bundle_with_log(box)
    shell_hook(b, "createRuntime", "sleep 0.3; echo done > done", timeout=5)
    box.run(b).ok()
    same(log(b, "done"), "done\n")


@test(cases={k: k for k in BEFORE_START})
def a_hook_that_is_not_there_fails_create(box, kind):
    b = box.bundle("true")
    b.hook(kind, "/nowhere/hook")
    box.create(b).fails(f"hooks.{kind}[0]", "no such file or directory")
    box.nothing_left()


@test(cases={k: k for k in KINDS})
def a_hook_needs_an_absolute_path(box, kind):
    b = box.bundle("true")
    b.hook(kind, "bin/true")
    box.create(b).fails(f"hooks.{kind}[0]", "bin/true")
    box.nothing_left()


@test(cases={"0": 0, "-1": -1})
def a_timeout_is_greater_than_zero(box, timeout):
    b = box.bundle("true")
    b.hook("createRuntime", "/bin/true", timeout=timeout)
    box.create(b).fails("hooks.createRuntime[0].timeout")
    box.nothing_left()
