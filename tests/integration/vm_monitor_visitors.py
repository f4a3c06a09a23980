# SPDX-License-Identifier: Apache-2.0
"""The control socket of hozo-monitor: executions by visitors, signals by hozo."""
import os
import signal
import struct
import time

import host
from harness import same, test
from monitor import (BROKEN, FRAME_MAX, STDERR, STDIN, STDOUT, SYNC_CREATED, SYNC_GUEST_FAILED, SYNC_MACHINE_FAILED,
                     WINDOW, Machine, memfd, packet, plan, read_all, send_packet)
from monitor_streams import MEBIBYTE, Collector, Feeder, Terminal, echo, number


def running(box, **options):
    m = Machine(box, **options).running()
    m.agent.until("DATA")  # the end of its own standard input
    return m


def visiting(m, process=2, **options):
    """A visitor whose program runs."""
    v, sync = m.visit(**options)
    m.agent.created(process)
    same(sync.message(), (SYNC_CREATED, 0, 0, 0))
    m.agent.send("EXECUTED", process=process)
    same(sync.message(), None)
    return v


# --- executions

@test(cases={"a status": (7, 0, 7), "a signal": (137, 9, 137), "the code of a signal alone": (0, 15, 143)})
def an_execution_ends_as_its_process_does(box, case):
    code, n, status = case
    m = running(box)
    v = visiting(m)
    m.agent.exited(code, n, 2)
    v.ends(status)
    assert m.process.alive()


@test
def the_whole_plan_of_an_execution_arrives(box):
    m, whole = running(box), plan(filling=700_000)
    m.visit(the_plan=whole)
    arrived, spawn = m.agent.take_plan(2)
    assert arrived == whole, "another plan"
    same(spawn, (0, 0, 0))


@test
def hozo_is_told_step_by_step(box):
    m = running(box)
    v, sync = m.visit()
    m.agent.take_plan(2)
    sync.quiet()
    m.agent.send("CREATED", process=2)
    same(sync.message(), (SYNC_CREATED, 0, 0, 0))
    sync.quiet()
    m.agent.send("EXECUTED", process=2)
    same(sync.message(), None)
    assert v.alive()


@test(cases={"before it is created": False, "by its execve": True})
def a_failure_in_the_guest_is_told_as_one_of_the_plan(box, created):
    m = running(box)
    v, sync = m.visit()
    m.agent.created(2) if created else m.agent.take_plan(2)
    m.agent.send("FAILED", struct.pack("<IiI", 9, 2, 4), 2)
    if created:
        same(sync.message(), (SYNC_CREATED, 0, 0, 0))
    same(sync.message(), (SYNC_GUEST_FAILED, 9, 2, 4))
    v.ends(1)
    assert m.process.alive()


@test
def a_visitor_keeps_no_capability_and_no_stream(box):
    m = running(box)
    (i, feed), (out, o) = os.pipe(), os.pipe()
    v = visiting(m, stdin=i, stdout=o)
    with open(f"/proc/{v.pid}/status") as f:
        status = f.read()
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        same(int(host.status_field(status, name), 16), 0, name)
    held = {os.readlink(f"/proc/{v.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{v.pid}/fd")}
    assert not held & {os.readlink(f"/proc/self/fd/{fd}") for fd in (i, o)}, held


@test
def a_visitor_without_streams_has_empty_ones(box):
    m = running(box)
    v = visiting(m, closed=True)
    m.agent.expect("DATA", 2, STDIN, b"")
    m.agent.data(b"to nobody", STDOUT, 2)
    m.agent.exited(4, process=2)
    v.ends(4)


@test
def a_created_container_can_be_visited(box):
    m = Machine(box).created()
    v = visiting(m)
    m.agent.until("DATA")
    m.agent.exited(3, process=2)
    v.ends(3)


@test
def a_mebibyte_passes_through_an_execution_both_ways_at_once(box):
    m = running(box)
    (i, feed), (out, o), (err, e) = os.pipe(), os.pipe(), os.pipe()
    v = visiting(m, stdin=i, stdout=o, stderr=e)
    for fd in (i, o, e):
        os.close(fd)
    Feeder(feed, MEBIBYTE)
    collectors = Collector(out), Collector(err)
    echo(m.agent, MEBIBYTE, 2)
    m.agent.exited(0, process=2)
    v.ends(0)
    m.agent.data(b"", STDOUT, 2)
    m.agent.data(b"", STDERR, 2)
    same(sum(len(c.all()) for c in collectors), len(MEBIBYTE))


@test
def several_executions_at_once_stay_apart(box):
    m = running(box)
    pipes = {p: os.pipe() for p in range(2, 12)}
    visitors = {p: visiting(m, p, stdout=pipes[p][1]) for p in pipes}
    for p in pipes:
        os.close(pipes[p][1])
    for p in reversed(pipes):
        m.agent.data(b"%d" % p, STDOUT, p)
    for p in pipes:
        m.agent.exited(p, process=p)
        visitors[p].ends(p)
        m.agent.data(b"", STDOUT, p)
        same(read_all(pipes[p][0]), b"%d" % p)


