# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: the kernel's verdict for each action, as a default and in a rule, from inside of the container."""
import ctypes
import errno
import os
import shutil
import subprocess

import host
from harness import Skip, libc, same, test
from seccomp_probe import (AUDIT, GETPPID, KILLED, OK, STATUS, action, allowing, probing, profile, rule, status, told,
                           verdict)

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SECCOMP_GET_METADATA = 16, 17, 0x420d

# Action, members of the rule, what of getppid(2) is said: alone, in a second thread, with a handler of SIGSYS, traced.
ACTIONS = {
    "ALLOW": ("ALLOW", {}, [OK, OK, OK, OK]),
    "LOG": ("LOG", {}, [OK, OK, OK, OK]),
    "ERRNO": ("ERRNO", {}, ["errno 1"] * 4),
    "ERRNO with errnoRet": ("ERRNO", {"errnoRet": 77}, ["errno 77"] * 4),
    "ERRNO with a large errno": ("ERRNO", {"errnoRet": 4094}, ["errno 4094"] * 4),
    "ERRNO with errnoRet 0": ("ERRNO", {"errnoRet": 0}, ["= 0"] * 4),
    "KILL": ("KILL", {}, [KILLED, "thread gone", KILLED, KILLED]),
    "KILL_THREAD": ("KILL_THREAD", {}, [KILLED, "thread gone", KILLED, KILLED]),
    "KILL_PROCESS": ("KILL_PROCESS", {}, [KILLED] * 4),
    "TRAP": ("TRAP", {}, [KILLED, KILLED, f"trap {GETPPID} 0 {AUDIT or 0:#x} here", KILLED]),
    "TRACE": ("TRACE", {}, ["errno 38", "errno 38", "errno 38", "event 1"]),
    "TRACE with errnoRet": ("TRACE", {"errnoRet": 4711}, ["errno 38", "errno 38", "errno 38", "event 4711"]),
}
CALLS = ("getppid", "thread/getppid", "trap/getppid", "traced/getppid")


def answers(box, seccomp):
    """Told as in the table: a line for each of the calls; of a result, only 0 is told."""
    lines = told(box.run(probing(box, seccomp, *CALLS)))
    if lines[3].startswith("event"):
        same(len(lines), 5)
        assert lines.pop().startswith("= "), lines  # the tracer has let it pass
    return [OK if line.startswith(OK) and line != "= 0" else line for line in lines]


@test(cases=ACTIONS)
def a_rule_has_its_action(box, case):
    do, more, expected = case
    other = "ERRNO" if do in ("ALLOW", "LOG") else "ALLOW"
    if other == "ALLOW":
        same(answers(box, profile("ALLOW", rule("getppid", do, **more))), expected)
    else:
        p = allowing(rule("getppid", do, **more))
        same(answers(box, p), expected)
        same(verdict(box, p, "getsid"), ["errno 99"])


@test(cases={k: v for k, v in ACTIONS.items() if v[0] not in ("ALLOW", "LOG")})
def a_call_without_a_rule_gets_the_default_action(box, case):
    do, more, expected = case
    p = allowing()
    p["defaultAction"], p["defaultErrnoRet"] = action(do), more.get("errnoRet")
    if not more:
        del p["defaultErrnoRet"]
    same(answers(box, p), expected)


@test(cases={"ALLOW": "ALLOW", "LOG": "LOG"})
def a_default_that_permits(box, do):
    same(verdict(box, profile(do, rule("getsid", "ERRNO")), "getppid", "getsid"), [OK, "errno 1"])
    same(verdict(box, profile(do), "getppid", "getsid"), [OK, OK], "without a rule")
    same(verdict(box, {"defaultAction": action(do)}, "getppid"), [OK], "without a list of rules")


@test
def every_rule_has_an_errno_of_its_own(box):
    p = profile("ALLOW", rule("getppid getsid", "ERRNO", errnoRet=11), rule("getpgid", "ERRNO", errnoRet=12),
                rule("umask", "ERRNO"), rule("getpriority", "TRACE", errnoRet=14))
    same(verdict(box, p, "getppid", "getsid", "getpgid", "umask", "getpriority", "keyctl:99"),
         ["errno 11", "errno 11", "errno 12", "errno 1", "errno 38", f"errno {errno.EOPNOTSUPP}"])


@test
def the_default_errno_is_not_that_of_rules(box):
    p = allowing(rule("getppid", "ERRNO"), rule("getsid", "ERRNO", errnoRet=5), defaultErrnoRet=38)
    same(verdict(box, p, "getppid", "getsid", "getpgid"), ["errno 1", "errno 5", "errno 38"])
    del p["defaultErrnoRet"]
    same(verdict(box, p, "getppid", "getsid", "getpgid"), ["errno 1", "errno 5", "errno 1"])


