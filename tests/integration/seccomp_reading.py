# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp where the specification leaves it open: what docs/seccomp.md says."""
from harness import Skip, same, test
from seccomp_probe import MACHINE, NATIVE, OK, allowing, probing, profile, rule, told, verdict

HIGH = 1 << 32


@test
def of_two_conditions_for_one_argument_any_is_enough(box):
    conditions = [(0, "LT", 5), (0, "GE", HIGH + 5), (1, "EQ", 7)]
    p = profile("ALLOW", rule("getppid", "ERRNO", conditions))
    calls = ("getppid:4", "getppid:5", f"getppid:{HIGH + 4}", f"getppid:{HIGH + 5}", "getppid:5,7")
    same(verdict(box, p, *calls), ["errno 1", OK, OK, "errno 1", "errno 1"])
    p = allowing(rule("getppid", "ALLOW", conditions))
    same(verdict(box, p, *calls), [OK, "errno 99", "errno 99", OK, OK])


@test
def the_first_rule_that_matches_decides(box):
    rules = [rule("getppid", "ERRNO", [(0, "GE", 5)], errnoRet=11), rule("getppid", "ERRNO", [(0, "LE", 7)], errnoRet=12)]
    same(verdict(box, profile("ALLOW", *rules), "getppid:4", "getppid:5", "getppid:8"), ["errno 12", "errno 11", "errno 11"])
    rules.reverse()
    same(verdict(box, profile("ALLOW", *rules), "getppid:4", "getppid:5", "getppid:8"), ["errno 12", "errno 12", "errno 11"])


@test
def a_rule_without_conditions_decides_wherever_it_is(box):
    rules = [rule("getppid", "ERRNO", [(0, "EQ", 5)], errnoRet=11), rule("getppid", "ERRNO", errnoRet=12)]
    for order in (rules, rules[::-1]):
        same(verdict(box, profile("ALLOW", *order), "getppid:5", "getppid:6", "getsid"), ["errno 12", "errno 12", OK])


@test
def conditions_of_several_rules_do_not_mix(box):
    """None of these rules is about a first argument of 1 with a second of 0."""
    p = allowing(rule("getppid", "ALLOW", [(0, "LT", 1)]), rule("getppid", "ALLOW", [(1, "GT", 3)]),
                 rule("getppid", "ALLOW", [(0, "GE", HIGH)]))
    same(verdict(box, p, "getppid:1,0", "getppid:0,0", "getppid:1,4", f"getppid:{HIGH},0", f"getppid:{HIGH - 1},3"),
         ["errno 99", OK, OK, OK, "errno 99"])


@test
def the_mask_is_laid_over_both(box):
    p = profile("ALLOW", rule("getppid", "ERRNO", [(0, "MASKED_EQ", 0xf0, 0x35)]))
    same(verdict(box, p, "getppid:0x30", "getppid:0x3f", "getppid:0x35", "getppid:0x40"), ["errno 1"] * 3 + [OK])


@test
def the_largest_numbers(box):
    p = profile("ALLOW", rule("getppid", "ERRNO", errnoRet=4095), rule("getsid", "TRACE", errnoRet=65535))
    same(told(box.run(probing(box, p, "getppid", "traced/getsid")))[:2], ["errno 4095", "event 65535"])


@test
def an_empty_path_is_none(box):
    p = profile("ALLOW", rule("getppid", "ERRNO"), listenerPath="", listenerMetadata="")
    same(verdict(box, p, "getppid"), ["errno 1"])


@test
def the_entrances_of_32_bits_to_many_calls(box):
    """socket(2) of 32 bits is also the first of socketcall(2), which is number 102; bind(2) is the second."""
    if MACHINE != "x86_64":
        raise Skip("socketcall is tried on x86")
    if told(box.run(probing(box, None, "i386/64")))[0][:2] != OK:
        raise Skip("this kernel has no calls of 32 bits")
    architectures = [NATIVE, "SCMP_ARCH_X86"]
    calls = ("i386/102:1", "i386/102:2", "i386/359:99")
    fault, family = "errno 14", "errno 97"
    same(verdict(box, None, *calls), [fault, fault, family])
    p = profile("ALLOW", rule("socket", "ERRNO", errnoRet=55), architectures=architectures)
    same(verdict(box, p, *calls), ["errno 55", fault, "errno 55"])
    # The arguments lie behind a pointer: what is stricter applies to all of them.
    p = profile("ALLOW", rule("socket", "ERRNO", [(0, "EQ", 1)], errnoRet=55), architectures=architectures)
    same(verdict(box, p, *calls), ["errno 55", fault, family])
    p = {**allowing(rule("socket", "ALLOW", [(0, "EQ", 99)]), rule("bind", "ALLOW")), "architectures": architectures}
    same(verdict(box, p, *calls), ["errno 99", fault, family])
