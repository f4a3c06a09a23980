# SPDX-License-Identifier: Apache-2.0
"""A container that is a virtual machine, from beginning to end: its kernel, its streams, its exit status."""
import hashlib
import os
import signal
import subprocess
import time

import host
from harness import same, test
from machine_box import machine, settings
from machines import GENERIC, HYPERVISOR, LIMIT, MIB


@test(timeout=LIMIT)
def another_kernel_is_seen_from_inside(box):
    b = machine(box, "uname -r; cat /proc/sys/kernel/hostname; echo error >&2")
    r = box.run(b).ok()
    same(r.out, f"{b.kernel.release}\ntenon\n")
    same(r.err, "error\n")
    assert b.kernel.release != os.uname().release
    box.nothing_left()


@test(cases={"1": 1, "42": 42, "255": 255}, timeout=LIMIT, sanitized=False)
def the_exit_status_is_the_programs(box, status):
    box.run(machine(box, f"exit {status}")).ends(status)
    box.nothing_left()


@test(cases={"TERM": signal.SIGTERM, "SEGV": signal.SIGSEGV, "KILL": signal.SIGKILL}, timeout=LIMIT, sanitized=False)
def a_program_that_a_signal_kills_gives_128_plus_the_signal(box, number):
    """Not process 1 of a pid namespace, which no signal of its own ends."""
    b = machine(box, f"kill -{int(number)} $$; sleep 5")
    b.without_namespace("pid")
    box.run(b).ends(128 + number)


@test(timeout=LIMIT, sanitized=False)
def a_mebibyte_of_any_bytes_passes_through(box):
    """Through files, as an engine without pipes gives them; standard output and error stay apart."""
    data = os.urandom(MIB)
    with open(f"{box.dir}/in", "wb") as f:
        f.write(data)
    b = machine(box, "tee /tmp/copy; echo end >&2; sha256sum < /tmp/copy >&2")
    b.mount("/tmp")
    with open(f"{box.dir}/in", "rb") as f:
        r = box.run(b, stdin=f).ok()
    same(hashlib.sha256(r.bytes).hexdigest(), hashlib.sha256(data).hexdigest())
    same(r.err, f"end\n{hashlib.sha256(data).hexdigest()}  -\n")


@test(timeout=LIMIT, sanitized=False)
def pipes_carry_all_bytes_and_their_ends_in_both_directions(box):
    """No byte is echoed or altered; who closes its end is noticed on the other side."""
    data = os.urandom(3 * MIB)
    b = machine(box, ["/bin/sh", "-c", "cat; echo closed >&2; exec >&-; sleep 1; exit 9"]).write()
    r = subprocess.run([box.runtime, "--root", box.root, "run", "--bundle", b.path, "c1"], input=data,
                       capture_output=True, timeout=LIMIT)
    same((r.returncode, r.stderr), (9, b"closed\n"))
    same(hashlib.sha256(r.stdout).hexdigest(), hashlib.sha256(data).hexdigest())


@test(timeout=LIMIT, sanitized=False)
def each_stream_ends_when_the_program_closes_it(box):
    """Before the program itself ends: nobody on the host holds the caller's pipes but the monitor."""
    b = machine(box, "echo last; exec >&-; read x; echo $x >&2; read x; exit 3").write()
    p = subprocess.Popen([box.runtime, "--root", box.root, "create", "--bundle", b.path, "c1"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    same(p.wait(LIMIT), 0)
    box.hozo("start", "c1").ok()
    same(p.stdout.read(), b"last\n")
    same(box.state()["status"], "running")
    p.stdin.write(b"word\n")
    p.stdin.close()
    same(p.stderr.read(), b"word\n")
    box.wait_status("stopped")


@test(timeout=LIMIT, sanitized=False)
def a_program_whose_reader_is_gone_gets_a_broken_pipe(box):
    p = with_pipes(box, machine(box, ["yes"]))
    same(p.stdout.read(2), b"y\n")
    p.stdout.close()
    host.eventually(lambda: p.poll() is not None, 10, "the end of the program")
    assert p.returncode in (1, 141), p.returncode


def with_pipes(box, b):
    return box.spawn("run", "--bundle", b.write().path, "c1", stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@test(timeout=LIMIT, sanitized=False)
def a_reader_that_is_slow_slows_the_program_down_and_nothing_is_lost(box):
    """What nobody reads is not heaped up in the monitor."""
    p = with_pipes(box, machine(box, f"head -c {16 * MIB} /dev/zero"))
    p.stdout.read(1)
    time.sleep(2)
    pid = box.state()["pid"]
    with open(f"/proc/{pid}/status") as f:
        resident = int(host.status_field(f.read(), "VmRSS").split()[0])
    assert resident < 4096, f"the monitor holds {resident} KiB"
    same(len(p.stdout.read()), 16 * MIB - 1)
    same(p.wait(LIMIT), 0)


# --- the machine

@test(timeout=LIMIT, sanitized=False)
def processors_and_memory_are_those_of_the_configuration(box):
    b = machine(box, "nproc; sed -n 's/MemTotal: *//p' /proc/meminfo; cat /proc/cmdline")
    b.config["vm"].update(hwconfig={"vcpus": 2, "memory": 320 * MIB}, hypervisor={"path": HYPERVISOR})
    b.config["vm"]["kernel"]["parameters"] = ["hozo.test=word", "quiet"]
    processors, memory, line = box.run(b).ok().out.splitlines()
    same(processors, "2")
    kib = int(memory.split()[0])
    assert 240 * 1024 < kib <= 320 * 1024, kib
    same(line.split()[-2:], ["hozo.test=word", "quiet"])


@test(timeout=LIMIT, sanitized=False)
def the_administrator_names_hypervisor_and_size(box):
    b = machine(box, "nproc; sed -n 's/MemTotal: *//p' /proc/meminfo")
    b.kernel = None
    settings(box, hypervisor=HYPERVISOR, memory=200 * MIB, vcpus=2)
    processors, memory = box.run(b).ok().out.splitlines()
    same(processors, "2")
    assert 120 * 1024 < int(memory.split()[0]) <= 200 * 1024, memory
    settings(box, hypervisor="/nonexistent/qemu-system-x86_64")
    box.run(b).fails("/nonexistent/qemu-system-x86_64", "no such file or directory")


@test(timeout=LIMIT, sanitized=False)
def a_kernel_with_9p_alone_is_enough(box):
    """With the setting `share`; the files written by the guest are those of the host."""
    b = machine(box, "uname -r; cat /proc/mounts | grep -c ' 9p '; echo written > /data/file; cat /data/other", GENERIC)
    os.mkdir(f"{box.dir}/data")
    with open(f"{box.dir}/data/other", "w") as f:
        f.write("from the host\n")
    b.bind(f"{box.dir}/data", "/data", "rw")
    settings(box, share="9p")
    r = box.run(b).ok()
    lines = r.out.splitlines()
    same((lines[0], lines[-1]), (b.kernel.release, "from the host"))
    assert int(lines[1]) > 0, r
    same(open(f"{box.dir}/data/file").read(), "written\n")


@test(timeout=LIMIT, sanitized=False)
def a_program_that_is_missing_is_reported_and_nothing_is_left(box):
    box.run(machine(box, ["/bin/frobnicate"])).fails('exec: "/bin/frobnicate"', "no such file or directory")
    box.nothing_left()
