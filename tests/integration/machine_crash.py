# SPDX-License-Identifier: Apache-2.0
"""Whoever of a virtual machine is killed, and whenever: delete removes everything, and nobody waits for ever."""
import glob
import os
import signal
import time

import host
import network
from harness import same, test
from machine_box import child, descendants, hypervisor, machine, settings, up
from machines import LIMIT

# Of one create: how long after its start it is killed, in parts of the time that it takes.
MOMENTS = 12


def removed(box, family):
    """delete --force removes the container, whatever is left of it."""
    box.hozo("delete", "--force", "c1").ok()
    host.eventually(lambda: not any(map(host.alive, family)), 5, "the end of all processes")
    box.nothing_left()
    assert not glob.glob(f"{box.root}/c1"), "its state"


def networked(box, b):
    """With a device, so that there are taps."""
    network.own_namespace()
    ns = network.Namespace()
    network.ip("link", "add", "outside", "type", "veth", "peer", "name", "eth0", "netns", f"/proc/{os.getpid()}/fd/{ns.fd}")
    network.ip("address", "add", "10.7.0.2/24", "dev", "eth0", inside=ns)
    network.ip("link", "set", "eth0", "up", inside=ns)
    ns.joined_by(b)
    return ns


def devices(ns):
    return sorted(n["ifname"] for n in network.asked("link", "show", inside=ns))


@test(cases={name: name for name in ("monitor", "qemu-system", "virtiofsd")}, timeout=LIMIT, sanitized=False)
def the_death_of_one_is_the_end_of_the_machine(box, name):
    b = machine(box, "echo up; sleep 1000")
    ns = networked(box, b)
    before = devices(ns)
    p = box.spawn_run(b, "--keep")
    host.eventually(lambda: p.output.out == "up\n", 20, "the program")
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    os.kill(pid if name == "monitor" else child(box, name), signal.SIGKILL)
    code = p.wait(LIMIT)
    assert code not in (0, None), f"exit status {code}: nobody knows how the program ended\n{p.output}"
    host.eventually(lambda: not any(map(host.alive, family)), 10, "the end of all processes")
    same(box.state()["status"], "stopped")
    removed(box, family)
    same(devices(ns), before)


@test(cases={name: name for name in ("monitor", "qemu-system", "virtiofsd")}, timeout=LIMIT, sanitized=False)
def the_death_of_one_while_it_is_paused_is_survived_by_delete(box, name):
    up(box, machine(box, "echo up; sleep 1000"))
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    box.hozo("pause", "c1").ok()
    os.kill(pid if name == "monitor" else child(box, name), signal.SIGKILL)
    removed(box, family)


@test(cases={name: name for name in ("monitor", "qemu-system")}, timeout=LIMIT, sanitized=False)
def the_death_of_one_before_the_start_is_an_error_of_start(box, name):
    box.create(machine(box, "echo up; sleep 1000")).ok()
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    os.kill(pid if name == "monitor" else child(box, name), signal.SIGKILL)
    host.eventually(lambda: not any(map(host.alive, family)), 10, "the end of all processes")
    r = box.hozo("start", "c1").ends(1)
    assert r.err.count("\n") == 1 and r.err.startswith("hozo: "), r
    removed(box, family)


@test(cases={name: name for name in ("monitor", "qemu-system", "virtiofsd")}, timeout=LIMIT, sanitized=False)
def the_death_of_one_during_exec_is_an_error_of_exec(box, name):
    """The guest stands still, so that it is never done."""
    up(box, machine(box, "echo up; sleep 1000"))
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    os.kill(hypervisor(box), signal.SIGSTOP)
    p = box.spawn("exec", "c1", "echo", "word")
    host.eventually(lambda: [q for q in descendants(p.pid) if host.command_line(q) == "hozo-monitor visit"], 20, "the visitor")
    os.kill(pid if name == "monitor" else child(box, name), signal.SIGKILL)
    assert p.wait(LIMIT) not in (0, None), p.output
    assert not p.output.out and p.output.err.count("\n") == 1 and p.output.err.startswith("hozo: "), p.output
    host.eventually(lambda: not any(map(host.alive, family)), 10, "the end of all processes")
    same(box.state()["status"], "stopped")
    removed(box, family)


