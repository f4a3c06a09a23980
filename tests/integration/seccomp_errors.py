# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: profiles that are refused, with the path of what is wrong; names that nobody knows."""
from harness import same, test
from seccomp_probe import NATIVE, OK, action, allowing, probing, profile, rule, verdict, verdicts

RULE = "linux.seccomp.syscalls[0]"


def refused(box, seccomp, *texts):
    b = box.bundle()
    b.linux["seccomp"] = seccomp
    box.create(b).fails(*texts)
    box.unknown()
    box.nothing_left()


def with_argument(index, op, value, **more):
    return profile("ALLOW", {"names": ["getppid"], "action": action("ERRNO"), "args": [
        {k: v for k, v in {"index": index, "op": op, "value": value, **more}.items() if v is not None}]})


def listening(default="ALLOW", names="getppid", **more):
    return profile(default, rule("getsid", "ERRNO"), rule(names, "NOTIFY"), **{"listenerPath": "/x/agent", **more})


WRONG = {
    # an errno where none is taken
    **{f"errnoRet with {a}": (profile("ERRNO", rule("getppid", a, errnoRet=1)), f"{RULE}.errnoRet")
       for a in ("ALLOW", "KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP", "LOG")},
    "errnoRet 0 with KILL": (profile("ERRNO", rule("getppid", "KILL", errnoRet=0)), f"{RULE}.errnoRet"),
    "errnoRet with NOTIFY": (profile("ALLOW", rule("getppid", "NOTIFY", errnoRet=1), listenerPath="/x"), f"{RULE}.errnoRet"),
    "errnoRet of the second rule": (profile("ERRNO", rule("read", "ALLOW"), rule("getppid", "ALLOW", errnoRet=1)),
                                    "linux.seccomp.syscalls[1].errnoRet"),
    **{f"defaultErrnoRet with {a}": (profile(a, rule("getppid", "ERRNO"), defaultErrnoRet=1), "linux.seccomp.defaultErrnoRet")
       for a in ("ALLOW", "KILL", "KILL_PROCESS", "TRAP", "LOG")},
    # numbers that no filter can carry: 16 bits, of which the kernel makes at most 4095 for ERRNO
    "errnoRet 65536": (profile("ALLOW", rule("getppid", "ERRNO", errnoRet=65536)), f"{RULE}.errnoRet"),
    "errnoRet 65537 of TRACE": (profile("ALLOW", rule("getppid", "TRACE", errnoRet=65537)), f"{RULE}.errnoRet"),
    "errnoRet 2^32": (profile("ALLOW", rule("getppid", "ERRNO", errnoRet=1 << 32)), f"{RULE}.errnoRet"),
    "errnoRet 4096": (profile("ALLOW", rule("getppid", "ERRNO", errnoRet=4096)), f"{RULE}.errnoRet"),
    "a negative errnoRet": (profile("ALLOW", rule("getppid", "ERRNO", errnoRet=-1)), f"{RULE}.errnoRet"),
    "defaultErrnoRet 65537": (profile("ERRNO", rule("read", "ALLOW"), defaultErrnoRet=65537), "linux.seccomp.defaultErrnoRet"),
    "defaultErrnoRet 4096": (profile("ERRNO", rule("read", "ALLOW"), defaultErrnoRet=4096), "linux.seccomp.defaultErrnoRet"),
    # agents
    "listenerMetadata without listenerPath": (profile("ALLOW", listenerMetadata="m"), "linux.seccomp.listenerMetadata"),
    "listenerMetadata without listenerPath, with NOTIFY": (
        profile("ALLOW", rule("getppid", "NOTIFY"), listenerMetadata="m"), "linux.seccomp"),
    "NOTIFY without listenerPath": (profile("ALLOW", rule("getppid", "NOTIFY")), "linux.seccomp"),
    "NOTIFY with an empty listenerPath": (listening(listenerPath=""), "linux.seccomp.listenerPath"),
    "NOTIFY with a relative listenerPath": (listening(listenerPath="agent"), "linux.seccomp.listenerPath"),
    "NOTIFY by default": (listening("NOTIFY"), "linux.seccomp.defaultAction"),
    "NOTIFY for write": (listening(names="write"), "linux.seccomp.syscalls[1]", "write"),
    "NOTIFY for write as the third name": (listening(names="getppid getpgid write"), "linux.seccomp.syscalls[1]", "write"),
    # arguments
    "index 6": (with_argument(6, "SCMP_CMP_EQ", 0), f"{RULE}.args[0]", "6"),
    "index 2^32": (with_argument(1 << 32, "SCMP_CMP_EQ", 0), f"{RULE}.args[0].index"),
    "a negative index": (with_argument(-1, "SCMP_CMP_EQ", 0), f"{RULE}.args[0].index"),
    "no index": (with_argument(None, "SCMP_CMP_EQ", 0), f"{RULE}.args[0].index"),
    "no operator": (with_argument(0, None, 0), f"{RULE}.args[0].op"),
    "no value": (with_argument(0, "SCMP_CMP_EQ", None), f"{RULE}.args[0].value"),
    "an operator that is none": (with_argument(0, "SCMP_CMP_IN", 0), f"{RULE}.args[0].op", "SCMP_CMP_IN"),
    "an operator without prefix": (with_argument(0, "EQ", 0), f"{RULE}.args[0].op"),
    "a negative value": (with_argument(0, "SCMP_CMP_EQ", -1), f"{RULE}.args[0].value"),
    "a value of 65 bits": (with_argument(0, "SCMP_CMP_EQ", 1 << 64), f"{RULE}.args[0].value"),
    "a second value of 65 bits": (with_argument(0, "SCMP_CMP_MASKED_EQ", 1, valueTwo=1 << 64), f"{RULE}.args[0].valueTwo"),
    "a second value that is not compared": (with_argument(0, "SCMP_CMP_EQ", 1, valueTwo=2), f"{RULE}.args[0]"),
    "a value that is a text": (with_argument(0, "SCMP_CMP_EQ", "1"), f"{RULE}.args[0].value"),
    # words
    "no default": ({"syscalls": []}, "linux.seccomp.defaultAction"),
    "a default that is none": (profile("FORBID"), "linux.seccomp.defaultAction", "SCMP_ACT_FORBID"),
    "an action that is none": (profile("ALLOW", rule("getppid", "FORBID")), f"{RULE}.action", "SCMP_ACT_FORBID"),
    "an action in small letters": (profile("ALLOW", {"names": ["getppid"], "action": "scmp_act_errno"}), f"{RULE}.action"),
    "no action": (profile("ALLOW", {"names": ["getppid"]}), f"{RULE}.action"),
    "no names": (profile("ALLOW", {"action": action("ERRNO")}), f"{RULE}.names"),
    "an empty list of names": (profile("ALLOW", {"names": [], "action": action("ERRNO")}), f"{RULE}.names"),
    "an empty name": (profile("ALLOW", {"names": ["getppid", ""], "action": action("ERRNO")}), f"{RULE}.names[1]"),
    "an architecture that is none": (profile("ALLOW", architectures=[NATIVE, "SCMP_ARCH_PDP11"]),
                                     "linux.seccomp.architectures[1]", "SCMP_ARCH_PDP11"),
    "a flag that is none": (profile("ALLOW", flags=["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_X"]),
                            "linux.seccomp.flags[1]", "SECCOMP_FILTER_FLAG_X"),
    "a flag that is the runtime's": (profile("ALLOW", flags=["SECCOMP_FILTER_FLAG_NEW_LISTENER"]), "linux.seccomp.flags[0]"),
    "rules that are no list": ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}, "linux.seccomp.syscalls"),
}


