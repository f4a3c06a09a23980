# SPDX-License-Identifier: Apache-2.0
"""Standard streams, terminals and signals between hozo-monitor's descriptors and the guest's agent, whose part a test
plays."""
import fcntl
import os
import signal
import struct
import termios
import time

import host
from harness import same, test
from monitor import FRAME_MAX, STDERR, STDIN, STDOUT, WINDOW, Machine, is_sanitized, plan, read_all, read_some
from monitor_streams import MEBIBYTE, Collector, Feeder, Terminal, echo, number

# --- data

@test
def a_mebibyte_passes_intact_both_ways_at_once(box):
    (i, feed), (out, o), (err, e) = os.pipe(), os.pipe(), os.pipe()
    m = Machine(box, stdin=i, stdout=o, stderr=e)
    for fd in (i, o, e):
        os.close(fd)
    m.running()
    Feeder(feed, MEBIBYTE)
    collectors = Collector(out), Collector(err)
    echo(m.agent, MEBIBYTE)
    m.agent.exited(0)
    m.off()
    m.ends(0)
    out, err = (c.all() for c in collectors)
    same(len(out) + len(err), len(MEBIBYTE))
    # Pieces went to both in turn: each is a sequence of pieces of the whole.
    assert set(out) | set(err) == set(MEBIBYTE)


@test
def every_byte_of_the_output_comes_in_its_order(box):
    out, o = os.pipe()
    m = Machine(box, stdout=o)
    os.close(o)
    m.running()
    collector, allowed, sent = Collector(out), WINDOW, 0
    while sent < len(MEBIBYTE):
        piece = MEBIBYTE[sent:sent + FRAME_MAX]
        while allowed < len(piece):
            name, _, stream, payload = m.agent.frame()
            if (name, stream) == ("CREDIT", STDOUT):
                allowed += struct.unpack("<I", payload)[0]
        m.agent.data(piece)
        allowed -= len(piece)
        sent += len(piece)
    m.agent.exited(0)
    m.off()
    m.ends(0)
    assert collector.all() == MEBIBYTE


@test
def standard_output_and_error_stay_apart(box):
    (out, o), (err, e) = os.pipe(), os.pipe()
    m = Machine(box, stdout=o, stderr=e)
    os.close(o)
    os.close(e)
    m.running()
    m.agent.data(b"to the one", STDOUT)
    m.agent.data(b"to the other", STDERR)
    m.agent.exited(0)
    m.off()
    m.ends(0)
    same((read_all(out), read_all(err)), (b"to the one", b"to the other"))


@test
def the_end_of_standard_input_arrives(box):
    i, feed = os.pipe()
    m = Machine(box, stdin=i)
    os.close(i)
    m.running()
    os.write(feed, b"last")
    m.agent.expect("DATA", 1, STDIN, b"last")
    m.agent.quiet()
    os.close(feed)
    m.agent.expect("DATA", 1, STDIN, b"")
    m.agent.quiet()


@test
def the_end_of_standard_output_arrives_while_the_program_runs(box):
    out, o = os.pipe()
    m = Machine(box, stdout=o)
    os.close(o)
    m.running()
    m.agent.data(b"all")
    m.agent.data(b"")
    same(read_all(out), b"all")
    assert m.process.alive()


@test
def standard_input_waits_for_the_program(box):
    i, feed = os.pipe()
    m = Machine(box, stdin=i)
    os.write(feed, b"early")
    m.created()
    m.agent.quiet()
    result = m.press_start()
    m.agent.expect("START", 1)
    m.agent.quiet()
    m.agent.send("EXECUTED", process=1)
    m.agent.expect("DATA", 1, STDIN, b"early")
    os.close(result)


@test
def no_more_is_read_than_the_guest_takes(box):
    i, feed = os.pipe()
    fcntl.fcntl(feed, fcntl.F_SETPIPE_SZ, 1 << 20)
    m = Machine(box, stdin=i).running()
    os.write(feed, MEBIBYTE)
    came = b""
    while len(came) < WINDOW:
        came += m.agent.expect("DATA", 1, STDIN)
    m.agent.quiet()
    same(len(came), WINDOW)
    m.agent.credit(100)
    came += m.agent.expect("DATA", 1, STDIN)
    same(len(came), WINDOW + 100)
    assert came == MEBIBYTE[:len(came)]


