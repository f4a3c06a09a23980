# SPDX-License-Identifier: Apache-2.0
"""Filters that were compiled once are those of one profile: every member of it counts."""
import copy
import os

from harness import Skip, same, test
from seccomp_agent import Agent, value
from seccomp_probe import NATIVE, OK, action, allowing, profile, rule, verdict

BASE = allowing(rule("getppid", "ALLOW", [(0, "EQ", 5, 0), (1, "LT", 7)]), rule("getsid", "ERRNO", errnoRet=11),
                rule("umask", "TRACE", errnoRet=12), architectures=[NATIVE], flags=[])
CALLS = ("getppid:5,1", "getppid:0x100000005,1", "getppid:5,7", "getppid:6,1", "getsid", "umask", "getpgid", "traced/umask")
SAID = [OK, "errno 99", "errno 99", "errno 99", "errno 11", "errno 38", "errno 99", "event 12", OK]


def changed(*path, to):
    """BASE with another value at a path."""
    p = copy.deepcopy(BASE)
    at = p
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return p


def saying(**at):
    said = list(SAID)
    for index, text in at.items():
        said[int(index[1:])] = text
    return said


VARIANTS = {
    "defaultErrnoRet": (changed("defaultErrnoRet", to=98), ["errno 98" if s == "errno 99" else s for s in SAID]),
    "defaultAction": (changed("defaultAction", to=action("LOG")), None),
    "errnoRet": (changed("syscalls", 2, "errnoRet", to=13), saying(_4="errno 13")),
    "errnoRet of TRACE": (changed("syscalls", 3, "errnoRet", to=13), saying(_7="event 13")),
    "action": (changed("syscalls", 2, "action", to=action("TRACE")), saying(_4="errno 38")),
    "names": (changed("syscalls", 2, "names", to=["getpgid"]), saying(_4="errno 99", _6="errno 11")),
    "one name more": (changed("syscalls", 2, "names", to=["getsid", "getpgid"]), saying(_6="errno 11")),
    "the upper half of a value": (changed("syscalls", 1, "args", 0, "value", to=(1 << 32) + 5), saying(_0="errno 99", _1=OK)),
    "a value": (changed("syscalls", 1, "args", 0, "value", to=6), saying(_0="errno 99", _3=OK)),
    "an operator": (changed("syscalls", 1, "args", 0, "op", to="SCMP_CMP_GE"), saying(_1=OK, _3=OK)),
    "an index": (changed("syscalls", 1, "args", 1, "index", to=2), saying(_2=OK)),
    "one condition less": (changed("syscalls", 1, "args", to=BASE["syscalls"][1]["args"][:1]), saying(_2=OK)),
    "no conditions": (changed("syscalls", 1, "args", to=[]), saying(_1=OK, _2=OK, _3=OK)),
    "one rule less": (changed("syscalls", to=BASE["syscalls"][:2] + BASE["syscalls"][3:]), saying(_4="errno 99")),
}


@test(cases=VARIANTS)
def a_profile_that_differs_in_one_member_has_a_filter_of_its_own(box, case):
    """Both run with what the other has left."""
    p, expected = case
    if p["defaultAction"] == action("LOG"):
        del p["defaultErrnoRet"]
        expected = [OK if s == "errno 99" else s for s in SAID]
    for _ in range(2):
        same(verdict(box, BASE, *CALLS), SAID)
        same(verdict(box, p, *CALLS), expected)
    same(len(os.listdir(f"{box.root}/.cache/seccomp")), 2)


@test
def the_mask_of_a_condition_is_part_of_the_key(box):
    for mask, value, calls in ((1, 1, [OK, "errno 1", OK, "errno 1"]), (1, 0, ["errno 1", OK, "errno 1", OK]),
                               (3, 1, [OK, "errno 1", OK, OK])):
        p = profile("ALLOW", rule("getppid", "ERRNO", [(0, "MASKED_EQ", mask, value)]))
        same(verdict(box, p, *(f"getppid:{n}" for n in range(4))), calls)


@test
def architectures_are_part_of_the_key(box):
    other = "SCMP_ARCH_X86"
    if NATIVE != "SCMP_ARCH_X86_64":
        raise Skip("the second architecture is one of x86")
    for _ in range(2):
        for names, expected in (([NATIVE], "signal 31"), ([NATIVE, other], "errno 9")):
            p = profile("ALLOW", rule("getppid", "ERRNO", errnoRet=9), architectures=names)
            said = verdict(box, p, "getppid", "i386/64")
            if said[1] == "errno 14" or said[1] == "signal 11":
                raise Skip("this kernel has no calls of 32 bits")
            same(said, ["errno 9", expected])


@test
def an_agent_is_asked_though_a_profile_without_one_was_there(box):
    """Rules are the same, but for the action."""
    for _ in range(2):
        same(verdict(box, profile("ALLOW", rule("getppid", "ERRNO")), "getppid"), ["errno 1"])
        with Agent(f"{box.dir}/agent", lambda call: value(0)) as a:
            same(verdict(box, profile("ALLOW", rule("getppid", "NOTIFY"), listenerPath=f"{box.dir}/agent"), "getppid"), [OK])
            same(len(a.calls), 1)
