# SPDX-License-Identifier: Apache-2.0
"""`run`: a container from beginning to end."""
import os
import signal
import subprocess

import host
from harness import same, test


@test
def what_the_program_prints_comes_out(box):
    r = box.run("echo to-stdout; echo to-stderr >&2").ok()
    assert r.out == "to-stdout\n" and r.err == "to-stderr\n", r


@test(cases={"0": 0, "7": 7, "255": 255})
def the_exit_status_is_the_programs(box, status):
    box.run(f"exit {status}").ends(status)


@test
def a_program_that_a_signal_kills_gives_128_plus_the_signal(box):
    b = box.bundle("kill -TERM $$")
    b.without_namespace("pid")
    box.run(b).ends(128 + signal.SIGTERM)


@test
def a_pid_1_that_is_killed_from_outside_gives_137(box):
    p = box.spawn_run("echo up; sleep 100")
    host.eventually(lambda: p.output.out == "up\n")
    box.hozo("kill", "c1", "KILL").ok()
    same(p.wait(10), 137)


@test
def a_mebibyte_of_any_bytes_passes_stdin_and_stdout(box):
    data = os.urandom(1 << 20)
    with open(f"{box.dir}/in", "wb") as f:
        f.write(data)
    with open(f"{box.dir}/in", "rb") as f:
        same(box.run(["cat"], stdin=f).ok().bytes, data)


@test
def pipes_are_handed_over_as_they_are(box):
    data = os.urandom(1 << 20)
    b = box.bundle(["cat"]).write()
    r = subprocess.run([box.runtime, "--root", box.root, "run", "--bundle", b.path, "c1"], input=data,
                       capture_output=True, timeout=20)
    assert r.returncode == 0 and r.stdout == data and r.stderr == b""


@test
def signals_to_the_runtime_reach_the_program(box):
    p = box.spawn_run("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done")
    host.eventually(lambda: p.output.out == "up\n")
    p.send_signal(signal.SIGTERM)
    same(p.wait(10), 3)


@test
def nothing_is_left_afterwards(box):
    box.run("true").ok().silent()
    box.nothing_left()
    box.unknown()


@test
def with_keep_the_stopped_container_stays_until_delete(box):
    box.run("exit 5", "--keep").ends(5)
    state = box.state()
    assert state["status"] == "stopped" and state["pid"] == 0, state
    assert host.cgroup_directories(box.cgroup + "-"), "the control group is read after the exit"
    box.hozo("delete", "c1").ok().silent()
    box.nothing_left()


@test
def detached_it_returns_while_the_program_runs(box):
    pid_file = f"{box.dir}/pid"
    box.run("echo up; sleep 100", "--detach", "--pid-file", pid_file).ok()
    same(box.state()["status"], "running")
    pid = int(open(pid_file).read())
    same(host.living_children(), [pid], "only the program is left, as our child")


@test
def the_bundle_is_the_current_directory_by_default(box):
    b = box.bundle("echo here").write()
    same(box.hozo("run", "c1", cwd=b.path).ok().out, "here\n")


@test
def a_relative_bundle_is_found(box):
    b = box.bundle("echo here").write()
    r = box.hozo("run", "-b", os.path.basename(b.path), "c1", cwd=box.dir)
    same(r.ok().out, "here\n")


@test
def no_pivot_gives_the_same_container(box):
    b = box.bundle("ls -d /bin; touch /x 2>/dev/null || echo read-only; mount | wc -l")
    with_pivot = box.run(b).ok().out
    without = box.run(b, "--no-pivot").ok().out
    assert without.startswith("/bin\nread-only\n")
    assert with_pivot.startswith("/bin\nread-only\n")


@test
def preserved_descriptors_arrive_and_no_other(box):
    ends = [os.pipe() for _ in range(3)]
    b = box.bundle("echo three >&3; echo four >&4; ls /proc/self/fd | wc -w; (echo 5 >&5) 2>&1 | wc -l")
    p = box.spawn_run(b, "--preserve-fds", "2", close_fds=False,
                      preexec_fn=host.place_descriptors([w for _, w in ends]))
    assert p.wait(20) == 0, p.output
    for _, w in ends:
        os.close(w)
    same(os.read(ends[0][0], 100), b"three\n")
    same(os.read(ends[1][0], 100), b"four\n")
    same(os.read(ends[2][0], 100), b"", "a descriptor beyond the number was passed")
    # 0 to 4 and the directory that ls reads; then the shell's complaint
    assert p.output.out.split() == ["6", "1"], p.output


@test
def more_preserved_descriptors_than_are_open_are_refused(box):
    box.run("true", "--preserve-fds", "9").ends(1)
    box.nothing_left()


@test
def sockets_passed_by_listen_fds_arrive_with_their_count(box):
    r, w = os.pipe()
    b = box.bundle("echo $LISTEN_FDS $LISTEN_PID; echo socket >&3").write()
    command = f"LISTEN_FDS=1 LISTEN_PID=$$ exec {box.runtime} --root {box.root} run --bundle {b.path} c1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=20, close_fds=False,
                            preexec_fn=host.place_descriptors([w]))
    os.close(w)
    same(result.stdout, b"1 1\n")
    same(os.read(r, 100), b"socket\n")


@test
def listen_fds_meant_for_another_process_are_ignored(box):
    b = box.bundle("echo [$LISTEN_FDS]")
    env = {"PATH": "/bin", "LISTEN_FDS": "1", "LISTEN_PID": "1"}
    same(box.run(b, env=env).ok().out, "[]\n")


@test(timeout=90, sanitized=False)
def fifty_run_side_by_side(box):
    base = box.bundle()
    processes = []
    for n in range(50):
        b = box.bundle_beside(base, f"hostname; cat /proc/sys/kernel/pid_max >/dev/null; exit {n}")
        b.config["hostname"] = f"host-{n}"
        processes.append(box.spawn_run(b, id=f"c{n}"))
    for n, p in enumerate(processes):
        assert p.wait(80) == n, p.output
        assert p.output.out == f"host-{n}\n" and p.output.err == "", p.output
    box.nothing_left()