@test
def a_rule_with_the_default_action_changes_nothing(box):
    p = profile("ALLOW", rule("getppid", "ALLOW"), rule("getsid", "ERRNO"))
    same(verdict(box, p, "getppid", "getsid"), [OK, "errno 1"])
    p = allowing(rule("getsid", "ERRNO", errnoRet=99), rule("getppid", "ALLOW"))
    same(verdict(box, p, "getppid", "getsid", "getpgid"), [OK, "errno 99", "errno 99"])


@test
def one_filter_and_no_more(box):
    same(box.run(with_status(box, profile("ALLOW", rule("getppid", "ERRNO")))).ok().out, status())
    same(box.run(box.bundle(STATUS)).ok().out, status(mode=0, filters=0))


def with_status(box, seccomp):
    b = box.bundle(STATUS)
    b.linux["seccomp"] = seccomp
    return b


@test
def a_rule_names_many_calls(box):
    """A tree of many calls, in any order: each is found, and what lies between is not."""
    names = ("getppid getsid getpgid getpriority umask mkdirat chroot setns keyctl unshare personality mount bpf acct "
             "swapon swapoff sethostname setdomainname pivot_root init_module delete_module quotactl kexec_load "
             "add_key request_key reboot settimeofday adjtimex nfsservctl").split()
    p = profile("ALLOW", *(rule(n, "ERRNO", errnoRet=100 + i) for i, n in enumerate(names)))
    same(verdict(box, p, *names[:14], "ptrace:99"), [f"errno {100 + i}" for i in range(14)] + [f"errno {errno.ESRCH}"])


@test
def what_is_killed_gives_its_signal(box):
    b = box.bundle("chroot / true; echo shell lives")
    b.linux["seccomp"] = profile("ALLOW", rule("chroot", "KILL_PROCESS"))
    r = box.run(b).ok()
    same(r.out, "shell lives\n")
    b.program(["chroot", "/", "true"])
    box.run(b, id="c2").ends(128 + 31)


# --- flags

def metadata(pid):
    """The flags with which the first filter of a process was installed; the kernel keeps that about the log only."""
    if libc.ptrace(PTRACE_ATTACH, pid, 0, 0):
        raise Skip("no permission to trace")
    try:
        os.waitpid(pid, 0)
        answer = (ctypes.c_uint64 * 2)(0, 0)
        if libc.ptrace(PTRACE_SECCOMP_GET_METADATA, pid, ctypes.c_void_p(16), answer) != 16:
            raise Skip("the kernel does not tell the flags of a filter")
        return answer[1]
    finally:
        libc.ptrace(PTRACE_DETACH, pid, 0, 0)


@test
def the_flag_to_log_is_the_filters(box):
    for flags in ([], ["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"]):
        b = probing(box, profile("ALLOW", rule("getppid", "ERRNO"), flags=flags))
        b.program("sleep 100")
        pid = box.running(b)
        same(metadata(pid), 2 if "SECCOMP_FILTER_FLAG_LOG" in flags else 0, flags)
        box.hozo("delete", "--force", "c1").ok()


@test(sanitized=False, cases={"none": (None, 0), "an empty list": ([], 0), "TSYNC": (["SECCOMP_FILTER_FLAG_TSYNC"], 1),
             "LOG": (["SECCOMP_FILTER_FLAG_LOG"], 2), "SPEC_ALLOW": (["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], 4),
             "all": (["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"], 7),
             "one twice": (["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_LOG"], 2)})
def flags_are_those_of_the_call(box, case):
    """As a tracer sees it: of most flags a single process has nothing to tell afterwards."""
    flags, expected = case
    b = probing(box, profile("ALLOW", rule("getppid", "ERRNO"), **({} if flags is None else {"flags": flags})), "getppid")
    same(installed_with(box, b), [expected])


def installed_with(box, b):
    """The flags of each filter that a run installs."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    trace = f"{box.dir}/trace"
    subprocess.run(["strace", "-f", "-qq", "-X", "raw", "-e", "trace=seccomp", "-o", trace, box.runtime, "--root", box.root,
                    "run", "--bundle", b.write().path, "c9"], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=20)
    with open(trace) as f:
        calls = [line.partition("seccomp(")[2].split(", ") for line in f if "seccomp(0x1," in line or "seccomp(1," in line]
    return [int(c[1], 0) for c in calls if "NULL" not in c[2] and not c[2].startswith("0)")]


@test
def a_filter_that_allows_speculation_leaves_it_as_it_is(box):
    """Seen where the processor can turn it off for a process, and the kernel does so for filters."""
    for flags in ([], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]):
        b = box.bundle("grep Speculation_Store_Bypass /proc/self/status")
        b.linux["seccomp"] = profile("ALLOW", rule("getppid", "ERRNO"), flags=flags)
        said = host.status_field(box.run(b).ok().out, "Speculation_Store_Bypass")
        with open("/proc/self/status") as f:
            before = host.status_field(f.read(), "Speculation_Store_Bypass")
        if flags:
            same(said, before)
        elif said == before:
            raise Skip(f"this kernel leaves speculation alone, it is {before!r}")
