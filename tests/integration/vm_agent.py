# SPDX-License-Identifier: Apache-2.0
"""What hozo-agent does with processes, signals and streams, without a machine around it."""
import hashlib
import os
import random
import signal
import struct

import agent
import bundle
import harness
from agent import (CREATED, CREDIT, DATA, EXECUTED, EXITED, FAILED, FRAME_MAX, PLAN, RECORD, REFUSED, RESIZE,
                   SIGNAL, SPAWN, START, STDERR, STDIN, STDOUT, WINDOW, Agent, Ended, process)
from harness import same, test


def configuration(box, args, change=None):
    if not os.path.exists(f"{box.dir}/rootfs"):
        bundle.make_rootfs(f"{box.dir}/rootfs")
    return agent.configuration(box.dir, args, change)


def shell(box, script, change=None):
    """A configuration whose program is this script."""
    return configuration(box, ["/bin/sh", "-c", script], change)


def ends(a, act):
    """What the agent takes for the end: it is gone, and with it every process."""
    try:
        act()
        a.until(lambda: False, 10)
    except Ended:
        return
    raise AssertionError("the agent went on")


# --- a life

@test
def a_process_from_its_plan_to_its_exit_status(box):
    with Agent(box) as a:
        assert a.set_up()
        p = a.created(shell(box, "echo out; echo err >&2; exit 42"))
        assert not p.output[STDOUT]
        a.send(START, 1)
        same(a.end(), (42, 0))
        same(p.told, [CREATED, EXECUTED, EXITED])
        same(p.output, {STDOUT: b"out\n", STDERR: b"err\n"})
        a.until(lambda: p.ended == {STDOUT, STDERR})
        a.off()


@test
def what_the_configuration_says_of_the_process(box):
    script = "hostname; pwd; id -u; id -g; echo $NAME; ulimit -n; umask; cat /proc/self/oom_score_adj; echo $$"

    def change(c):
        c["process"].update(cwd="/tmp", env=["NAME=value", "PATH=/bin"], oomScoreAdj=100,
                            user={"uid": 1000, "gid": 1000, "umask": 0o27})
        c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 77}]

    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, script, change))
        same(a.end(), (0, 0))
        same(p.output[STDOUT].decode().split(), ["tenon", "/tmp", "1000", "1000", "value", "77", "0027", "100", "1"])


@test
def scheduling_is_set_by_the_agent(box):
    def change(c):
        c["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 3}
        c["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE"}

    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "cut -d' ' -f19,41 /proc/self/stat; ionice", change))
        a.end()
        same(p.output[STDOUT].decode().splitlines(), ["3 3", "idle"])


@test
def a_program_that_is_not_there(box):
    with Agent(box) as a:
        a.set_up()
        plan = a.plan("create", configuration(box, ["/missing"]))
        p = a.spawn(1, plan)
        a.until(lambda: p.failed)
        same(p.failed[1], 2)
        same(p.told, [FAILED])
        # Its number is free again.
        a.started(shell(box, "exit 3"))
        same(a.end(), (3, 0))


@test
def a_program_that_execve_refuses(box):
    with Agent(box) as a:
        a.set_up()
        config = configuration(box, ["/bin/words"])
        with open(f"{box.dir}/rootfs/bin/words", "w") as f:
            f.write("no format\n")
        os.chmod(f"{box.dir}/rootfs/bin/words", 0o755)
        p = a.created(config)
        a.send(START, 1)
        a.end()
        same(p.told, [CREATED, REFUSED, EXITED])
        assert struct.unpack_from("<I", p.refused, 0)[0] == 6, p.refused
        assert b"/bin/words" in p.refused, p.refused


@test
def a_start_container_hook_that_fails(box):
    def change(c):
        c["hooks"] = {"startContainer": [{"path": "/bin/false"}]}

    with Agent(box) as a:
        a.set_up()
        p = a.created(shell(box, "echo never", change))
        a.send(START, 1)
        a.end()
        same(p.told, [CREATED, REFUSED, EXITED])
        assert b"startContainer" in p.refused and not p.output[STDOUT], (p.refused, p.output)