@test(timeout=LIMIT, sanitized=False)
def a_delete_that_is_killed_is_done_again(box):
    up(box, machine(box, "echo up; sleep 1000"))
    pid = box.state()["pid"]
    family = [pid, *descendants(pid)]
    for delay in (0, 0.005, 0.02):
        p = box.spawn("delete", "--force", "c1")
        time.sleep(delay)
        p.kill()
        p.wait()
    removed(box, family)


@test(cases={name: name for name in ("hozo-monitor", "qemu-system", "virtiofsd")}, timeout=LIMIT, sanitized=False)
def the_death_of_one_during_create_is_an_error_of_create(box, name):
    p = box.spawn("create", "--bundle", machine(box).write().path, "c1")
    found = host.eventually(lambda: [q for q in descendants(p.pid) + descendants(os.getpid())
                                     if host.command_line(q).split("/")[-1].startswith(name) or f"/{name}" in host.command_line(q).split(" ")[0]],
                            20, name)
    os.kill(found[0], signal.SIGKILL)
    same(p.wait(LIMIT), 1)
    assert p.output.err.count("\n") == 1 and p.output.err.startswith("hozo: "), p.output
    box.nothing_left()


@test(timeout=LIMIT * 3, sanitized=False)
def a_create_that_is_killed_at_any_moment_leaves_what_delete_removes(box):
    b = machine(box)
    began = time.monotonic()
    box.create(b).ok()
    whole = time.monotonic() - began
    box.hozo("delete", "--force", "c1").ok()
    for moment in range(MOMENTS):
        # The first moments are those of hozo itself, and short.
        delay = 0.02 * moment if moment < MOMENTS // 2 else whole * (moment - MOMENTS // 2 + 0.5) / (MOMENTS // 2)
        p = box.spawn("create", "--bundle", b.path, "c1")
        time.sleep(delay)
        p.kill()
        p.wait()
        r = box.hozo("delete", "--force", "c1").ok()
        assert not r.out, r
        box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def a_run_that_is_killed_leaves_what_delete_removes(box):
    p = box.spawn_run(machine(box, "echo up; sleep 1000"))
    host.eventually(lambda: p.output.out == "up\n", 20, "the program")
    pid = box.state()["pid"]
    p.kill()
    p.wait()
    removed(box, [pid, *descendants(pid)])


@test(timeout=LIMIT, sanitized=False)
def an_exec_that_is_killed_leaves_the_machine_alone(box):
    up(box, machine(box, "echo up; sleep 1000"))
    for delay in (0.01, 0.05, 0.2, 0.5):
        p = box.spawn("exec", "c1", "sleep", "0.1")
        time.sleep(delay)
        p.kill()
        p.wait()
    same(box.exec("echo", "word").ok().out, "word\n")
    removed(box, [])


@test(timeout=LIMIT, sanitized=False)
def a_guest_whose_kernel_dies_ends_the_machine(box):
    b = machine(box, "echo up; echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 1000")
    b.linux["readonlyPaths"] = []
    p = box.spawn_run(b)
    code = p.wait(LIMIT)
    assert code != 0, p.output
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def a_guest_that_takes_longer_than_the_setting_allows_is_an_error_and_leaves_nothing(box):
    b = machine(box)
    settings(box, seconds=1)
    r = box.create(b).ends(1)
    same(r.err, "hozo: vm: the machine has failed: the guest is not up after 1 seconds: operation timed out\n")
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def a_kernel_that_does_not_start_is_an_error_and_leaves_nothing(box):
    """Its image says that it is one, but there is nothing to execute."""
    b = machine(box)
    with open(b.kernel.path, "rb") as f:
        head = f.read(4096)
    with open(f"{box.dir}/vmlinuz", "wb") as f:
        f.write(head + b"\xf4" * (1 << 20))
    os.symlink(f"{b.kernel.directory}/lib", f"{box.dir}/lib")
    b.config["vm"]["kernel"]["path"] = f"{box.dir}/vmlinuz"
    r = box.create(b).ends(1)
    assert r.err.count("\n") == 1 and r.err.startswith("hozo: "), r
    box.nothing_left()
