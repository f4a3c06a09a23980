# SPDX-License-Identifier: Apache-2.0
"""hozo-monitor from its start to its end, with a test in place of the guest's agent."""
import os
import signal
import struct
import time

import host
from harness import same, test
from monitor import (BROKEN, GUEST, INITRD, LOG_MAX, SYNC_CREATED, SYNC_GUEST_FAILED, FRAME_MAX, Machine, plan,
                     read_all, records)


# --- a whole life

@test(cases={"a status": (7, 0, 7), "success": (0, 0, 0), "a signal": (137, 9, 137), "the code of a signal alone": (0, 15, 143)})
def it_ends_as_the_containers_process_does(box, case):
    code, number, status = case
    m = Machine(box).running()
    m.agent.exited(code, number)
    m.off()
    m.ends(status)


@test
def the_whole_plan_arrives_in_pieces(box):
    whole = plan(filling=1_000_000)
    m = Machine(box, the_plan=whole).up()
    arrived, spawn = m.agent.take_plan()
    assert arrived == whole, "another plan"
    same(spawn, (0, 0, 0))


@test
def records_for_the_guest_arrive_in_their_order(box):
    m = Machine(box, before=[("guest", "share", "9p", "root")], rows=[("guest", "image", "/dev/vda")]).up()
    same(m.records, [["share", "9p", "root"], ["image", "/dev/vda"]])


@test
def hozo_is_told_when_all_is_set_up_and_not_before(box):
    m = Machine(box).up()
    m.agent.take_plan()
    m.sync.quiet()
    m.agent.send("CREATED", process=1)
    same(m.sync.message(), (SYNC_CREATED, 0, 0, 0))
    same(m.sync.message(), None)


@test
def the_program_begins_when_it_is_started(box):
    m = Machine(box).created()
    m.agent.quiet()
    result = m.press_start()
    m.agent.expect("START", 1)
    m.agent.send("EXECUTED", process=1)
    same(read_all(result), b"x")


@test
def a_refusal_reaches_whoever_starts(box):
    m = Machine(box).created()
    result = m.press_start()
    m.agent.expect("START", 1)
    failure = struct.pack("<IIiI", 6, 3, 2, 1) + b"process.args\0exec\0"
    m.agent.send("REFUSED", failure, 1)
    same(read_all(result), failure)
    m.ends(1)


@test
def a_start_that_was_taken_back_starts_nothing(box):
    """hozo takes the byte back if the container was frozen meanwhile."""
    m = Machine(box).created()
    m.process.signal(signal.SIGSTOP)
    start = os.open(f"{m.dir}/start", os.O_RDWR | os.O_NONBLOCK)
    os.write(start, b"\0")
    os.read(start, 1)
    m.process.signal(signal.SIGCONT)
    m.agent.expect("SIGNAL", 1, payload=U32(signal.SIGCONT))
    m.agent.quiet()


@test
def a_start_that_nobody_writes_any_more_is_waited_for(box):
    m = Machine(box, start_flags=os.O_RDONLY | os.O_NONBLOCK).created()
    os.close(os.open(f"{m.dir}/start", os.O_WRONLY | os.O_NONBLOCK))
    m.agent.quiet()
    with open(f"/proc/{m.process.pid}/stat") as f:
        before = f.read()
    time.sleep(0.3)
    with open(f"/proc/{m.process.pid}/stat") as f:
        same(f.read().split()[13:15], before.split()[13:15], "processor time")
    m.press_start()
    m.agent.expect("START", 1)


@test
def a_failure_in_the_guest_is_told_as_one_of_the_plan(box):
    m = Machine(box).up()
    m.agent.take_plan()
    m.agent.send("FAILED", struct.pack("<IiI", 5, 13, 2), 1)
    same(m.sync.message(), (SYNC_GUEST_FAILED, 5, 13, 2))
    m.ends(1)