@test
def what_a_guest_cannot_do_is_refused(box):
    def change(c):
        c["hooks"] = {"createRuntime": [{"path": "/bin/true"}]}

    with Agent(box) as a:
        a.set_up()
        p = a.spawn(1, a.plan("create", shell(box, "true", change)))
        a.until(lambda: p.failed)
        same(p.failed[1:], (38, 0))


@test
def a_plan_that_is_none(box):
    with Agent(box) as a:
        a.set_up()
        plan = a.plan("create", shell(box, "true"))
        for bytes_ in (b"x", plan[:-1], plan[:8] + b"\xff" * 40 + plan[48:]):
            p = a.spawn(1, bytes_)
            a.until(lambda: p.failed)
            same(p.told, [FAILED])
        a.started(shell(box, "exit 5"))
        same(a.end(), (5, 0))


# --- streams

@test
def binary_data_through_standard_input_and_output(box):
    data = random.Random(1).randbytes(1 << 20)
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "cat"))
        a.write(1, data)
        a.close(1)
        same(a.end(), (0, 0))
        assert p.output[STDOUT] == data, (len(p.output[STDOUT]), len(data))


@test
def both_outputs_at_once(box):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "dd if=/dev/zero bs=1000 count=700 2>/dev/null & "
                                 "dd if=/dev/zero bs=1000 count=600 >&2 2>/dev/null; wait"))
        same(a.end(), (0, 0))
        same([len(p.output[s]) for s in (STDOUT, STDERR)], [700000, 600000])


@test
def output_that_nobody_takes_stays_where_it_is(box):
    with Agent(box) as a:
        a.set_up()
        a.generous = False
        p = a.started(shell(box, "dd if=/dev/zero bs=1000 count=1000 2>/dev/null; echo end >&2"))
        a.until(lambda: len(p.output[STDOUT]) == WINDOW)
        assert not a.turn(0.3) and not p.output[STDERR] and not p.exited
        a.generous = True
        a.grant(1, STDOUT)
        a.end()
        same((len(p.output[STDOUT]), p.output[STDERR]), (1000000, b"end\n"))


@test
def what_was_written_comes_before_the_exit_status_also_without_credit(box):
    """More than one credit is left when the process ends: it waits in the pipe."""
    with Agent(box) as a:
        a.set_up()
        a.generous = False
        p = a.started(shell(box, f"dd if=/dev/zero bs={WINDOW} count=1 2>/dev/null; echo last; exit 1"))
        a.until(lambda: len(p.output[STDOUT]) == WINDOW and STDERR in p.ended)
        assert not a.turn(0.5) and not p.exited
        a.grant(1, STDOUT)
        same(a.end(), (1, 0))
        assert p.output[STDOUT].endswith(b"last\n")


@test
def a_stream_that_others_hold_goes_on(box):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "pid"]

    with Agent(box) as a:
        a.set_up()
        config = shell(box, "sleep 100", change)
        a.started(config)
        p = a.executed(2, config, process(box.dir, ["/bin/sh", "-c", "exec 3<&0; (read x <&3; echo $x) & exit 4"]))
        same(a.end(2), (4, 0))
        assert not p.ended & {STDOUT}
        a.write(2, b"later\n")
        a.until(lambda: p.ended == {STDOUT, STDERR})
        same(p.output[STDOUT], b"later\n")


@test
def end_of_file_in_both_directions(box):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "exec >&-; cat >/dev/null; echo read >&2; sleep 100"))
        a.until(lambda: STDOUT in p.ended)
        assert not p.output[STDERR]
        a.close(1)
        a.until(lambda: p.output[STDERR])
        same(p.output[STDERR], b"read\n")


