# SPDX-License-Identifier: Apache-2.0
"""`exec`: another process in a running container."""
import json
import os
import signal
import subprocess

import host
from bundle import applets
from harness import same, test


def process_file(box, **members):
    path = f"{box.dir}/process.json"
    with open(path, "w") as f:
        json.dump({"user": {"uid": 0, "gid": 0}, "cwd": "/", **members}, f)
    return path


@test
def what_the_process_prints_comes_out(box):
    box.running()
    r = box.exec("sh", "-c", "echo to-stdout; echo to-stderr >&2").ok()
    same((r.out, r.err), ("to-stdout\n", "to-stderr\n"))


@test(cases={"0": ("exit 0", 0), "7": ("exit 7", 7), "killed": ("kill -9 $$", 137)})
def the_exit_status_is_the_processs(box, case):
    script, status = case
    box.running()
    box.exec("sh", "-c", script).ends(status)


@test
def options_of_the_program_are_its_own(box):
    box.running()
    same(box.exec("echo", "-n", "--detach", "-e", "x").ok().out, "--detach -e x")


@test(cases={"argument": (["echo", b"a\xffb"], []), "environment": (["true"], ["--env", b"A=\xff"])})
def a_word_that_is_not_utf8_is_refused_and_not_altered(box, case):
    words, options = case
    box.running()
    r = subprocess.run([box.runtime, "--root", box.root, "exec", *options, "c1", *words],
                       capture_output=True, text=True, stdin=subprocess.DEVNULL)
    same((r.returncode, r.stdout), (255, ""))
    assert r.stderr.endswith("is not UTF-8\n"), r.stderr


@test
def a_mebibyte_of_any_bytes_passes(box):
    box.running()
    data = os.urandom(1 << 20)
    r = subprocess.run([box.runtime, "--root", box.root, "exec", "c1", "cat"], input=data,
                       capture_output=True, timeout=20)
    assert r.returncode == 0 and r.stdout == data and r.stderr == b""


@test
def signals_to_the_runtime_reach_the_process(box):
    box.running()
    p = box.spawn("exec", "c1", "sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done")
    host.eventually(lambda: p.output.out == "up\n")
    p.send_signal(signal.SIGTERM)
    same(p.wait(10), 3)


@test
def it_is_in_all_the_namespaces_of_the_container(box):
    b = box.bundle("sleep 100")
    b.linux["namespaces"].append({"type": "cgroup"})
    pid = box.running(b)
    kinds = ("mnt", "pid", "net", "uts", "ipc", "cgroup", "user")
    out = box.exec("sh", "-c", f"for n in {' '.join(kinds)}; do readlink /proc/self/ns/$n; done").ok().out
    same(out.split(), [host.namespace(pid, n) for n in kinds])


@test
def it_sees_the_containers_processes_and_files(box):
    box.running("exec sleep 100")
    out = box.exec("sh", "-c", "cat /proc/1/cmdline; hostname; ls -d /bin").ok().out
    same(out, "sleep\x00100\x00tenon\n/bin\n")


@test
def it_is_in_all_the_control_groups_of_the_container(box):
    pid = box.running()
    box.exec("sleep", "90", options=["--detach", "--pid-file", f"{box.dir}/pid"]).ok()
    other = int(open(f"{box.dir}/pid").read())
    same(host.cgroup_of(other), host.cgroup_of(pid))


@test
def detached_it_returns_and_writes_the_pid_without_newline(box):
    init = box.running()
    box.exec("sleep", "90", options=["-d", "--pid-file", f"{box.dir}/pid"]).ok().silent()
    text = open(f"{box.dir}/pid").read()
    pid = int(text)
    same(text, str(pid))
    same(host.command_line(pid), "sleep 90", "it was executed before exec returned")
    same(sorted(host.living_children()), sorted([init, pid]))
    same(host.namespace(pid, "pid"), host.namespace(init, "pid"))


@test
def detached_its_output_still_arrives(box):
    box.running()
    r = box.exec("sh", "-c", "sleep 0.2; echo late", options=["--detach"]).ok()
    host.eventually(lambda: r.out == "late\n")


# --- which process

@test
def the_process_file_tells_everything(box):
    box.running()
    file = process_file(box, args=["sh", "-c", "id -u; id -g; pwd; env | sort; umask; ulimit -n"],
                        user={"uid": 1000, "gid": 1001, "umask": 0o027}, cwd="/tmp", env=["A=1", "PATH=/bin"],
                        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 80}])
    out = box.exec(options=["--process", file]).ok().out.split()
    same(out[:3], ["1000", "1001", "/tmp"])
    assert "A=1" in out and "PATH=/bin" in out and "TERM=xterm" not in out, out
    same(out[-2:], ["0027", "77"])