@test
def when_it_waits_for_start_and_its_process_ends_it_ends_as_well(box):
    m = Machine(box).created()
    result = os.open(f"{m.dir}/result", os.O_RDONLY | os.O_NONBLOCK)
    m.agent.exited(143, 15)
    m.off()
    m.ends(143)
    same(read_all(result), b"")


# --- its end

@test
def the_hypervisor_is_asked_to_end_when_all_is_written(box):
    m = Machine(box).running()
    pid = m.child.pid
    m.agent.exited(3)
    m.agent.until("OFF")
    time.sleep(0.2)
    assert m.process.alive() and host.alive(pid), "did not wait for WRITTEN"
    m.agent.send("WRITTEN")
    m.ends(3)
    assert not host.alive(pid), "the hypervisor lives"


@test
def a_hypervisor_that_ends_itself_is_enough(box):
    m = Machine(box).running()
    m.agent.exited(4)
    m.agent.until("OFF")
    m.child.tell("exit", 0)
    m.ends(4)


@test
def a_guest_that_never_writes_out_ends_after_ten_seconds(box):
    m = Machine(box).running()
    m.child.tell("deaf")
    m.agent.exited(5)
    began = time.monotonic()
    m.ends(5)
    assert 9 < time.monotonic() - began < 14, time.monotonic() - began


@test(cases={"before it has booted": "booting", "before the container is there": "up", "before its start": "created",
             "while it runs": "running"})
def a_hypervisor_that_dies_is_the_end(box, when):
    m = Machine(box)
    m.meet() if when == "booting" else getattr(m, when)()
    m.child.tell("err", '"qemu: something is wrong\\n"')
    m.child.tell("exit", 3)
    m.agent.close()
    if when in ("booting", "up"):
        m.fails("hypervisor has ended with exit status 3: qemu: something is wrong")
    else:
        m.ends(BROKEN)
        assert m.log().endswith("hypervisor has ended with exit status 3: qemu: something is wrong\n"), m.log()


@test
def a_hypervisor_that_is_killed_is_told_by_its_signal(box):
    m = Machine(box).up()
    os.kill(m.child.pid, signal.SIGKILL)
    m.agent.close()
    m.fails("hypervisor has ended by signal 9")


@test
def a_byte_stream_that_ends_is_the_end(box):
    m = Machine(box).up()
    m.agent.close()
    m.fails("closed its byte stream")


@test
def a_guest_that_is_broken_says_why(box):
    m = Machine(box)
    m.meet()
    m.agent.send("READY", b"6.1")
    m.agent.expect("SET_UP")
    m.agent.send("BROKEN", b"mount the share: \x1b[31mno\nsuch device")
    m.fails("the guest: mount the share: ?[31mno?such device")


@test
def a_guest_that_takes_too_long_is_given_up(box):
    m = Machine(box, rows=[("seconds", 1)])
    m.meet()
    m.agent.send("READY", b"6.1")
    m.fails("not up after 1 seconds", errnum=110)


@test
def time_is_over_only_until_the_guest_is_up(box):
    m = Machine(box, rows=[("seconds", 1)]).running()
    time.sleep(1.5)
    m.agent.exited(9)
    m.off()
    m.ends(9)


@test(cases={"booting": "booting", "up": "up"})
def it_dies_with_hozo_until_all_is_set_up(box, when):
    m = Machine(box)
    m.meet() if when == "booting" else getattr(m, when)()
    m.process.kill_runtime()
    same(m.process.wait(), -signal.SIGKILL)
    assert not host.alive(m.child.pid), "the hypervisor lives"


@test
def it_lives_on_without_hozo_when_all_is_set_up(box):
    m = Machine(box).created()
    m.process.kill_runtime()
    result = m.press_start()
    m.agent.expect("START", 1)
    m.agent.send("EXECUTED", process=1)
    same(read_all(result), b"x")
    m.agent.exited(6)
    m.off()
    m.ends(6)