@test(cases=WRONG)
def it_is_refused(box, case):
    refused(box, *case)


@test
def nothing_of_a_refused_profile_is_run_by_exec_either(box):
    """`exec` takes the profile of create; a container that exists has one that was fine."""
    b = probing(box, profile("ALLOW", rule("getppid", "ERRNO")))
    b.program("sleep 100")
    box.running(b)
    b.linux["seccomp"] = profile("FORBID")
    b.write()
    same(verdicts(box.exec("probe", "getppid", "getsid")), ["errno 1", OK])


# --- names that nobody knows

@test(cases={f"{default}, {do}": (default, do) for default, do in (
    ("ERRNO", "ALLOW"), ("ERRNO", "LOG"), ("ALLOW", "ALLOW"), ("LOG", "LOG"))})
def an_unknown_name_that_would_only_permit_is_ignored(box, case):
    """Profiles name the calls of newer kernels and of other machines."""
    default, do = case
    names = "frobnicate getppid x_no_such_call"
    if default == "ERRNO":
        p = allowing(rule(names, do))
        same(verdict(box, p, "getppid", "getsid"), [OK, "errno 99"])
    else:
        p = profile(default, rule("getsid", "ERRNO"), rule(names, do))
        same(verdict(box, p, "getppid", "getsid"), [OK, "errno 1"])


@test(cases={f"{default}, {do}": (default, do) for default in ("ALLOW", "LOG") for do in (
    "ERRNO", "KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP", "TRACE", "NOTIFY")})
def an_unknown_name_that_would_forbid_is_an_error(box, case):
    """Or the call that is meant would be permitted."""
    default, do = case
    listener = {"listenerPath": "/x/agent"} if do == "NOTIFY" else {}
    refused(box, profile(default, rule("getsid", "ERRNO"), rule("getppid frobnicate", do), **listener),
            "linux.seccomp.syscalls[1].names[1]", "frobnicate")


@test(cases={do: do for do in ("ERRNO", "KILL", "KILL_PROCESS", "TRAP")})
def where_all_is_forbidden_an_unknown_name_forbids_nothing_more(box, do):
    same(verdict(box, allowing(rule("frobnicate", do), rule("getppid", "ALLOW")), "getppid", "getsid"), [OK, "errno 99"])


@test
def an_unknown_name_with_conditions(box):
    same(verdict(box, allowing(rule("frobnicate getppid", "ALLOW", [(0, "EQ", 1)])), "getppid:1", "getppid:2"), [OK, "errno 99"])
    refused(box, profile("ALLOW", rule("frobnicate", "ERRNO", [(0, "EQ", 1)])), f"{RULE}.names[0]", "frobnicate")


@test
def a_name_twice(box):
    same(verdict(box, profile("ALLOW", rule("getppid getppid", "ERRNO", errnoRet=9), rule("getppid", "ERRNO", errnoRet=9)),
                 "getppid", "getsid"), ["errno 9", OK])
