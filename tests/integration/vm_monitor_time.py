# SPDX-License-Identifier: Apache-2.0
"""How long hozo-monitor waits for its guest, and what it keeps from the guest meanwhile."""
import os
import signal
import subprocess
import time

import host
from harness import same, test
from monitor import SYNC_CREATED, SYNC_MACHINE_FAILED, Machine, plan, program

ETIMEDOUT = 110
U32 = lambda n: n.to_bytes(4, "little")


# --- the time that a guest has to set up a process

@test
def a_container_that_is_not_set_up_in_time_is_given_up(box):
    m = Machine(box, rows=[("seconds", 1)]).up()
    m.agent.take_plan()
    m.fails("has not set up the container's process in 1 seconds", "timed out", errnum=ETIMEDOUT)


@test
def an_exec_that_is_not_set_up_in_time_fails_alone(box):
    m = Machine(box, rows=[("seconds", 1)]).running()
    visitor, sync = m.visit()
    m.agent.take_plan(2)
    same(sync.message(), (SYNC_MACHINE_FAILED, 1, ETIMEDOUT, 0))
    visitor.ends(255)
    number, process, _, payload = m.agent.until("SIGNAL")
    same((process, payload), (2, U32(signal.SIGKILL)), number)
    m.agent.send("EXITED", U32(137) + U32(9), 2)
    for stream in (1, 2):
        m.agent.send("DATA", b"", 2, stream)
    _, sync = m.visit()
    m.agent.created(2)  # its number is free again
    same(sync.message()[0], SYNC_CREATED)
    m.agent.exited(5)
    m.off()
    m.ends(5)


@test
def time_does_not_pass_for_a_container_that_is_frozen(box):
    m = Machine(box, rows=[("seconds", 3)]).running()
    _, sync = m.visit()
    m.agent.take_plan(2)
    m.process.signal(signal.SIGSTOP)
    time.sleep(4)
    m.process.signal(signal.SIGCONT)
    m.agent.expect("SIGNAL", 1)  # it goes on, and has looked at the time
    m.agent.send("CREATED", process=2)
    same(sync.message()[0], SYNC_CREATED)


@test
def an_exec_whose_plan_the_guest_does_not_take_fails_as_well(box):
    """And if the guest takes it in the end, it is told to end what it has begun."""
    m = Machine(box, rows=[("seconds", 1)]).running()
    visitor, sync = m.visit(the_plan=plan(filling=1_000_000))
    same(sync.message(), (SYNC_MACHINE_FAILED, 1, ETIMEDOUT, 0))
    visitor.ends(255)
    m.agent.take_plan(2)
    same(m.agent.expect("SIGNAL", 2), U32(signal.SIGKILL))


# --- what becomes read-only

def read_only(box, **options):
    """A monitor that makes a directory so, and the directory."""
    program(box)
    host.private_mounts()
    at = f"{box.dir}/sealed"
    os.makedirs(at)
    subprocess.run(["mount", "-t", "tmpfs", "outer", at], check=True)
    os.mkdir(f"{at}/below")
    subprocess.run(["mount", "-t", "tmpfs", "inner", f"{at}/below"], check=True)
    for place in (f"{at}/below", at):
        box.undo.insert(0, lambda place=place: subprocess.run(["umount", "-l", place], capture_output=True))
    return Machine(box, rows=[("readonly", at)], **options), at


def is_refused(path):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    except OSError as e:
        return e.strerror == "Read-only file system"


@test
def it_is_read_only_before_hozo_hears_of_the_container(box):
    m, at = read_only(box)
    m.up()
    open(f"{at}/made", "w").close()
    with open(f"{at}/below/open", "w"):
        m.agent.created()
        m.sync.quiet()  # whoever writes still is waited for
    same(m.sync.message(), (SYNC_CREATED, 0, 0, 0))
    assert is_refused(f"{at}/x") and is_refused(f"{at}/below/x") and os.path.exists(f"{at}/made")
    with open(f"/proc/{m.process.pid}/status") as f:
        same(int(host.status_field(f.read(), "CapPrm"), 16), 0, "capabilities")


@test
def what_cannot_be_made_read_only_is_no_container(box):
    m, at = read_only(box)
    m.up()
    subprocess.run(["umount", "-l", at], check=True)
    m.agent.created()
    m.fails(f"make {at} read-only", "invalid argument", errnum=22)


@test
def without_the_right_to_make_it_so_there_is_none(box):
    m, at = read_only(box, capabilities=0x100)
    m.up()
    m.agent.created()
    m.fails(f"make {at} read-only", "operation not permitted", errnum=1)


@test
def who_makes_it_so_is_alone_with_that_right(box):
    """One capability, and no descriptor but the two that it needs; it ends with the monitor."""
    m, at = read_only(box)
    m.up()
    for pid in host.children(m.process.pid):
        if pid == m.child.pid:
            continue
        with open(f"/proc/{pid}/status") as f:
            same(int(host.status_field(f.read(), "CapPrm"), 16), 1 << 21, "capabilities")
        same(len(os.listdir(f"/proc/{pid}/fd")), 5, "descriptors")
        break
    else:
        raise AssertionError("there is nobody")
    m.process.kill()
    host.eventually(lambda: not host.alive(pid), what="its end")