@test
def input_that_nobody_reads(box):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "exec <&-; sleep 0.2; echo done; exit 6"))
        while p.allowed:
            a.write(1, bytes(min(p.allowed, FRAME_MAX)))
        same(a.end(), (6, 0))
        same(p.output[STDOUT], b"done\n")


# --- terminals

def with_terminal(c):
    c["process"]["terminal"] = True


@test
def a_terminal(box):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "tty; stty size; read line; echo got $line; exit 8", with_terminal),
                      terminal=True, rows=33, columns=99)
        a.until(lambda: b"99" in p.output[STDOUT])
        a.write(1, b"text\n")
        a.close(1)  # which is no end of the terminal
        same(a.end(), (8, 0))
        same(p.output[STDOUT].replace(b"\r", b"").decode().splitlines(), ["/dev/pts/0", "33 99", "text", "got text"])
        a.until(lambda: p.ended == {STDOUT})


@test
def a_terminal_gets_another_size(box):
    script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done"
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, script, with_terminal), terminal=True, rows=10, columns=20)
        a.until(lambda: b"ready" in p.output[STDOUT])
        a.send(RESIZE, 1, struct.pack("<HH", 50, 132))
        a.end()
        assert b"50 132" in p.output[STDOUT], p.output


@test
def all_that_was_written_to_a_terminal(box):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "stty -onlcr; seq 1 40000", with_terminal), terminal=True)
        same(a.end(), (0, 0))
        same(p.output[STDOUT].decode().split(), [str(n) for n in range(1, 40001)])


@test
def a_terminal_takes_more_than_its_buffer(box):
    data = b"".join(b"%d\n" % n for n in range(60000))
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "stty -echo; echo ready; head -n 60000 | md5sum", with_terminal), terminal=True)
        a.until(lambda: b"ready" in p.output[STDOUT])
        a.write(1, data)
        a.end()
        assert hashlib.md5(data).hexdigest().encode() in p.output[STDOUT], p.output


# --- signals and further processes

@test(cases={"TERM": signal.SIGTERM, "KILL": signal.SIGKILL})
def a_signal(box, sig):
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"))
        a.until(lambda: p.output[STDOUT])
        a.signal(1, sig)
        same(a.end(), (9, 0) if sig == signal.SIGTERM else (137, 9))


@test
def a_process_that_was_only_created_can_be_killed(box):
    with Agent(box) as a:
        a.set_up()
        p = a.created(shell(box, "true"))
        a.signal(1, signal.SIGKILL)
        same(a.end(), (137, 9))
        same(p.told, [CREATED, EXITED])
        # Who asks now does not know yet.
        a.send(START, 1)
        a.signal(1, signal.SIGKILL)
        a.send(DATA, 1, b"x", STDIN)
        a.off()


@test
def a_further_process(box):
    with Agent(box) as a:
        a.set_up()
        config = shell(box, "echo first > /tmp/file; sleep 100")
        first = a.started(config)
        a.until(lambda: os.path.exists(f"{box.dir}/rootfs/tmp/file"))
        p = a.executed(2, config, process(box.dir, ["/bin/sh", "-c", "cat /tmp/file; hostname; cat; exit 13"]))
        a.write(2, b"more")
        a.close(2)
        same(a.end(2), (13, 0))
        same(p.output[STDOUT], b"first\ntenon\nmore")
        p = a.spawn(3, a.plan("exec", config, process(box.dir, ["/missing"])))
        a.until(lambda: p.failed)
        same((p.told, p.failed[1]), ([FAILED], 2))
        assert not first.exited


@test
def further_processes_at_once(box):
    with Agent(box) as a:
        a.set_up()
        config = shell(box, "sleep 100")
        a.started(config)
        plan = a.plan("exec", config, process(box.dir, ["/bin/sh", "-c", "cat; exit 1"]))
        for n in range(2, 22):
            a.spawn(n, plan)
        for n in range(2, 22):
            a.write(n, b"%d" % n)
            a.close(n)
        for n in range(2, 22):
            same(a.end(n), (1, 0))
            same(a.processes[n].output[STDOUT], b"%d" % n)