@test(cases={"booting": "booting", "up": "up", "created": "created", "running": "running"})
def nothing_is_left_when_it_is_killed(box, when):
    m = Machine(box, before=[])
    m.meet() if when == "booting" else getattr(m, when)()
    m.process.signal(signal.SIGKILL)
    same(m.process.wait(), -signal.SIGKILL)
    host.eventually(lambda: not host.alive(m.child.pid), what="the end of the hypervisor")


# --- its children

@test
def the_hypervisor_has_what_it_needs_and_nothing_else(box):
    m = Machine(box, child_capabilities="400", arguments=["-x", "y z"])
    child = m.meet()
    same(child.facts["fds"], [0, 1, 2, INITRD, GUEST])
    same(child.facts["input"], "/dev/null")
    same(child.facts["args"], ["-x", "y z"])
    same([v.split("=")[0] for v in child.facts["env"].split("\0")[:-1]], ["PATH"])
    same(child.facts["blocked"], [])
    same(child.facts["ppid"], 1)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(child.field(name), 16), 0x400, name)
    same(child.field("NoNewPrivs"), "1")
    same(os.pread(child.fds[INITRD], 99, 0), b"initrd")


@test
def a_machine_without_initial_ram_disk_hands_none_over(box):
    m = Machine(box, initrd=None)
    same(m.meet().facts["fds"], [0, 1, 2, GUEST])


@test
def other_children_get_no_descriptor_and_no_capability(box):
    m = Machine(box, helpers=["helper"], child_capabilities="400")
    child = {c.facts["name"]: c for c in (m.meet(), m.meet())}
    same(child["helper"].facts["fds"], [0, 1, 2])
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(child["helper"].field(name), 16), 0, name)
        same(int(child["hypervisor"].field(name), 16), 0x400, name)


@test
def it_keeps_no_capability_itself(box):
    m = Machine(box, child_capabilities="400").running()
    with open(f"/proc/{m.process.pid}/status") as f:
        status = f.read()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(host.status_field(status, name), 16), 0, name)
    same(host.status_field(status, "NoNewPrivs"), "1")


@test
def a_capability_that_it_has_not_it_cannot_give(box):
    m = Machine(box, child_capabilities="400", capabilities=0x100)
    m.fails("start hypervisor", "operation not permitted", errnum=1)


@test
def a_hypervisor_that_is_not_there_is_told(box):
    m = Machine(box, hypervisor=("child", "hypervisor", "0", "/nowhere/qemu", "@TAPS@"))
    m.fails("start hypervisor: /nowhere/qemu: no such file", errnum=2)


@test
def a_helper_that_fails_is_the_end(box):
    m = Machine(box, before=[("child", "virtiofsd", "0", "/bin/sh", "-c", "echo no share >&2; exit 4")])
    m.fails("virtiofsd has ended with exit status 4: no share")


@test
def a_helper_that_fails_because_the_hypervisor_has_ended_is_not_blamed(box):
    m = Machine(box, helpers=["helper"])
    helper, _ = sorted((m.meet(), m.meet()), key=lambda c: c.facts["name"])
    m.agent.set_up()
    m.process.signal(signal.SIGSTOP)
    os.kill(helper.pid, signal.SIGABRT)
    os.kill(m.child.pid, signal.SIGKILL)
    m.process.signal(signal.SIGCONT)
    m.agent.close()
    m.fails("hypervisor has ended by signal 9")


@test
def the_last_words_are_those_of_who_has_ended(box):
    """What others say meanwhile, of what they see of it, is in the log as well."""
    m = Machine(box, helpers=["helper"])
    helper, _ = sorted((m.meet(), m.meet()), key=lambda c: c.facts["name"])
    m.agent.set_up()
    m.child.tell("err", '"no such machine\\n"')
    host.eventually(lambda: "no such machine\n" in m.log(), what="the first line")
    helper.tell("err", '"my client has gone\\n"')
    host.eventually(lambda: "my client has gone\n" in m.log(), what="the second line")
    m.child.tell("exit", 1)
    m.agent.close()
    m.fails("hypervisor has ended with exit status 1: no such machine")