@test
def a_reader_that_does_not_read_stops_the_guest_and_nothing_else(box):
    out, o = os.pipe()
    m = Machine(box, stdout=o).running()
    for _ in range(WINDOW // FRAME_MAX):
        m.agent.data(b"x" * FRAME_MAX)
    # 64 KiB are in the pipe: not enough of the window is free for more credit than that.
    given = sum(struct.unpack("<I", payload)[0] for name, _, _, payload in m.agent.rest() if name == "CREDIT")
    assert given <= 65536, given
    m.process.signal(signal.SIGUSR1)
    m.agent.expect("SIGNAL", 1, payload=number(signal.SIGUSR1))
    same(fcntl.fcntl(o, fcntl.F_GETFL) & os.O_NONBLOCK, 0, "O_NONBLOCK")
    os.close(o)
    m.agent.exited(0)
    m.off()
    same(read_some(out, WINDOW), b"x" * WINDOW)
    m.ends(0)


@test
def output_to_nobody_is_swallowed(box):
    out, o = os.pipe()
    m = Machine(box, stdout=o)
    os.close(o)
    m.running()
    os.close(out)
    for _ in range(3 * WINDOW // FRAME_MAX):
        m.agent.data(b"x" * FRAME_MAX)
        names = {f[0] for f in m.agent.rest(0.05)}
        assert names <= {"CREDIT", "DATA"}, names  # no SIGPIPE is passed on
    m.process.signal(signal.SIGPIPE)
    same(m.agent.until("SIGNAL")[3], number(signal.SIGPIPE))
    m.agent.exited(0)
    m.off()
    m.ends(0)


@test(cases={"a file": "file", "a socket": "socket", "/dev/null": "null"})
def streams_of_every_sort_work(box, sort):
    if sort == "file":
        with open(f"{box.dir}/in", "wb") as f:
            f.write(MEBIBYTE[:100_000])
        i, o = os.open(f"{box.dir}/in", os.O_RDONLY), os.open(f"{box.dir}/out", os.O_RDWR | os.O_CREAT)
    elif sort == "socket":
        import socket
        ours, theirs = socket.socketpair()
        i = o = theirs.detach()
        ours.sendall(MEBIBYTE[:100_000])
        ours.shutdown(socket.SHUT_WR)
    else:
        i = o = os.open(os.devnull, os.O_RDWR)
    m = Machine(box, stdin=i, stdout=o).running()
    came = b""
    while payload := m.agent.expect("DATA", 1, STDIN):
        came += payload
    assert came == (b"" if sort == "null" else MEBIBYTE[:100_000]), len(came)
    m.agent.data(b"answer")
    m.agent.exited(0)
    m.off()
    m.ends(0)
    if sort == "file":
        same(os.pread(o, 99, 0), b"answer")
    elif sort == "socket":
        same(ours.recv(99), b"answer")


@test
def what_the_process_has_written_before_the_machine_died_is_there(box):
    out, o = os.pipe()
    m = Machine(box, stdout=o)
    os.close(o)
    m.running()
    m.agent.data(b"x" * FRAME_MAX)
    m.agent.close()
    m.child.tell("exit", 1)
    same(read_all(out), b"x" * FRAME_MAX)
    m.ends(255)


# --- terminals

def terminal_machine(box, terminal):
    s = terminal.slave
    return Machine(box, stdin=s, stdout=s, stderr=s, the_plan=plan(terminal=True), controlling=True)


@test
def the_size_of_the_terminal_arrives(box):
    t = Terminal(33, 77)
    m = terminal_machine(box, t).up()
    same(m.agent.take_plan()[1], (1, 33, 77))


@test
def a_plan_without_a_terminal_has_none_even_on_one(box):
    t = Terminal(33, 77)
    before = termios.tcgetattr(t.slave)
    m = Machine(box, stdin=t.slave, stdout=t.slave, stderr=t.slave).up()
    same(m.agent.take_plan()[1], (0, 0, 0))
    same(termios.tcgetattr(t.slave), before)


@test
def every_byte_goes_through_a_terminal_as_it_is(box):
    t = Terminal()
    m = terminal_machine(box, t).running()
    everything = bytes(range(256))
    t.write(everything)
    came = b""
    while len(came) < 256:
        came += m.agent.expect("DATA", 1, STDIN)
    same(came, everything)
    m.agent.data(everything)
    t.read_until(everything)
    same(t.seen, everything, "nothing is echoed")


@test
def a_terminal_that_changes_its_size_tells_the_guest(box):
    t = Terminal()
    m = terminal_machine(box, t).running()
    t.resize(50, 132)
    same(m.agent.until("RESIZE")[1:], (1, 0, struct.pack("<HH", 50, 132)))
    m.agent.quiet()


@test
def a_terminal_that_is_hung_up_is_the_end_of_input(box):
    t = Terminal()
    m = terminal_machine(box, t)
    os.close(t.slave)
    m.running()
    os.close(t.fd)
    seen = {m.agent.frame() for _ in range(3)}
    assert ("DATA", 1, STDIN, b"") in seen, seen
    assert ("SIGNAL", 1, 0, number(signal.SIGHUP)) in seen, seen


@test(cases={"of root": 0, "of another user": 12345})
def a_terminal_that_nobody_reads_stops_nothing(box, owner):
    t = Terminal()
    os.fchown(t.slave, owner, 0)
    os.fchmod(t.slave, 0o600)
    m = terminal_machine(box, t).running()
    m.agent.data(b"x" * 1001)  # so that its last piece does not fit
    for _ in range(WINDOW // FRAME_MAX - 1):
        m.agent.data(b"x" * FRAME_MAX)
        time.sleep(0.02)
    time.sleep(0.3)
    m.process.signal(signal.SIGUSR2)
    same(m.agent.until("SIGNAL")[3], number(signal.SIGUSR2))
    m.agent.exited(0)
    m.off()
    t.read_until(b"x" * (1001 + WINDOW - FRAME_MAX))
    m.ends(0)


@test
def a_terminal_of_others_is_not_made_to_block_nobody(box):
    """One that the container was given, and that its plan does not open."""
    t = Terminal()
    m = Machine(box, stdin=t.slave, stdout=t.slave, stderr=t.slave).running()
    m.agent.data(b"text")
    t.read_until(b"text")
    same(fcntl.fcntl(t.slave, fcntl.F_GETFL) & os.O_NONBLOCK, 0, "O_NONBLOCK")


# --- signals

@test
def every_signal_that_can_be_caught_arrives(box):
    m = Machine(box).running()
    m.agent.until("DATA")
    for n in range(1, 65):
        if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            m.process.signal(n)
            m.agent.expect("SIGNAL", 1, payload=number(n))


@test
def signals_reach_a_process_that_waits_for_its_start(box):
    m = Machine(box).created()
    for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        m.process.signal(n)
        m.agent.expect("SIGNAL", 1, payload=number(n))


@test
def signals_wait_for_a_process_that_is_being_made(box):
    m = Machine(box).up()
    m.process.signal(signal.SIGTERM)
    m.agent.take_plan()
    m.agent.quiet()
    m.agent.send("CREATED", process=1)
    m.agent.expect("SIGNAL", 1, payload=number(signal.SIGTERM))


@test
def without_a_terminal_a_change_of_size_is_a_signal(box):
    m = Machine(box).running()
    m.agent.until("DATA")
    m.process.signal(signal.SIGWINCH)
    m.agent.expect("SIGNAL", 1, payload=number(signal.SIGWINCH))


@test
def a_guest_that_reads_nothing_does_not_fill_the_monitor(box):
    i, feed = os.pipe()
    m = Machine(box, stdin=i).running()
    os.set_blocking(feed, False)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            os.write(feed, b"x" * 65536)
        except BlockingIOError:
            time.sleep(0.01)
        for _ in range(100):
            m.process.signal(signal.SIGRTMIN)
    with open(f"/proc/{m.process.pid}/status") as f:
        # Sanitizers have memory of their own.
        assert int(host.status_field(f.read(), "VmRSS").split()[0]) < (65536 if is_sanitized(box) else 4096)
    assert m.process.alive(), m.log()
