# SPDX-License-Identifier: Apache-2.0
"""The verbs that act on a virtual machine from outside: kill, pause, state, ps, events, update."""
import json
import os
import signal
import socket
import time

import host
from harness import same, test
from limits import Group
from machine_box import descendants, file_server, hypervisor, machine, up
from machines import LIMIT, MEMORY, MIB

SIGNALS = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH", "34", "TSTP")


@test(timeout=LIMIT)
def any_signal_reaches_the_program_in_the_guest(box):
    traps = "; ".join(f"trap 'echo {s}' {s}" for s in SIGNALS)
    out = up(box, machine(box, f"{traps}; echo up; while :; do sleep 0.05; done"))
    for s in SIGNALS:
        box.hozo("kill", "c1", s).ok().silent()
        host.eventually(lambda s=s: out.out.endswith(f"{s}\n"), 10, s)
    same(out.out.split(), ["up", *SIGNALS], "each once")
    same(box.state()["status"], "running")
    box.hozo("kill", "c1", "0").ok()


@test(timeout=LIMIT, sanitized=False)
def sigkill_ends_the_machine_and_all_that_belongs_to_it(box):
    p = box.spawn_run(machine(box, "trap '' TERM HUP; echo up; sleep 1000"))
    host.eventually(lambda: p.output.out == "up\n", 20, "the program")
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    assert len(family) > 1, family
    box.hozo("kill", "c1", "TERM").ok()
    same(box.state()["status"], "running")
    box.hozo("kill", "c1", "KILL").ok().silent()
    same(p.wait(LIMIT), 137)
    host.eventually(lambda: not any(map(host.alive, family)), 5, "the end of all processes")
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def a_signal_without_handler_ends_the_program_and_the_machine(box):
    """Not process 1 of a pid namespace: the kernel keeps what that one does not handle from it."""
    b = machine(box, "echo up; exec sleep 1000")
    b.without_namespace("pid")
    p = box.spawn_run(b)
    host.eventually(lambda: p.output.out == "up\n", 20, "the program")
    box.hozo("kill", "c1", "USR1").ok()
    same(p.wait(LIMIT), 128 + signal.SIGUSR1)


@test(timeout=LIMIT, sanitized=False)
def all_means_every_process_of_the_guest(box):
    b = machine(box, "for n in 1 2 3; do (trap \"echo child $n; exit\" USR1; echo ready; while :; do sleep 0.1; done) & done; "
                     "trap 'echo parent' USR1; echo up; while :; do wait; done")
    out = up(box, b)
    host.eventually(lambda: out.out.count("ready") == 3, 10)
    box.hozo("kill", "--all", "c1", "USR1").ok()
    host.eventually(lambda: out.out.count("child") == 3 and "parent" in out.out, 10, "all signals")
    box.hozo("kill", "--all", "c1", "KILL").ok()
    box.wait_status("stopped")


@test(timeout=LIMIT, sanitized=False)
def a_created_machine_is_killed_and_deleted(box):
    pid = box.created(machine(box, "echo never"))
    family = [pid, *descendants(pid)]
    box.hozo("kill", "c1", "KILL").ok()
    host.eventually(lambda: not any(map(host.alive, family)), 5)
    box.hozo("delete", "c1").ok().silent()
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def no_time_passes_in_a_paused_machine(box):
    out = up(box, machine(box, "echo up; while :; do echo tick; sleep 0.1; done"))
    host.eventually(lambda: out.out.count("tick") > 3, 10)
    box.hozo("pause", "c1").ok().silent()
    same(box.state()["status"], "paused")
    time.sleep(0.5)
    before = out.out
    time.sleep(1.5)
    same(out.out, before)
    box.exec("true").fails("paused", code=255)
    box.hozo("resume", "c1").ok()
    same(box.state()["status"], "running")
    host.eventually(lambda: len(out.out) > len(before), 10, "it goes on")
    same(box.exec("echo", "word").ok().out, "word\n")
    box.hozo("pause", "c1").ok()
    box.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def a_signal_to_a_paused_machine_arrives_when_it_goes_on(box):
    out = up(box, machine(box, "trap 'echo caught' USR1; echo up; while :; do sleep 0.1; done"))
    box.hozo("pause", "c1").ok()
    began = time.monotonic()
    box.hozo("kill", "c1", "USR1").ok().silent()
    assert time.monotonic() - began < 5, "nobody can answer"
    box.hozo("resume", "c1").ok()
    host.eventually(lambda: "caught\n" in out.out, 10, "the signal")


