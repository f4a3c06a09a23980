# SPDX-License-Identifier: Apache-2.0
"""hozo-monitor among others who do not behave: it waits for them, but without work."""
import os
import resource
import struct
import time

import host
from harness import same, test
from monitor import FRAME_MAX, SYNC_CREATED, SYNC_FAILED, Machine, read_all


def seconds_of_work(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


@test
def a_reader_that_reads_nothing_is_waited_for_without_work(box):
    """The machine is off, and nobody is left who could say something."""
    out, o = os.pipe()
    m = Machine(box, stdout=o)
    os.close(o)
    m.running()
    for _ in range(6):
        m.agent.data(b"x" * FRAME_MAX)
    m.agent.exited(0)
    m.off()
    host.eventually(lambda: not host.alive(m.child.pid), 10, "the hypervisor's end")
    before = seconds_of_work(m.process.pid)
    time.sleep(2)
    assert m.process.alive(), m.log()
    worked = seconds_of_work(m.process.pid) - before
    assert worked < 0.05, worked
    os.close(out)
    m.ends(0)


@test
def the_text_of_a_refusal_moves_no_cursor(box):
    m = Machine(box).created()
    result = m.press_start()
    m.agent.expect("START", 1)
    head = struct.pack("<IIiI", SYNC_FAILED, 3, 2, 1)
    m.agent.send("REFUSED", head + b"process.args\0exec\x1b[2J\n\xc2\x9b\0", 1)
    same(read_all(result), head + b"process.args\0exec?[2J???\0")
    m.ends(1)


@test
def who_cannot_be_let_in_is_waited_for_without_work(box):
    """All descriptors that it may have are open: a visitor waits until there is room."""
    m = Machine(box).running()
    soft, hard = resource.prlimit(m.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(m.process.pid, resource.RLIMIT_NOFILE, (12, hard))
    silent = []
    while free := [fd for fd in range(12) if not os.path.exists(f"/proc/{m.process.pid}/fd/{fd}")]:
        silent.append(m.connect())
        host.eventually(lambda: os.path.exists(f"/proc/{m.process.pid}/fd/{free[0]}"), what="the first caller to be let in")
    _, sync = m.visit()
    before = seconds_of_work(m.process.pid)
    time.sleep(2)
    worked = seconds_of_work(m.process.pid) - before
    assert worked < 0.1, worked
    resource.prlimit(m.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    m.agent.created(2)
    same(sync.message()[0], SYNC_CREATED)


@test
def it_may_open_what_the_host_allows_and_its_children_what_was_usual(box):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard - 1, hard))
    m = Machine(box).running()
    same(resource.prlimit(m.process.pid, resource.RLIMIT_NOFILE), (hard, hard), "the monitor")
    same(resource.prlimit(m.child.pid, resource.RLIMIT_NOFILE), (hard - 1, hard), "the hypervisor")