@test
def what_the_process_file_leaves_out_is_the_containers(box):
    b = box.bundle("sleep 100")
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 55, "hard": 66}]
    b.process["capabilities"]["bounding"] = ["CAP_CHOWN"]
    b.process["capabilities"]["effective"] = b.process["capabilities"]["permitted"] = ["CAP_CHOWN"]
    box.running(b)
    file = process_file(box, args=["sh", "-c", "ulimit -n; cat /proc/self/status"], env=["PATH=/bin"])
    out = box.exec(options=["-p", file]).ok().out
    same(out.split()[0], "55")
    same([int(host.status_field(out, f), 16) for f in ("CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb")],
         [1, 1, 1, 0, 0])


@test
def no_new_privileges_is_taken_from_the_process_file(box):
    box.running()
    for value in (True, False):
        file = process_file(box, args=["cat", "/proc/self/status"], env=["PATH=/bin"],
                            noNewPrivileges=value)
        out = box.exec(options=["--process", file]).ok().out
        same(host.status_field(out, "NoNewPrivs"), str(int(value)))


@test
def a_process_file_with_relative_path_is_found(box):
    box.running()
    process_file(box, args=["echo", "here"], env=["PATH=/bin"])
    same(box.exec(options=["--process", "process.json"], cwd=box.dir).ok().out, "here\n")


@test
def without_a_file_the_configurations_process_is_the_pattern(box):
    b = box.bundle("sleep 100")
    b.process["env"].append("FROM=config")
    b.process["cwd"] = "/home/ann"
    b.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
    box.running(b)
    out = box.exec("sh", "-c", "echo $FROM; pwd; id -u; id -G").ok().out
    same(out, "config\n/home/ann\n1000\n1000 7\n")


@test
def env_is_added(box):
    box.running()
    out = box.exec("sh", "-c", "echo $ONE $TWO $TERM",
                   options=["--env", "ONE=1", "--env", "TWO=2", "--env=TERM=dumb"]).ok().out
    same(out, "1 2 dumb\n")


@test
def cwd_is_set(box):
    box.running()
    same(box.exec("pwd", options=["--cwd", "/home/ann"]).ok().out, "/home/ann\n")


@test(cases={"1000:1001": ("1000:1001", "1000 1001"), "1000": ("1000", "1000 0"), "0:5": ("0:5", "0 5")})
def user_is_set(box, case):
    option, expected = case
    box.running()
    same(box.exec("sh", "-c", "echo $(id -u) $(id -g)", options=["--user", option]).ok().out,
         expected + "\n")


@test(cases={u: u for u in ("1x", "x", ":", "1:", ":1", "1:2:3", "-1", "1:-1", "0x10", " 1", "4294967296",
                            "4294967295", "99999999999999999999")})
def a_user_that_is_no_number_is_refused(box, user):
    """CVE-2026-30892: a user that was half understood became root."""
    box.running()
    box.exec("id", options=["--user", user]).fails("exec failed: ", code=255)


@test
def additional_groups_are_set(box):
    box.running()
    out = box.exec("id", "-G", options=["-g", "7", "-g", "8"]).ok().out
    same(sorted(out.split()), ["0", "7", "8"])


@test
def a_capability_is_added_but_never_inheritable(box):
    """CVE-2022-29162: inheritable capabilities come back through a file with them."""
    box.running()
    out = box.exec("cat", "/proc/self/status", options=["--cap", "CAP_SYS_PTRACE"]).ok().out
    for field in ("CapBnd", "CapEff", "CapPrm"):
        assert int(host.status_field(out, field), 16) & 1 << 19, out
    same(int(host.status_field(out, "CapInh"), 16), 0)


@test
def home_comes_from_the_containers_accounts(box):
    box.running()
    same(box.exec("sh", "-c", "echo $HOME", options=["--user", "1000:1000"]).ok().out, "/home/ann\n")


# --- errors

def refused(box, *arguments, options=(), texts=()):
    box.exec(*arguments, options=options).fails("exec failed: ", *texts, code=255)


@test
def a_missing_program(box):
    box.running()
    refused(box, "frobnicate", texts=['exec: "frobnicate": executable file not found in $PATH',
                                      "no such file or directory"])
    refused(box, "/bin/frobnicate", texts=["no such file or directory"])