@test(timeout=LIMIT, sanitized=False)
def an_exec_in_a_paused_machine_runs_when_it_goes_on(box):
    up(box, machine(box, "echo up; sleep 1000"))
    box.hozo("pause", "c1").ok()
    p = box.spawn("exec", "--ignore-paused", "c1", "sh", "-c", "echo word; exit 3")
    time.sleep(0.5)
    assert p.poll() is None, p.output
    box.hozo("resume", "c1").ok()
    same(p.wait(LIMIT), 3)
    same(p.output.out, "word\n")


@test(timeout=LIMIT, sanitized=False)
def a_machine_that_lets_nobody_in_does_not_hold_those_who_ask(box):
    up(box, machine(box, "echo up; sleep 1000"))
    pid = box.state()["pid"]
    os.kill(pid, signal.SIGSTOP)
    waiting = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            waiting[-1].connect(f"{box.root}/c1/control")
    except BlockingIOError:
        pass
    box.hozo("kill", "c1", "TERM", timeout=40).fails("does not answer")
    box.exec("true", timeout=40).fails("does not answer", code=255)
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")


@test(timeout=LIMIT, sanitized=False)
def state_and_ps_tell_the_processes_on_the_host(box):
    up(box, machine(box, "echo up; sleep 1000"))
    state = box.state()
    assert state["status"] == "running" and state["pid"] in host.living_children(), state
    listed = json.loads(box.hozo("ps", "--format", "json", "c1").ok().out)
    same(set(listed), {state["pid"], *descendants(state["pid"])})
    assert {hypervisor(box), file_server(box)} <= set(listed), listed
    assert "sleep" not in box.hozo("ps", "c1").ok().out


@test(timeout=LIMIT, sanitized=False)
def events_tell_what_the_machine_uses(box):
    up(box, machine(box, "echo up; sleep 1000"))
    data = json.loads(box.hozo("events", "--stats", "c1").ok().out)["data"]
    assert data["memory"]["usage"]["usage"] > 30 * MIB, data["memory"]
    assert data["cpu"]["usage"]["total"] > 10 ** 8, data["cpu"]
    assert data["pids"]["current"] >= 3, data["pids"]


@test(cases={"gone": (None, "no such file or directory"), "not executable": (0o644, "permission denied")}, timeout=LIMIT,
      sanitized=False)
def start_tells_why_the_program_does_not_run(box, case):
    """A second later at most the guest has seen what the host has changed."""
    mode, text = case
    b = machine(box, ["/bin/program"])
    os.link(f"{b.rootfs}/bin/busybox", f"{b.rootfs}/bin/program")
    pid = box.created(b)
    os.remove(f"{b.rootfs}/bin/program")
    if mode:
        with open(f"{b.rootfs}/bin/program", "w"):
            os.chmod(f"{b.rootfs}/bin/program", mode)
    time.sleep(2)
    box.hozo("start", "c1").fails("/bin/program", text)
    host.eventually(lambda: not host.alive(pid), 10, "the end of the machine")
    box.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


# --- linux.resources

def limit(group):
    return int(group.read("memory.limit_in_bytes", "memory.max"))


@test(timeout=LIMIT)
def the_limit_of_memory_is_the_machines_and_a_stated_overhead(box):
    """docs/vm.md states it: 256 MiB, and a 64th part of the guest's memory."""
    b = machine(box, "echo up; sleep 1000")
    b.linux["resources"]["memory"] = {"limit": 300 * MIB}
    b.linux["resources"]["pids"] = {"limit": 60}
    b.config["vm"]["hwConfig"] = {"memory": MEMORY}
    group = Group(b, "memory")
    up(box, b)
    overhead = 256 * MIB + MEMORY // 64
    same(limit(group), 300 * MIB + overhead)
    same(int(Group(b, "pids").read("pids.max")), 60)
    assert box.state()["pid"] in host.cgroup_processes(group.directory)
    assert hypervisor(box) in host.cgroup_processes(group.directory)
    with open(f"{box.dir}/update.json", "w") as f:
        json.dump({"memory": {"limit": 350 * MIB}, "pids": {"limit": 70}}, f)
    box.hozo("update", "--resources", f"{box.dir}/update.json", "c1").ok()
    same(limit(group), 350 * MIB + overhead)
    same(int(Group(b, "pids").read("pids.max")), 70)
    box.exec("true").ok()


@test(timeout=LIMIT, sanitized=False)
def a_guest_that_uses_all_its_memory_stays_within_the_limit(box):
    """What the guest may have and the overhead are enough for everything that a hypervisor does with it."""
    b = machine(box, "echo up; dd if=/dev/zero of=/tmp/fill bs=1M 2>/dev/null; echo full; sleep 1000")
    b.linux["resources"]["memory"] = {"limit": MEMORY}
    b.mount("/tmp", options=["size=120m"])
    out = up(box, b)
    host.eventually(lambda: "full" in out.out, 20, "a full tmpfs")
    box.exec("true").ok()
    same(box.state()["status"], "running")