@test
def a_further_process_with_a_terminal(box):
    with Agent(box) as a:
        a.set_up()
        config = shell(box, "sleep 100", with_terminal)
        a.started(config, terminal=True)
        p = a.executed(2, config, process(box.dir, ["/bin/sh", "-c", "stty size; tty"], terminal=True),
                       terminal=True, rows=3, columns=4)
        same(a.end(2), (0, 0))
        same(p.output[STDOUT].split(), [b"3", b"4", b"/dev/pts/1"])


@test
def a_further_process_needs_the_first(box):
    with Agent(box) as a:
        a.set_up()
        plan = a.plan("exec", shell(box, "true"), process(box.dir, ["true"]))
        p = a.spawn(2, plan)
        a.until(lambda: p.failed)
        same((p.told, p.failed[1]), ([FAILED], 3))


@test
def the_end_of_the_first_is_the_end_of_all(box):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "pid"]

    for changed in (None, change):
        with Agent(box) as a:
            a.set_up()
            config = shell(box, "read x; exit 2", changed)
            a.started(config)
            a.executed(2, config, process(box.dir, ["sleep", "100"]))
            a.write(1, b"\n")
            same(a.end(1), (2, 0))
            same(a.end(2), (137, 9))


@test
def a_signal_for_all(box):
    with Agent(box) as a:
        a.set_up()
        config = shell(box, "trap 'exit 1' USR1; echo ready; while :; do sleep 0.1; done")
        first = a.started(config)
        second = a.executed(2, config, process(box.dir, ["/bin/sh", "-c", "trap 'exit 5' USR1; echo ready; "
                                                         "while :; do sleep 0.1; done"]))
        a.until(lambda: first.output[STDOUT] and second.output[STDOUT])
        a.signal(0, signal.SIGUSR1)
        same(a.end(1), (1, 0))
        assert a.end(2) in ((5, 0), (137, 9)), a.end(2)


@test
def orphans_are_reaped(box):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "pid"]

    script = ("(sleep 0.1 & sleep 0.2 &) ; sleep 0.6; "
              "for s in /proc/[0-9]*/stat; do cut -d' ' -f3 $s; done 2>/dev/null | grep -c Z; true")
    with Agent(box) as a:
        a.set_up()
        p = a.started(shell(box, script, change))
        a.end()
        same(p.output[STDOUT], b"0\n")


# --- the other side