@test
def a_number_is_used_again_only_when_nothing_is_heard_of_it_any_more(box):
    m = running(box)
    first = visiting(m, 2)
    m.agent.exited(0, process=2)
    first.ends(0)
    visiting(m, 3)
    m.agent.data(b"of what it has left behind", STDOUT, 2)
    m.agent.data(b"", STDOUT, 2)
    m.agent.data(b"", STDERR, 2)
    m.agent.rest()
    visiting(m, 2)


@test
def what_a_process_leaves_behind_may_still_write(box):
    m = running(box)
    out, o = os.pipe()
    v = visiting(m, stdout=o)
    os.close(o)
    m.agent.data(b"its own, ", STDOUT, 2)
    m.agent.exited(0, process=2)
    v.ends(0)
    m.agent.data(b"and its child's", STDOUT, 2)
    m.agent.data(b"", STDOUT, 2)
    same(read_all(out), b"its own, and its child's")


@test
def a_visitor_ends_only_when_all_is_written(box):
    m = running(box)
    out, o = os.pipe()
    v = visiting(m, stdout=o)
    os.close(o)
    for _ in range(WINDOW // FRAME_MAX):
        m.agent.data(b"x" * FRAME_MAX, STDOUT, 2)
    m.agent.exited(0, process=2)
    time.sleep(0.3)
    assert v.alive(), "ended before its output was read"
    c = Collector(out)
    v.ends(0)
    m.agent.data(b"", STDOUT, 2)
    same(len(c.all()), WINDOW)


@test
def two_hundred_and_fifty_five_executions_run_at_once_and_no_more(box):
    m = running(box)
    null = os.open(os.devnull, os.O_RDWR)
    connections = []
    for process in range(2, 257):
        connections.append(m.ask("EXEC", fds=[null, null, null, memfd(plan())]))
        os.close(os.memfd_create("x"))
        m.agent.created(process)
    same(packet(m.ask("EXEC", fds=[null, null, null, memfd(plan())])), ("ENDED", 0, 0, 0))
    for s in connections:
        same(packet(s), ("CREATED", 0, 0, 0))
    m.agent.exited(0, process=100)
    m.agent.data(b"", STDOUT, 100)
    m.agent.data(b"", STDERR, 100)
    same(packet(connections[98]), ("EXITED", 0, 0, 0))
    m.ask("EXEC", fds=[null, null, null, memfd(plan())])
    m.agent.created(100)


# --- ends

@test
def a_visitor_that_is_killed_takes_its_process_with_it(box):
    m = running(box)
    v = visiting(m)
    m.agent.until("DATA")
    v.signal(signal.SIGKILL)
    v.ends(-signal.SIGKILL)
    m.agent.expect("SIGNAL", 2, payload=number(signal.SIGKILL))
    m.agent.exited(137, 9, 2)
    assert m.process.alive()


@test
def a_visitor_dies_with_hozo_until_its_process_is_there(box):
    m = running(box)
    v, _ = m.visit()
    m.agent.take_plan(2)
    v.kill_runtime()
    v.ends(-signal.SIGKILL)
    m.agent.expect("SIGNAL", 2, payload=number(signal.SIGKILL))


@test
def a_visitor_lives_on_without_hozo(box):
    m = running(box)
    v = visiting(m)
    v.kill_runtime()
    m.agent.exited(8, process=2)
    v.ends(8)


@test
def a_machine_that_dies_is_the_end_of_its_visitors(box):
    m = running(box)
    v = visiting(m)
    m.child.tell("exit", 1)
    m.agent.close()
    v.ends(BROKEN)
    m.ends(BROKEN)


@test(cases={"killed": signal.SIGKILL})
def a_monitor_that_dies_is_the_end_of_its_visitors(box, how):
    m = running(box)
    v = visiting(m)
    m.process.signal(how)
    v.ends(BROKEN)


@test
def a_machine_that_dies_while_a_process_is_made_is_told_to_hozo(box):
    m = running(box)
    v, sync = m.visit()
    m.agent.take_plan(2)
    m.process.signal(signal.SIGKILL)
    same(sync.message(), (SYNC_MACHINE_FAILED, 0, 0, 0))
    v.ends(BROKEN)


@test
def the_end_of_the_container_is_that_of_its_visitors(box):
    """As in any container, whose processes are killed with the first one."""
    m = running(box)
    v = visiting(m)
    m.agent.exited(5)
    m.off()
    m.ends(5)
    v.ends(137)


@test
def what_an_execution_has_written_before_the_end_is_there(box):
    m = running(box)
    out, o = os.pipe()
    v = visiting(m, stdout=o)
    os.close(o)
    m.agent.data(b"last words", STDOUT, 2)
    m.agent.exited(137, 9, 2)
    m.agent.exited(0)
    m.off()
    m.ends(0)
    v.ends(137)
    same(read_all(out), b"last words")


# --- terminals and signals

@test
def an_execution_has_a_terminal_of_its_own(box):
    m, t = running(box), Terminal(40, 90)
    v, sync = m.visit(stdin=t.slave, stdout=t.slave, stderr=t.slave, the_plan=plan(terminal=True), controlling=True)
    os.close(t.slave)
    same(m.agent.take_plan(2)[1], (1, 40, 90))
    m.agent.send("CREATED", process=2)
    sync.message()
    m.agent.send("EXECUTED", process=2)
    same(sync.message(), None)
    everything = bytes(range(256))
    t.write(everything)
    same(m.agent.expect("DATA", 2, STDIN), everything)
    m.agent.data(everything, STDOUT, 2)
    t.read_until(everything)
    same(t.seen, everything)
    t.resize(10, 20)
    same(m.agent.expect("RESIZE", 2), struct.pack("<HH", 10, 20))
    m.agent.exited(0, process=2)
    v.ends(0)


@test
def signals_to_a_visitor_reach_its_process(box):
    m = running(box)
    v = visiting(m)
    m.agent.until("DATA")
    for n in range(1, 65):
        if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            v.signal(n)
            m.agent.expect("SIGNAL", 2, payload=number(n))


@test(cases={"its process": (0, 1), "all processes": (1, 0)})
def hozo_signals(box, case):
    to_all, process = case
    m = running(box)
    same(packet(m.ask("SIGNAL", signal.SIGSTOP, to_all)), ("DONE", 0, 0, 0))
    m.agent.expect("SIGNAL", process, payload=number(signal.SIGSTOP))


@test(cases={"0": 0, "65": 65, "less than nothing": -1})
def what_is_no_signal_is_refused(box, n):
    m = running(box)
    same(packet(m.ask("SIGNAL", n)), ("DONE", 22, 0, 0))
    m.agent.quiet()


@test
def a_process_that_has_ended_cannot_be_signalled(box):
    m = running(box)
    m.agent.exited(0)
    m.agent.until("OFF")
    same(packet(m.ask("SIGNAL", 15)), ("DONE", 3, 0, 0))


# --- packets that are none

@test(cases={
    "nothing": lambda s: None,
    "half a packet": lambda s: s.send(b"\1\0\0\0"),
    "a packet that is too long": lambda s: s.send(struct.pack("<Iiii", 7, 15, 0, 0) + b"more"),
    "an unknown packet": lambda s: s.send(struct.pack("<Iiii", 99, 0, 0, 0)),
    "an answer": lambda s: send_packet(s, "CREATED"),
    "an execution without descriptors": lambda s: send_packet(s, "EXEC"),
    "an execution without a plan": lambda s: send_packet(s, "EXEC", fds=[0, 0]),
    "a plan that is no file": lambda s: send_packet(s, "EXEC", fds=[0, 0, 0, 0]),
    "too many descriptors": lambda s: send_packet(s, "EXEC", fds=[0] * 20),
})
def a_caller_that_says_nonsense_hurts_nobody_else(box, nonsense):
    m = running(box)
    before = len(os.listdir(f"/proc/{m.process.pid}/fd"))
    for _ in range(3):
        s = m.connect()
        nonsense(s)
        s.close()
    v = visiting(m)
    m.agent.until("DATA")
    m.agent.exited(0, process=2)
    v.ends(0)
    m.agent.data(b"", STDOUT, 2)
    m.agent.data(b"", STDERR, 2)
    host.eventually(lambda: len(os.listdir(f"/proc/{m.process.pid}/fd")) == before, what="no descriptor is left")


@test
def callers_that_hang_up_without_a_word_make_room(box):
    m = running(box)
    silent = [m.connect() for _ in range(40)]
    for s in silent[:30]:
        s.close()
    same(packet(m.ask("SIGNAL", 15)), ("DONE", 0, 0, 0))


@test
def visitors_may_come_and_go_a_hundred_times(box):
    m = running(box)
    before = len(os.listdir(f"/proc/{m.process.pid}/fd"))
    null = os.open(os.devnull, os.O_RDWR)
    for i in range(100):
        the_plan = memfd(plan())
        s = m.ask("EXEC", fds=[null, null, null, the_plan])
        os.close(the_plan)
        m.agent.created(2)
        same(packet(s)[0], "CREATED")
        m.agent.data(b"x", STDOUT, 2)
        m.agent.data(b"", STDOUT, 2)
        m.agent.data(b"", STDERR, 2)
        m.agent.exited(i % 256, process=2)
        same(packet(s), ("EXITED", i % 256, 0, 0))
        s.close()
    host.eventually(lambda: len(os.listdir(f"/proc/{m.process.pid}/fd")) == before, what="no descriptor is left")
