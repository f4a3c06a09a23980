# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp.architectures: calls of other architectures that the kernel takes, made by a program of 64 bits."""
import subprocess

from harness import Skip, same, test
from seccomp_probe import KILLED, MACHINE, NATIVE, OK, allowing, profile, put_probe, rule, told, verdict

X86, X32 = "SCMP_ARCH_X86", "SCMP_ARCH_X32"
# getppid(2) and getsid(2) of 32 bits, whose numbers are other calls' of 64 bits.
GETPPID32, GETSID32, FORK32 = "i386/64", "i386/147", "i386/2"
ERRNO = "errno 55"


def need_x86(box, x32=False):
    if MACHINE != "x86_64":
        raise Skip("calls of other architectures are those of x86-64")
    calls = ("i386/64",)
    b = box.bundle()
    put_probe(box, b)
    r = subprocess.run([f"{b.rootfs}/bin/probe", *calls], capture_output=True, text=True)
    if not r.stdout.startswith("= "):
        raise Skip("this kernel has no calls of 32 bits")


def with_architectures(*names):
    return profile("ALLOW", rule("getppid", "ERRNO", errnoRet=55), architectures=list(names))


@test(cases={"none are named": None, "an empty list": [], "its own": [NATIVE]})
def calls_of_other_architectures_end_the_program(box, names):
    """Whatever its default: the rules say nothing about their numbers."""
    need_x86(box)
    p = with_architectures(*names or ())
    if names is None:
        del p["architectures"]
    same(verdict(box, p, "getppid", "getsid", GETPPID32, GETSID32), [ERRNO, OK, KILLED, KILLED])


@test
def a_second_architecture_is_filtered_by_its_own_numbers(box):
    need_x86(box)
    p = with_architectures(NATIVE, X86)
    same(verdict(box, p, "getppid", "getsid", GETPPID32, GETSID32), [ERRNO, OK, ERRNO, OK])
    p = {**allowing(rule("getppid", "ALLOW"), defaultErrnoRet=55), "architectures": [NATIVE, X86]}
    same(verdict(box, p, "getppid", "getsid", GETPPID32, GETSID32), [OK, ERRNO, OK, ERRNO])


@test
def the_native_one_is_always_among_them(box):
    """As in the specification's example, which names only the others."""
    need_x86(box)
    p = with_architectures(X86, X32)
    same(verdict(box, p, "getppid", "getsid", GETPPID32, GETSID32), [ERRNO, OK, ERRNO, OK])


@test
def an_architecture_that_is_named_twice(box):
    need_x86(box)
    same(verdict(box, with_architectures(X86, NATIVE, X86, NATIVE), "getppid", GETPPID32), [ERRNO, ERRNO])


@test
def conditions_hold_for_both(box):
    need_x86(box)
    p = profile("ALLOW", rule("getppid", "ERRNO", [(0, "EQ", 5), (2, "GT", 0xfffffffe)], errnoRet=55),
                architectures=[NATIVE, X86])
    same(verdict(box, p, "getppid:5,0,0xffffffff", "getppid:5,0,0xfffffffe", f"{GETPPID32}:5,0,0xffffffff",
                 f"{GETPPID32}:5,0,0xfffffffe", f"{GETPPID32}:4,0,0xffffffff"), [ERRNO, OK, ERRNO, OK, OK])


@test
def an_argument_of_32_bits_has_no_upper_half(box):
    """No such argument equals what has one; and all are smaller."""
    need_x86(box)
    high = (1 << 32) + 5
    for operator, holds in (("EQ", False), ("NE", True), ("LT", True), ("LE", True), ("GT", False), ("GE", False)):
        p = profile("ALLOW", rule("getppid", "ERRNO", [(0, operator, high)], errnoRet=55), architectures=[NATIVE, X86])
        same(verdict(box, p, f"{GETPPID32}:5", f"{GETPPID32}:6"), [ERRNO if holds else OK] * 2, operator)


# A number with the bit of x32 is one of that architecture, whether the kernel has it or not.
@test
def numbers_of_x32_do_not_slip_through(box):
    need_x86(box)
    same(verdict(box, with_architectures(NATIVE), "getppid", "x32/getppid", "x32/getsid"), [ERRNO, KILLED, KILLED])
    p = allowing(rule("getppid", "ALLOW"), defaultErrnoRet=55)
    seen = verdict(box, p, "getppid", "x32/getppid", "x32/getsid")
    same(seen[0], OK)
    assert set(seen[1:]) <= {KILLED, ERRNO}, seen


@test
def x32_that_is_named_is_filtered(box):
    need_x86(box)
    unfiltered = told(box.run(bundle_of_probe(box, "x32/getsid")))[0]
    unfiltered = OK if unfiltered.startswith(OK) else unfiltered
    for names in ([NATIVE, X32], [X32, X86]):
        same(verdict(box, with_architectures(*names), "getppid", "x32/getppid", "x32/getsid"), [ERRNO, ERRNO, unfiltered],
             names)
    p = {**allowing(rule("getppid", "ALLOW"), defaultErrnoRet=55), "architectures": [NATIVE, X32]}
    same(verdict(box, p, "getppid", "getsid", "x32/getsid"), [OK, ERRNO, ERRNO])


def bundle_of_probe(box, *calls):
    b = box.bundle(["probe", *calls])
    put_probe(box, b)
    return b


@test
def a_name_that_only_another_architecture_has(box):
    """Rules for it hold there, and are no error here: waitpid(2) is one of 32 bits only, as socketcall(2) is."""
    need_x86(box)
    p = profile("ALLOW", rule("waitpid socketcall getppid", "ERRNO", errnoRet=55), architectures=[NATIVE, X86])
    same(verdict(box, p, "getppid", "i386/7", "i386/102", GETSID32), [ERRNO, ERRNO, ERRNO, OK])


@test
def a_name_that_no_architecture_of_the_profile_has(box):
    """Nobody can make that call: there is nothing to forbid, and to permit either."""
    need_x86(box)
    p = profile("ALLOW", rule("waitpid getppid", "ERRNO", errnoRet=55), architectures=[NATIVE])
    same(verdict(box, p, "getppid", "getsid"), [ERRNO, OK])
    p = {**allowing(rule("waitpid getppid", "ALLOW"), defaultErrnoRet=55), "architectures": [NATIVE]}
    same(verdict(box, p, "getppid", "getsid"), [OK, ERRNO])


# Profiles for several machines name all of them; this kernel never makes such a call.
LITTLE = [a for a in ("SCMP_ARCH_ARM", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64",
                      "SCMP_ARCH_RISCV64") if a != NATIVE]


@test(cases={name: name for name in LITTLE})
def an_architecture_that_this_machine_is_not(box, name):
    same(verdict(box, with_architectures(name), "getppid", "getsid"), [ERRNO, OK])


@test(cases={name: name for name in ("SCMP_ARCH_S390X", "SCMP_ARCH_PPC64", "SCMP_ARCH_MIPS", "SCMP_ARCH_PARISC")})
def one_of_the_other_byte_order_is_filtered_for_or_refused(box, name):
    """No filter serves both orders; a profile that has such a name is not taken for one without it in silence."""
    r = box.run(with_probe(box, with_architectures(name)))
    if r.code:
        r.fails("linux.seccomp.architectures[0]", name)
        box.nothing_left()
    else:
        same(told(r)[0], ERRNO)


def with_probe(box, seccomp):
    b = bundle_of_probe(box, "getppid")
    b.linux["seccomp"] = seccomp
    return b