@test
def a_program_that_is_not_executable(box):
    box.running()
    refused(box, "/etc/passwd", texts=["permission denied"])
    refused(box, "/etc", texts=['exec: "/etc": is a directory: permission denied'])


@test
def a_program_in_no_known_format(box):
    b = box.bundle("sleep 100")
    with open(f"{b.rootfs}/bin/text", "w") as f:
        f.write("words\n")
    os.chmod(f"{b.rootfs}/bin/text", 0o755)
    box.running(b)
    refused(box, "/bin/text", texts=["exec format error"])


@test
def a_failed_detached_exec_writes_no_pid_file(box):
    box.running()
    refused(box, "frobnicate", options=["--detach", "--pid-file", f"{box.dir}/pid"],
            texts=["executable file not found"])
    assert not os.path.exists(f"{box.dir}/pid")


@test
def a_failed_exec_leaves_no_process(box):
    init = box.running()
    refused(box, "frobnicate")
    host.eventually(lambda: host.living_children() == [init])


@test
def a_stopped_container(box):
    box.stopped()
    refused(box, "true", texts=["cannot exec in a stopped container"])


@test
def an_unknown_container(box):
    refused(box, "true", texts=["container does not exist"])


@test
def a_working_directory_that_is_not_there(box):
    box.running()
    refused(box, "true", options=["--cwd", "/nowhere"], texts=["/nowhere", "no such file or directory"])


@test
def a_process_file_that_is_not_there(box):
    box.running()
    refused(box, options=["--process", f"{box.dir}/absent"], texts=[f"{box.dir}/absent"])


@test(cases={"no args": {"args": []}, "args are a text": {"args": "true"}, "uid": {"user": {"uid": "0", "gid": 0}},
             "relative cwd": {"args": ["true"], "cwd": "tmp"}})
def a_process_file_with_a_wrong_type(box, members):
    box.running()
    member = "cwd" if "cwd" in members else next(iter(members))
    refused(box, options=["--process", process_file(box, **members)], texts=[member])


@test
def a_terminal_for_a_detached_process_needs_a_console_socket(box):
    box.running()
    refused(box, "true", options=["--tty", "--detach"], texts=["cannot allocate tty", "console socket"])


# --- isolation

@test
def it_has_no_descriptor_but_its_three(box):
    box.running()
    same(box.exec("ls", "/proc/self/fd").ok().out.split(), ["0", "1", "2", "3"])


@test
def descriptors_of_the_caller_do_not_leak(box):
    box.running()
    r, w = os.pipe()
    os.set_inheritable(w, True)
    same(box.exec("ls", "/proc/self/fd", pass_fds=[w]).ok().out.split(), ["0", "1", "2", "3"])
    os.close(w)
    same(os.read(r, 1), b"")


@test
def preserved_descriptors_arrive(box):
    box.running()
    r, w = os.pipe()
    box.exec("sh", "-c", "echo three >&3", options=["--preserve-fds", "1"], close_fds=False,
             preexec_fn=host.place_descriptors([w])).ok()
    same(os.read(r, 100), b"three\n")


@test
def no_process_of_the_container_ever_sees_a_file_of_the_host_in_it(box):
    """CVE-2019-5736, CVE-2016-9962: before exec, a process that joins must be neither the host's binary
    nor traceable, even by a container that may trace."""
    b = box.bundle("cd /proc; while :; do for p in [0-9]*; do readlink $p/exe; for f in $p/fd/*; do "
                   "t=$(readlink $f); case $t in /) t=/:$(stat -L -c %d:%i $f);; esac; echo $t; "
                   "done; done; done 2>/dev/null")
    b.capabilities("CAP_SYS_PTRACE")
    spy = box.create(b).ok()
    box.hozo("start", "c1").ok()
    for _ in range(40):
        box.exec("true").ok()
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    seen = set(spy.out.splitlines())
    assert "/bin/sh" in seen
    root = os.stat(b.rootfs)
    harmless = (*(f"/bin/{name}" for name in applets()), "/dev/null", "/memfd:", "pipe:", "socket:", "/proc", f"{box.dir}/",
                f"/:{root.st_dev}:{root.st_ino}")
    # "/:" is a descriptor that was closed between the two looks at it.
    same([s for s in seen if s not in ("", "/:") and not s.startswith(harmless)], [])


@test
def many_at_once(box):
    box.running()
    processes = [box.spawn("exec", "c1", "sh", "-c", f"echo {n}; exit {n}") for n in range(20)]
    for n, p in enumerate(processes):
        same(p.wait(25), n)
        same(p.output.out, f"{n}\n")