def flood(a):
    size = WINDOW + 8 * FRAME_MAX
    a.processes[1].allowed -= size
    a.port.sendall((agent.HEADER.pack(DATA, STDIN, 1, FRAME_MAX) + bytes(FRAME_MAX)) * (size // FRAME_MAX))


@test(cases={
    "a frame that is too long": lambda a: a.port.send(agent.HEADER.pack(DATA, 0, 1, FRAME_MAX + 1)),
    "a frame of no type": lambda a: a.port.send(agent.HEADER.pack(0, 0, 0, 0)),
    "a frame of an unknown type": lambda a: a.port.send(agent.HEADER.pack(99, 0, 0, 0)),
    "what only the agent says": lambda a: a.send(CREATED, 1),
    "a record too late": lambda a: a.send(RECORD, 0, b"share\0" b"9p\0" b"x\0"),
    "a plan of nobody": lambda a: a.send(PLAN, 0, b"x"),
    "a start without a process that waits": lambda a: (a.send(PLAN, 7, b"x"), a.send(START, 7)),
    "a process without a plan": lambda a: a.send(SPAWN, 9, bytes(8)),
    "a size that is none": lambda a: a.send(SPAWN, 1, bytes(7)),
    "a signal that is none": lambda a: a.signal(1, 65),
    "a process a second time": lambda a: a.send(PLAN, 1, b"x"),
    "a second start": lambda a: a.send(START, 1),
    "data for an output": lambda a: a.send(DATA, 1, b"x", STDOUT),
    "credit for the input": lambda a: a.send(CREDIT, 1, bytes(4), STDIN),
    "more input than was granted": flood,
    "input behind its end": lambda a: (a.close(1), a.close(1)),
    "nothing more at all": lambda a: a.port.shutdown(1),
})
def what_must_not_come_is_the_end(box, act):
    with Agent(box) as a:
        a.set_up()
        a.started(shell(box, "sleep 1000"))
        a.port.setblocking(True)
        ends(a, lambda: act(a))


@test(cases={
    "no end of a string": b"share\0" b"9p\0" b"x",
    "no string": b"",
    "unknown": b"disk\0" b"x\0",
    "too few words": b"share\0" b"9p\0",
    "too many words": b"x\0" * 40,
})
def a_record_that_is_none(box, record):
    with Agent(box) as a:
        a.until(lambda: a.told)
        ends(a, lambda: a.send(RECORD, 0, record))


@test
def before_it_is_up_nothing_is_spawned(box):
    with Agent(box) as a:
        a.until(lambda: a.told)
        ends(a, lambda: a.send(PLAN, 1, b"x"))


@test
def a_machine_that_cannot_be_made(box):
    with Agent(box) as a:
        assert not a.set_up(["share", "ext5", "tag"])
        assert a.text.startswith(b"ext5: "), a.text
        a.off()


@test
def nobody_who_reads_cannot_fill_its_memory(box):
    """It goes on asking, and never reads."""
    def act(a):
        a.port.setblocking(True)
        a.port.settimeout(20 * harness.patience)
        while True:
            try:
                a.port.sendall((agent.HEADER.pack(PLAN, 0, 5, 1) + b"x" + agent.HEADER.pack(SPAWN, 0, 5, 8) + bytes(8))
                               * 100)
            except (BrokenPipeError, ConnectionResetError):
                raise Ended from None

    with Agent(box) as a:
        a.set_up()
        ends(a, lambda: act(a))


@test(timeout=120)
def noise(box):
    """Nothing that comes is more than the end of the agent: it ends as it does by itself."""
    seeds = random.Random(os.getpid())
    kinds = [PLAN, SPAWN, START, DATA, CREDIT, SIGNAL, RESIZE]
    sizes = {PLAN: 64, SPAWN: 8, START: 0, CREDIT: 4, SIGNAL: 4, RESIZE: 4}
    for _ in range(12):
        with Agent(box) as a:
            a.set_up()
            plan = bytearray(a.plan("create", shell(box, "sleep 1000")))
            try:
                for _ in range(seeds.randrange(1, 60)):
                    kind, number = seeds.choice(kinds), seeds.randrange(1, 4)
                    a.processes.setdefault(number, agent.Process())
                    a.processes[number].ended = set()
                    payload = seeds.randbytes(sizes.get(kind, seeds.randrange(300)))
                    if kind == PLAN:
                        for _ in range(seeds.randrange(3)):
                            plan[seeds.randrange(len(plan))] = seeds.randrange(256)
                        payload = bytes(plan[:FRAME_MAX])
                    if kind == SPAWN:
                        payload = struct.pack("<IHH", seeds.randrange(2), 1, 1)
                    if kind == SIGNAL:
                        payload = struct.pack("<I", seeds.randrange(1, 65))
                    a.send(kind, number, payload, STDIN if kind == DATA else seeds.choice((STDOUT, STDERR)))
                    a.turn(0)
            except Ended:
                pass
            except AssertionError:
                pass  # what a process may still say of one that this loop has forgotten
            a.port.close()
            a.child.wait(10 * harness.patience)
            assert a.child.returncode == 0, a.child.returncode
