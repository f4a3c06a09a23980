# SPDX-License-Identifier: Apache-2.0
"""What `process` says, as the program finds it."""
import ctypes
import os
import signal
import subprocess

import host
from compiled import compiled
from harness import libc, same, test


def status(box, bundle):
    """/proc/self/status of the program."""
    bundle.program(["cat", "/proc/self/status"])
    text = box.run(bundle).ok().out
    return lambda field: host.status_field(text, field)


@test
def it_is_pid_1_in_a_name_space_of_its_own(box):
    same(box.run("echo $$; ls -d /proc/[0-9]* | head -n 1; hostname").ok().out, "1\n/proc/1\ntenon\n")


@test
def each_namespace_of_the_list_is_new_and_no_other(box):
    kinds = ["mnt", "pid", "net", "uts", "ipc", "user", "cgroup"]
    pid = box.running()
    ours = {k: host.namespace("self", k) for k in kinds}
    theirs = {k: host.namespace(pid, k) for k in kinds}
    same([k for k in kinds if ours[k] == theirs[k]], ["user", "cgroup"])


@test
def a_namespace_with_a_path_is_joined(box):
    first = box.running(id="c1")
    b = box.bundle("sleep 100")
    for n in b.linux["namespaces"]:
        if n["type"] in ("network", "ipc", "uts"):
            n["path"] = f"/proc/{first}/ns/{dict(network='net').get(n['type'], n['type'])}"
    del b.config["hostname"]
    second = box.running(b, id="c2")
    for kind in ("net", "ipc", "uts"):
        same(host.namespace(second, kind), host.namespace(first, kind))
    assert host.namespace(second, "mnt") != host.namespace(first, "mnt")
    assert host.namespace(second, "pid") != host.namespace(first, "pid")


@test
def a_pid_namespace_is_shared_by_its_path(box):
    first = box.running("exec sleep 100", id="c1")
    b = box.bundle("cat /proc/1/cmdline; sleep 100")
    b.linux["namespaces"][0]["path"] = f"/proc/{first}/ns/pid"
    out = box.create(b, id="c2").ok()
    box.hozo("start", "c2").ok()
    host.eventually(lambda: out.out == "sleep\x00100\x00")
    same(host.namespace(box.state("c2")["pid"], "pid"), host.namespace(first, "pid"))