@test
def a_helper_that_ends_well_may_do_so(box):
    Machine(box, before=[("child", "helper", "0", "/bin/true")]).created()


@test
def the_next_child_waits_for_a_file(box):
    path = f"{box.dir}/there"
    m = Machine(box, before=[("child", "helper", "0", "/bin/sh", "-c", f"sleep 0.3; touch {path}; sleep 60"),
                             ("wait", path)])
    m.up()
    assert os.path.exists(path), "was not waited for"


@test
def a_file_that_nobody_makes_is_not_waited_for(box):
    m = Machine(box, before=[("child", "helper", "0", "/bin/sh", "-c", "sleep 0.1"), ("wait", f"{box.dir}/never")])
    m.fails("helper has ended, and has not made")


@test
def a_file_is_waited_for_as_long_as_the_guest_may_take(box):
    m = Machine(box, before=[("child", "helper", "0", "/bin/sleep", "60"), ("wait", f"{box.dir}/never")],
                rows=[("seconds", 1)])
    m.fails("not up after 1 seconds")


# --- the log

@test
def what_the_hypervisor_says_is_in_the_log(box):
    m = Machine(box).created()
    m.child.tell("say", '"one\\n"')
    m.child.tell("err", '"two\\n"')
    host.eventually(lambda: m.log() == "one\ntwo\n", what="the log")


@test
def the_log_does_not_grow_without_bounds_and_still_tells_the_reason(box):
    m = Machine(box).up()
    for _ in range(80):
        m.child.tell("say", f'"{"x" * 8191}"')
    m.child.tell("exit", 3)
    m.agent.close()
    m.fails("hypervisor has ended with exit status 3")
    size = os.path.getsize(m.log_path)
    assert LOG_MAX - 8192 < size <= LOG_MAX, size


@test
def what_is_in_the_log_already_counts(box):
    m = Machine(box, log=b"y" * LOG_MAX).up()
    m.child.tell("say", '"more\\n"')
    m.child.tell("exit", 3)
    m.agent.close()
    m.sync.message()
    m.ends(BROKEN)
    assert "more\n" not in m.log()[LOG_MAX - 10:LOG_MAX + 6], "more than the limit"


# --- instructions

@test(cases={
    "nothing": b"", "no end": b"seconds\0" b"5\0", "no last record": b"seconds\0" b"5\0\0",
    "an unknown record": records(("child", "hypervisor", "0", "/bin/true"), ("nonsense", "1")),
    "no hypervisor": records(("child", "helper", "0", "/bin/true")),
    "two hypervisors": records(*[("child", "hypervisor", "0", "/bin/true")] * 2),
    "a child without a program": records(("child", "hypervisor", "0")),
    "a program that is only a place": records(("child", "hypervisor", "0", "@TAPS@")),
    "a time that is none": records(("child", "hypervisor", "0", "/bin/true"), ("seconds", "soon")),
    "no time at all": records(("child", "hypervisor", "0", "/bin/true"), ("seconds", "0")),
})
def instructions_that_are_none_are_refused(box, setup):
    Machine(box, setup=setup).fails("instructions")


@test(cases={"nothing": b"", "no plan": b"x" * 100, "operations beyond its end":
             struct.pack("<8s10I", b"hozoplan", 1, 48, 0, 0, 9, 48, 0, 0, 0, 0)})
def a_plan_that_is_none_is_refused(box, content):
    m = Machine(box, the_plan=content)
    m.meet()
    m.agent.set_up()
    m.fails("read the plan")


# --- a guest that cannot be trusted

def frame(name, payload=b"", process=0, stream=0, size=None, number=None):
    return lambda m: m.agent.send(name, payload, process, stream, size, number)


