# SPDX-License-Identifier: Apache-2.0
"""hozo-monitor and hozo-agent together, without a machine between them: real programs, plans and streams."""
import os
import signal
import subprocess
import time

import agent
import host
from harness import same, test
from monitor import SYNC_CREATED, SYNC_GUEST_FAILED, WINDOW, Machine, packet, read_all
from monitor_streams import MEBIBYTE, Collector, Feeder, Terminal


def plan_of(box, *arguments):
    r = subprocess.run([f"{box.build}/tests/vm/guest_plan", *arguments], capture_output=True)
    assert r.returncode == 0, r.stderr
    return r.stdout


def machine(box, script, change=None, **options):
    """A monitor whose hypervisor is the agent, as process 1 of a pid namespace."""
    bundle = box.bundle().write()
    config = agent.configuration(bundle.path, ["/bin/sh", "-c", script], change)
    with open("/proc/self/status") as f:
        capabilities = host.status_field(f.read(), "CapEff")
    hypervisor = ("child", "hypervisor", capabilities, "/usr/bin/unshare", "--pid", "--fork", "--kill-child",
                  "--mount-proc", "--uts", "--ipc", f"{box.build}/plugins/vm/agent/hozo-agent", "--on", "11",
                  f"{box.build}/core/init/hozo-init")
    m = Machine(box, hypervisor=hypervisor, the_plan=plan_of(box, "create", config), **options)
    m.config = config
    return m


def started(m):
    same(m.sync.message(), (SYNC_CREATED, 0, 0, 0))
    result = m.press_start()
    same(read_all(result), b"x")
    os.close(result)
    return m


def pipes(*names):
    """{name: the monitor's end}, and ours in that order."""
    made = {name: os.pipe() for name in names}
    return ({name: ends[name != "stdin"] for name, ends in made.items()},
            [ends[name == "stdin"] for name, ends in made.items()])


def close(theirs):
    for fd in theirs.values():
        os.close(fd)


def visit(m, script, **options):
    path = agent.process(os.path.dirname(m.config), ["/bin/sh", "-c", script])
    v, sync = m.visit(the_plan=plan_of(m.box, "exec", m.config, path), **options)
    same(sync.message(), (SYNC_CREATED, 0, 0, 0))
    same(sync.message(), None)
    return v


@test
def a_program_runs_and_its_status_is_the_monitors(box):
    theirs, (out, err) = pipes("stdout", "stderr")
    m = machine(box, "echo out; echo err >&2; exit 7", **theirs)
    close(theirs)
    started(m)
    same((read_all(out), read_all(err)), (b"out\n", b"err\n"))
    m.ends(7)


@test
def a_mebibyte_passes_intact_there_and_back(box):
    theirs, (feed, out) = pipes("stdin", "stdout")
    m = machine(box, "cat", **theirs)
    close(theirs)
    started(m)
    Feeder(feed, MEBIBYTE)
    collector = Collector(out)
    m.ends(0)
    assert collector.all() == MEBIBYTE


@test
def several_mebibytes_pass_through_executions_at_once(box):
    m = started(machine(box, "sleep 100"))
    running = []
    for code in range(4):
        theirs, (feed, out) = pipes("stdin", "stdout")
        v = visit(m, f"cat; exit {code}", **theirs)
        close(theirs)
        running.append((code, v, Feeder(feed, MEBIBYTE), Collector(out)))
    for code, v, _, collector in running:
        v.ends(code)
        assert collector.all() == MEBIBYTE


@test
def a_program_that_reads_nothing_gets_no_more_than_the_window(box):
    theirs, (feed,) = pipes("stdin")
    m = started(machine(box, "trap 'exit 3' TERM; while :; do sleep 0.1; done", **theirs))
    close(theirs)
    os.set_blocking(feed, False)
    written = 0
    try:
        while written < 4 * WINDOW:
            written += os.write(feed, b"x" * 4096)
            time.sleep(0.001)
    except BlockingIOError:
        pass
    assert written < 3 * WINDOW, written
    m.process.signal(signal.SIGTERM)
    m.ends(3)


@test
def signals_end_programs_by_themselves(box):
    m = started(machine(box, "trap 'exit 9' USR1; while :; do sleep 0.1; done"))
    v = visit(m, "exec sleep 100")
    v.signal(signal.SIGTERM)
    v.ends(143)
    m.process.signal(signal.SIGUSR1)
    m.ends(9)


@test
def all_processes_are_killed_with_the_first(box):
    m = started(machine(box, "sleep 100"))
    v = visit(m, "exec sleep 100")
    same(packet(m.ask("SIGNAL", signal.SIGKILL)), ("DONE", 0, 0, 0))
    m.ends(137)
    v.ends(137)


@test
def a_visitor_that_is_killed_takes_its_process_with_it(box):
    theirs, (out,) = pipes("stdout")
    m = started(machine(box, "sleep 100"))
    v = visit(m, "trap '' TERM; exec sleep 50", **theirs)
    close(theirs)
    v.signal(signal.SIGKILL)
    v.ends(-signal.SIGKILL)
    same(read_all(out), b"")
    theirs, (out,) = pipes("stdout")
    w = visit(m, "ps -o args", **theirs)
    close(theirs)
    same(read_all(out).count(b"sleep 50"), 0)
    w.ends(0)


@test(timeout=60)
def executions_come_and_go_many_times(box):
    """Some fail, in every state; none is mistaken for another."""
    m = started(machine(box, "sleep 100"))
    path = os.path.dirname(m.config)
    good = plan_of(box, "exec", m.config, agent.process(path, ["/bin/sh", "-c", "exit 5"]))
    long = plan_of(box, "exec", m.config, agent.process(path, ["/bin/sleep", "50"]))
    bad = plan_of(box, "exec", m.config, agent.process(path, ["/bin/nothing"]))
    for i in range(30):
        v, sync = m.visit(the_plan=(good, bad, long)[i % 3])
        same(sync.message()[0], SYNC_GUEST_FAILED if i % 3 == 1 else SYNC_CREATED)
        if i % 3 == 2:
            v.signal(signal.SIGKILL)
        v.ends((5, 1, -signal.SIGKILL)[i % 3])
    assert m.process.alive(), m.log()


@test
def a_terminal_is_the_programs(box):
    def change(config):
        config["process"]["terminal"] = True
    t = Terminal(30, 100)
    m = machine(box, "stty size; read x; echo got $x; trap 'stty size' WINCH; read y; read y; exit 3", change,
                stdin=t.slave, stdout=t.slave, stderr=t.slave, controlling=True)
    os.close(t.slave)
    started(m)
    t.read_until(b"30 100")
    t.write(b"abc\n")
    t.read_until(b"got abc")
    t.resize(50, 60)
    t.read_until(b"50 60")
    t.write(b"\n\n\n")
    m.ends(3)


@test
def a_program_that_is_not_there_is_told_to_hozo(box):
    def change(config):
        config["process"]["args"] = ["/bin/nothing"]
    m = machine(box, "", change)
    message = m.sync.message()
    same((message[0], message[2]), (SYNC_GUEST_FAILED, 2))
    m.ends(1)