@test
def the_capabilities_are_exactly_the_configured(box):
    b = box.bundle()
    b.process["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"],
                                 "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"]}
    b.process["user"] = {"uid": 1000, "gid": 1000}
    b.process["noNewPrivileges"] = False
    field = status(box, b)
    same([int(field(f), 16) for f in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
         [0, 0, 0, 1 | 1 << 5 | 1 << 7, 0], "a user without ambient capabilities has none after exec")


@test
def root_has_the_capabilities_of_the_bounding_set(box):
    b = box.bundle()
    b.capabilities("CAP_CHOWN", "CAP_NET_BIND_SERVICE")
    field = status(box, b)
    same([int(field(f), 16) for f in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
         [0, 1 | 1 << 10, 1 | 1 << 10, 1 | 1 << 10, 0])


@test
def ambient_capabilities_reach_a_user_without_root(box):
    b = box.bundle()
    b.process["user"] = {"uid": 1000, "gid": 1000}
    b.process["capabilities"] = {k: ["CAP_CHOWN"] for k in
                                 ("bounding", "effective", "permitted", "inheritable", "ambient")}
    field = status(box, b)
    same([int(field(f), 16) for f in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")], [1] * 5)


@test
def without_capabilities_there_are_none(box):
    b = box.bundle()
    del b.process["capabilities"]
    field = status(box, b)
    same([int(field(f), 16) for f in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")], [0] * 5)


@test(cases={"true": True, "false": False, "absent": None})
def no_new_privileges(box, value):
    b = box.bundle()
    del b.process["noNewPrivileges"]
    if value is not None:
        b.process["noNewPrivileges"] = value
    same(status(box, b)("NoNewPrivs"), "1" if value else "0")


@test
def limits_are_set(box):
    b = box.bundle(["cat", "/proc/self/limits"])
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                            {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
                            {"type": "RLIMIT_FSIZE", "soft": 1 << 40, "hard": (1 << 64) - 1}]
    rows = {line[:26].strip(): line[26:].split()[:2] for line in box.run(b).ok().out.splitlines()}
    same(rows["Max open files"], ["100", "200"])
    same(rows["Max core file size"], ["0", "0"])
    same(rows["Max file size"], [str(1 << 40), "unlimited"])


@test
def tiny_limits_do_not_disturb_the_set_up(box):
    b = box.bundle("echo fine")
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10},
                            {"type": "RLIMIT_FSIZE", "soft": 100, "hard": 100},
                            {"type": "RLIMIT_STACK", "soft": 1 << 20, "hard": 1 << 20}]
    same(box.run(b).ok().out, "fine\n")


@test
def the_oom_score_adjustment_is_set(box):
    b = box.bundle(["cat", "/proc/self/oom_score_adj"])
    b.process["oomScoreAdj"] = 567
    same(box.run(b).ok().out, "567\n")


@test
def without_an_oom_score_adjustment_it_is_the_callers(box):
    b = box.bundle(["cat", "/proc/self/oom_score_adj"]).write()
    command = f"echo 321 > /proc/self/oom_score_adj; exec {box.runtime} --root {box.root} run -b {b.path} c1"
    r = subprocess.run(["sh", "-c", command], capture_output=True, timeout=20, text=True)
    same((r.returncode, r.stdout, r.stderr), (0, "321\n", ""))


@test(cases={"absent": (None, "0022"), "0077": (0o077, "0077"), "0": (0, "0000")})
def the_umask(box, case):
    value, expected = case
    b = box.bundle("umask")
    if value is not None:
        b.process["user"]["umask"] = value
    same(box.run(b, preexec_fn=lambda: os.umask(0o027)).ok().out, expected + "\n")


@test
def the_environment_is_exactly_the_configured_and_a_home(box):
    b = box.bundle(["env"])
    b.process["env"] = ["PATH=/bin", "A=b=c", "EMPTY=", "BLANK=a b", "UNICODE=☃"]
    same(sorted(box.run(b).ok().out.splitlines()), sorted([*b.process["env"], "HOME=/root"]))


@test(cases={"root": (0, "/root"), "ann": (1000, "/home/ann"), "nobody": (4321, "/")})
def home_comes_from_the_containers_accounts(box, case):
    uid, home = case
    b = box.bundle("echo $HOME")
    b.process["user"] = {"uid": uid, "gid": uid}
    same(box.run(b).ok().out, home + "\n")


@test
def a_configured_home_is_kept(box):
    b = box.bundle("echo $HOME")
    b.process["env"].append("HOME=/tmp")
    same(box.run(b).ok().out, "/tmp\n")


@test
def no_variable_of_the_caller_arrives(box):
    r = box.run(["env"], env={"PATH": "/bin", "SECRET": "x", "LD_LIBRARY_PATH": "/x"}).ok()
    assert "SECRET" not in r.out and "LD_" not in r.out


@test
def user_group_and_additional_groups(box):
    b = box.bundle()
    b.process["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 7, 4000000000]}
    field = status(box, b)
    same((field("Uid").split(), field("Gid").split()), (["1000"] * 4, ["1001"] * 4))
    same(sorted(field("Groups").split()), ["4000000000", "5", "7"])


@test
def without_additional_groups_there_are_none(box):
    b = box.bundle()
    same(status(box, b)("Groups"), "")


@test
def the_working_directory(box):
    b = box.bundle("pwd")
    b.process["cwd"] = "/usr/bin"
    same(box.run(b).ok().out, "/usr/bin\n")


@test
def a_working_directory_that_only_the_user_may_enter(box):
    b = box.bundle("pwd")
    os.chmod(f"{b.rootfs}/home/ann", 0o700)
    b.process["cwd"] = "/home/ann"
    b.process["user"] = {"uid": 1000, "gid": 1000}
    same(box.run(b).ok().out, "/home/ann\n")


@test
def a_program_is_found_in_the_configured_path(box):
    b = box.bundle(["hello"])
    b.process["env"] = ["PATH=/nowhere:/usr/bin"]
    with open(f"{b.rootfs}/usr/bin/hello", "w") as f:
        f.write("#!/bin/sh\necho $0\n")
    os.chmod(f"{b.rootfs}/usr/bin/hello", 0o755)
    same(box.run(b).ok().out, "/usr/bin/hello\n")


# Prints the number and the name of its session keyring.
KEYRING = r"""
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    char text[4096] = "";
    long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

    if (id < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof(text) - 1) < 0)
        return 1;
    printf("%ld %s\n", id, strrchr(text, ';') + 1);
}
"""
SYS_KEYCTL, JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1


def with_a_keyring():
    number = SYS_KEYCTL[os.uname().machine]
    assert libc.syscall(ctypes.c_long(number), ctypes.c_long(JOIN_SESSION_KEYRING), b"the-callers") > 0


@test
def it_has_a_session_keyring_of_its_own(box):
    def bundle(program):
        b = box.bundle(program)
        compiled(box, KEYRING, f"{b.rootfs}/bin/keyring", "-static", "-O1")
        return b
    rings = []
    for id in ("c1", "c2"):
        b = bundle("keyring; sleep 100")
        out = box.create(b, id=id, preexec_fn=with_a_keyring).ok()
        box.hozo("start", id).ok()
        rings.append(host.eventually(lambda: out.out.endswith("\n") and out.out).split())
    rings.append(box.exec("keyring").ok().out.split())
    same({name for _, name in rings}, {"_ses"}, "the name of nobody's choice")
    same(len({number for number, _ in rings}), 3, "each its own")
    b = bundle("keyring")
    same(box.run(b, "--no-new-keyring", id="c3", preexec_fn=with_a_keyring).ok().out.split()[1], "the-callers")


@test
def it_leads_a_session(box):
    same(box.run("cut -d' ' -f 6 /proc/self/stat; cut -d ' ' -f 5 /proc/1/stat").ok().out, "1\n1\n")


@test
def it_has_no_descriptor_but_its_three(box):
    same(box.run(["ls", "/proc/self/fd"]).ok().out.split(), ["0", "1", "2", "3"])


@test
def descriptors_of_the_caller_do_not_leak(box):
    fds = [os.open("/etc/hostname", os.O_RDONLY) for _ in range(20)]
    for fd in fds:
        os.set_inheritable(fd, True)
    same(box.run(["ls", "/proc/self/fd"], pass_fds=fds).ok().out.split(), ["0", "1", "2", "3"])


@test
def blocked_and_ignored_signals_of_the_caller_are_reset(box):
    def disturb():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD])
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    text = box.run(["cat", "/proc/self/status"], preexec_fn=disturb, restore_signals=False).ok().out
    for field in ("SigBlk", "SigIgn", "SigCgt"):
        same(int(host.status_field(text, field), 16), 0, field)


@test
def it_does_not_die_with_its_creator(box):
    pid = box.running("cat /proc/self/status; sleep 100")
    assert host.alive(pid)
    same(box.state()["status"], "running")


@test
def a_user_without_root_may_open_its_own_standard_output(box):
    b = box.bundle("echo again > /dev/stdout; echo error > /dev/stderr").write()
    b.process["user"] = {"uid": 1000, "gid": 1000}
    b.write()
    r = subprocess.run([box.runtime, "--root", box.root, "run", "--bundle", b.path, "c1"],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    same((r.returncode, r.stdout, r.stderr), (0, "again\n", "error\n"))


@test
def ten_thousand_variables_and_long_arguments_pass(box):
    b = box.bundle(["sh", "-c", "echo ${#1}; env | grep -c ^VARIABLE_", "sh", "x" * 100000])
    b.process["env"] += [f"VARIABLE_{n}=value" for n in range(10000)]
    same(box.run(b).ok().out, "100000\n10000\n")