U32 = struct.Struct("<I").pack

HOSTILE_BOOTING = {
    "UP before READY": frame("UP"),
    "DATA before READY": frame("DATA", b"x", 1, 1),
    "WRITTEN before READY": frame("WRITTEN"),
    "a frame of type 0": lambda m: m.agent.socket.sendall(b"\0" * 8),
    "a frame of an unknown type": frame("READY", number=200),
    "a frame that is too long": frame("READY", size=FRAME_MAX + 1),
    "a frame that only the monitor sends": frame("RECORD", b"x\0"),
    "a frame of four thousand million bytes": frame("READY", size=0xffffffff),
}
HOSTILE_UP = {
    "READY again": frame("READY", b"6"),
    "UP again": frame("UP"),
    "CREATED of a process that there is not": frame("CREATED", process=2),
    "CREATED of process 0": frame("CREATED", process=0),
    "CREATED of the last process": frame("CREATED", process=65535),
    "FAILED of the wrong size": frame("FAILED", b"x", 1),
}
HOSTILE_RUNNING = {
    "CREATED again": frame("CREATED", process=1),
    "EXECUTED again": frame("EXECUTED", process=1),
    "REFUSED too late": frame("REFUSED", b"x" * 40, 1),
    "FAILED too late": frame("FAILED", b"x" * 12, 1),
    "DATA of standard input": frame("DATA", b"x", 1, 0),
    "DATA of a stream that there is not": frame("DATA", b"x", 1, 3),
    "DATA of another process": frame("DATA", b"x", 2, 1),
    "DATA behind its end": lambda m: (m.agent.data(b""), m.agent.data(b"x")),
    "more DATA than it may send": lambda m: [m.agent.data(b"x" * FRAME_MAX) for _ in range(17)],
    "more CREDIT than it can have": frame("CREDIT", U32(1), 1, 0),
    "a wrap of CREDIT": frame("CREDIT", U32(0xffffffff), 1, 0),
    "CREDIT of standard output": frame("CREDIT", U32(1), 1, 1),
    "CREDIT of two bytes": frame("CREDIT", b"xx", 1, 0),
    "EXITED with a status that is none": frame("EXITED", U32(256) + U32(0), 1),
    "EXITED with a signal that is none": frame("EXITED", U32(0) + U32(65), 1),
    "WRITTEN before OFF": frame("WRITTEN"),
    "BROKEN of the wrong sort": frame("FAILED", b"", 1),
}


@test(cases=HOSTILE_BOOTING)
def a_guest_that_boots_is_not_believed(box, hostile):
    m = Machine(box)
    m.meet()
    hostile(m)
    m.fails("the guest says what it must not say", errnum=71)


@test(cases=HOSTILE_UP)
def a_guest_that_is_up_is_not_believed(box, hostile):
    m = Machine(box).up()
    hostile(m)
    m.fails("the guest says what it must not say")


@test(cases=HOSTILE_RUNNING)
def a_guest_that_runs_is_not_believed(box, hostile):
    stuck, fill = os.pipe()  # nobody reads it: what comes stays in the monitor
    os.set_blocking(fill, False)
    try:
        while os.write(fill, b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(fill, True)
    m = Machine(box, stdout=fill).running()
    hostile(m)
    m.ends(BROKEN)
    assert "the guest says what it must not say" in m.log(), m.log()
    os.close(stuck)
    os.close(fill)


@test
def a_guest_that_exits_before_it_is_created_is_broken(box):
    m = Machine(box).up()
    m.agent.take_plan()
    m.agent.exited(0)
    m.fails("ended before it was created")


@test
def half_a_frame_is_no_frame(box):
    m = Machine(box)
    m.meet()
    m.agent.socket.sendall(struct.pack("<BBHI", 1, 0, 0, 10) + b"half")
    m.agent.quiet()
    m.agent.socket.sendall(b"wholes")
    m.records = m.agent.take_records()
