# SPDX-License-Identifier: Apache-2.0
"""exec in a virtual machine: further processes of the guest, with streams of their own."""
import hashlib
import json
import os
import signal
import subprocess

import host
from harness import same, test
from machine_box import machine, up
from machines import LIMIT, MIB


def running(box, program="echo up; sleep 1000"):
    b = machine(box, program)
    b.mount("/tmp")
    up(box, b)
    return b


@test(timeout=LIMIT)
def processes_run_in_the_guest_with_their_own_streams_and_statuses(box):
    b = running(box)
    r = box.exec("sh", "-c", "uname -r; echo error >&2; exit 7").ends(7)
    same((r.out, r.err), (f"{b.kernel.release}\n", "error\n"))
    box.exec("sh", "-c", "kill -9 $$").ends(137)
    same(box.exec("cat", "/proc/1/cmdline").ok().out, "sleep\x001000\x00")
    same(box.exec("id", "-u", options=["--user", "1000:1000"]).ok().out, "1000\n")
    same(box.exec("sh", "-c", "echo $A; pwd", options=["--env", "A=b c", "--cwd", "/tmp"]).ok().out, "b c\n/tmp\n")
    box.exec("frobnicate").fails('exec: "frobnicate": executable file not found in $PATH', code=255)
    box.exec("/bin/sh", options=["--cwd", "/nowhere"]).fails("/nowhere", "no such file or directory", code=255)
    same(box.state()["status"], "running")


@test(timeout=LIMIT, sanitized=False)
def a_mebibyte_of_any_bytes_passes_through(box):
    running(box)
    data = os.urandom(MIB)
    with open(f"{box.dir}/in", "wb") as f:
        f.write(data)
    with open(f"{box.dir}/in", "rb") as f:
        r = box.exec("sh", "-c", "tee /tmp/copy; sha256sum < /tmp/copy >&2", stdin=f).ok()
    digest = hashlib.sha256(data).hexdigest()
    same((hashlib.sha256(r.bytes).hexdigest(), r.err), (digest, f"{digest}  -\n"))


@test(timeout=LIMIT, sanitized=False)
def several_at_once_do_not_disturb_each_other(box):
    running(box)
    processes = [subprocess.Popen([box.runtime, "--root", box.root, "exec", "c1", "sh", "-c", f"cat; echo {n} >&2; exit {n}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(6)]
    box.processes += processes
    for n, p in enumerate(processes):
        data = os.urandom(200000 + n)
        out, err = p.communicate(data, timeout=LIMIT)
        same((p.returncode, err), (n, f"{n}\n".encode()))
        assert out == data, f"{len(out)} bytes of {len(data)}"


@test(timeout=LIMIT, sanitized=False)
def detached_it_has_a_pid_and_its_end_is_its_status(box):
    running(box)
    pid_file = f"{box.dir}/pid"
    box.exec("mkfifo", "/tmp/go").ok()
    r = box.exec("sh", "-c", "echo ready; read x < /tmp/go; exit 4", options=["--detach", "--pid-file", pid_file]).ok()
    pid = int(open(pid_file).read())
    assert host.alive(pid) and pid != box.state()["pid"]
    host.eventually(lambda: r.out == "ready\n", 10, "output after exec has returned")
    box.exec("sh", "-c", "echo > /tmp/go").ok()
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 4, "we are its parent, as an engine's shim")


@test(timeout=LIMIT, sanitized=False)
def signals_to_the_runtime_and_to_the_visitor_reach_the_process(box):
    running(box)
    p = box.spawn("exec", "c1", "sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done")
    host.eventually(lambda: p.output.out == "up\n", 10, "the process")
    p.send_signal(signal.SIGTERM)
    same(p.wait(LIMIT), 3)
    pid_file = f"{box.dir}/pid"
    r = box.exec("sh", "-c", "trap 'exit 5' HUP; echo up; while :; do sleep 0.1; done",
                 options=["--detach", "--pid-file", pid_file]).ok()
    host.eventually(lambda: r.out == "up\n", 10, "the process")
    os.kill(int(open(pid_file).read()), signal.SIGHUP)
    same(os.waitstatus_to_exitcode(os.waitpid(int(open(pid_file).read()), 0)[1]), 5)


@test(timeout=LIMIT, sanitized=False)
def a_visitor_that_is_killed_ends_its_process(box):
    running(box)
    pid_file = f"{box.dir}/pid"
    box.exec("sleep", "4711", options=["--detach", "--pid-file", pid_file]).ok()
    assert "sleep 4711" in box.exec("ps", "-o", "args").ok().out
    os.kill(int(open(pid_file).read()), signal.SIGKILL)
    host.eventually(lambda: "sleep 4711" not in box.exec("ps", "-o", "args").ok().out, 10, "the end of the process")
    same(box.state()["status"], "running")


@test(timeout=LIMIT, sanitized=False)
def a_process_file_tells_everything(box):
    running(box)
    process = {"args": ["sh", "-c", "id -u; id -g; id -G; pwd; echo $A; umask; ulimit -n; "
                                    "sed -n 's/^CapEff:.//p; s/^NoNewPrivs:.//p; s/^CapBnd:.//p' /proc/self/status"],
               "user": {"uid": 1000, "gid": 1001, "umask": 0o27, "additionalGids": [5]}, "cwd": "/tmp",
               "env": ["A=b", "PATH=/bin"], "noNewPrivileges": True,
               "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}],
               "capabilities": {k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}}
    with open(f"{box.dir}/process.json", "w") as f:
        json.dump(process, f)
    lines = box.hozo("exec", "--process", f"{box.dir}/process.json", "c1").ok().out.splitlines()
    same(lines, ["1000", "1001", "1001 5", "/tmp", "b", "0027", "77", f"{1 << 5:016x}", f"{1 << 5:016x}", "1"])


@test(timeout=LIMIT, sanitized=False)
def what_has_no_meaning_for_a_process_of_a_machine_is_refused(box):
    running(box)
    for name, value in (("apparmorProfile", "unconfined"), ("selinuxLabel", "a:b:c:s0"),
                        ("execCPUAffinity", {"initial": "0"})):
        with open(f"{box.dir}/process.json", "w") as f:
            json.dump({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}, name: value}, f)
        box.hozo("exec", "--process", f"{box.dir}/process.json", "c1").fails(f"process.{name}", "virtual machine", code=255)
    box.hozo("exec", "--cgroup", "x", "c1", "true").fails("cgroup", code=255)
    with open("/dev/null") as f:
        box.hozo("exec", "--preserve-fds", "1", "c1", "true", close_fds=False,
                 preexec_fn=host.place_descriptors([f.fileno()])).fails("--preserve-fds", code=255)
    box.exec("true").ok()


@test(timeout=LIMIT, sanitized=False)
def none_is_let_in_once_the_machine_has_ended(box):
    running(box, "mkfifo /tmp/go; echo up; read x < /tmp/go")
    p = box.spawn("exec", "c1", "sleep", "1000")
    host.eventually(lambda: "sleep 1000" in box.exec("ps", "-o", "args").out, 10, "the process")
    box.exec("sh", "-c", "echo > /tmp/go").ok()
    box.wait_status("stopped")
    assert p.wait(LIMIT) != 0, p.output
    box.exec("true").fails("cannot exec in a stopped container", code=255)
