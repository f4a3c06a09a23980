# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: rules about the arguments of calls, all 64 bits of them."""
from harness import same, test
from seccomp_probe import NATIVE, OK, allowing, profile, rule, verdict

HIGH = 1 << 32
# On both sides of what 32 bits hold, of their sign, and of the half that differs.
VALUES = (0, 1, 5, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, HIGH, HIGH + 1, HIGH + 5, 2 * HIGH, 2 * HIGH + 1,
          5 * HIGH, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000005, 0xffffffff00000000,
          0xfffffffffffffffe, 0xffffffffffffffff)

OPERATORS = {
    "NE": lambda a, v: a != v,
    "LT": lambda a, v: a < v,
    "LE": lambda a, v: a <= v,
    "EQ": lambda a, v: a == v,
    "GE": lambda a, v: a >= v,
    "GT": lambda a, v: a > v,
}


def differing(box, default, conditions, holds, first):
    """One rule for each condition, chosen by another argument before it or behind it; every value is tried with each.
    What is not as holds(condition, value) says."""
    tried = [(n, c, a) for n, c in enumerate(conditions) for a in VALUES]
    rules = [rule("getppid", "ERRNO" if default == "ALLOW" else "ALLOW", [(0 if first else 1, *c), (1 if first else 0, "EQ", n)])
             for n, c in enumerate(conditions)]
    p = profile("ALLOW", *rules) if default == "ALLOW" else allowing(*rules, defaultErrnoRet=1)
    seen = verdict(box, p, *(f"getppid:{a},{n}" if first else f"getppid:{n},{a}" for n, c, a in tried))
    same(len(seen), len(tried))
    return [f"{a:#x} {c[0]} {' '.join(map(hex, c[1:]))}: {said}" for (n, c, a), said in zip(tried, seen)
            if (said == OK) != (holds(c, a) == (default == "ERRNO"))]


@test(cases={f"{name}, {default} by default, {place} of two arguments": (name, default, place == "the first")
             for name in OPERATORS for default in ("ALLOW", "ERRNO") for place in ("the first", "the second")})
def an_operator_compares_unsigned_64_bits(box, case):
    name, default, first = case
    same(differing(box, default, [(name, v) for v in VALUES], lambda c, a: OPERATORS[name](a, c[1]), first), [])


@test(cases={name: name for name in OPERATORS})
def alone_it_does_as_well(box, name):
    for value in (5, HIGH + 5, 0xffffffff00000000):
        p = profile("ALLOW", rule("getppid", "ERRNO", [(2, name, value)]))
        seen = verdict(box, p, *(f"getppid:0,0,{a}" for a in VALUES))
        same([a for a, said in zip(VALUES, seen) if said == "errno 1"], [a for a in VALUES if OPERATORS[name](a, value)])


MASKS = ((0, 0), (1, 1), (1, 0), (0xff, 5), (HIGH, HIGH), (HIGH, 0), (HIGH | 1, 1), (HIGH | 1, HIGH | 1),
         (0xffffffff00000000, 5 * HIGH), (0xffffffff00000000, 0), (0xffffffff, 0xfffffffe),
         (0xffffffffffffffff, HIGH + 5), (0xffffffffffffffff, 0xffffffffffffffff), (0x8000000000000000, 0))


@test(cases={f"{default} by default, {place} of two arguments": (default, place == "the first")
             for default in ("ALLOW", "ERRNO") for place in ("the first", "the second")})
def masked_eq_compares_the_bits_of_the_mask(box, case):
    default, first = case
    same(differing(box, default, [("MASKED_EQ", *m) for m in MASKS], lambda c, a: a & c[1] == c[2], first), [])


@test
def each_of_the_six_arguments_is_its_own(box):
    p = profile("ALLOW", *(rule("getppid", "ERRNO", [(i, "EQ", HIGH + 7)], errnoRet=70 + i) for i in range(6)))
    for i in range(6):
        arguments = [7] * 6
        arguments[i] = HIGH + 7
        others = [HIGH + 7 if n == i else 7 << 32 for n in range(6)]
        same(verdict(box, p, f"getppid:{','.join(map(str, arguments))}", f"getppid:{','.join(map(str, others))}",
                     "getppid:7,7,7,7,7,7"), [f"errno {70 + i}"] * 2 + [OK])


@test
def all_conditions_of_a_rule_must_hold(box):
    p = profile("ALLOW", rule("getppid", "ERRNO", [(5, "GT", 2), (0, "EQ", 1), (3, "MASKED_EQ", HIGH | 1, HIGH)]))
    holds, calls = [1, 0, 0, HIGH | 6, 0, 3], []
    for index, value in ((None, 0), (0, 2), (0, HIGH + 1), (3, 6), (3, HIGH | 7), (5, 2), (1, 9)):
        a = list(holds)
        if index is not None:
            a[index] = value
        calls.append("getppid:" + ",".join(map(str, a)))
    same(verdict(box, p, *calls), ["errno 1", OK, OK, OK, OK, OK, "errno 1"])


@test
def one_rule_of_several_for_a_name_is_enough(box):
    rules = [rule("getppid", "ALLOW", [(0, "EQ", v)]) for v in (0, 8, 0x20000, HIGH + 8, 0xffffffff)]
    p = allowing(*rules, rule("getppid", "ALLOW", [(2, "GE", HIGH)]))
    same(verdict(box, p, "getppid:0", "getppid:8", "getppid:0x20000", "getppid:0x100000008", "getppid:0xffffffff",
                 "getppid:1", "getppid:0x100000000", "getppid:0xffffffffffffffff", "getppid:1,0,0xffffffff",
                 "getppid:1,0,0x100000000"), [OK] * 5 + ["errno 99"] * 4 + [OK])


@test
def rules_of_different_actions_for_a_name(box):
    p = profile("ALLOW", rule("getppid", "ERRNO", [(0, "EQ", 1)], errnoRet=11),
                rule("getppid", "ERRNO", [(0, "EQ", 2)], errnoRet=12), rule("getppid", "KILL_PROCESS", [(0, "EQ", 3)]),
                rule("getppid", "TRAP", [(0, "EQ", 4)]))
    same([w.split(" 0 ")[0] for w in verdict(box, p, *(f"trap/getppid:{n}" for n in range(6)))],
         [OK, "errno 11", "errno 12", "signal 31", verdict(box, p, "trap/getppid:4")[0].split(" 0 ")[0], OK])


@test
def the_order_of_conditions_and_of_rules_does_not_matter(box):
    rules = [rule("getppid", "ERRNO", [(0, "EQ", 1), (1, "EQ", 2)], errnoRet=11),
             rule("getppid", "ERRNO", [(0, "EQ", 1), (1, "EQ", 3)], errnoRet=12),
             rule("getppid", "ERRNO", [(0, "EQ", 2)], errnoRet=13)]
    turned = [{**r, "args": r["args"][::-1]} for r in reversed(rules)]
    for p in (profile("ALLOW", *rules), profile("ALLOW", *turned)):
        same(verdict(box, p, "getppid:1,2", "getppid:1,3", "getppid:2,2", "getppid:1,4", "getppid:3,2"),
             ["errno 11", "errno 12", "errno 13", OK, OK])


@test
def the_names_of_a_rule_share_its_conditions(box):
    p = profile("ALLOW", rule("getppid getsid umask", "ERRNO", [(3, "EQ", HIGH)]))
    same(verdict(box, p, *(f"{n}:0,0,0,{v}" for n in ("getppid", "getsid", "umask") for v in (0, HIGH))),
         [OK, "errno 1"] * 3)


@test
def what_a_condition_does_not_need_is_ignored(box):
    """Engines write valueTwo: 0 into every condition."""
    p = profile("ALLOW", rule("getppid", "ERRNO", [(0, "EQ", 5, 0)]), rule("getsid", "ERRNO", [(1, "GT", 5, 0)]))
    same(verdict(box, p, "getppid:5", "getppid:0", "getsid:0,6", "getsid:0,5"), ["errno 1", OK, "errno 1", OK])


@test
def an_empty_list_of_conditions_is_none(box):
    p = profile("ALLOW", {**rule("getppid", "ERRNO"), "args": []})
    same(verdict(box, p, "getppid:5"), ["errno 1"])


@test
def many_rules(box):
    """More instructions than one jump of 8 bits spans; the last is found, and so is the default."""
    rules = [rule("getppid", "ERRNO", [(n % 6, "EQ", (n << 33) + n)], errnoRet=1 + n) for n in range(400)]
    p = profile("ALLOW", *rules, architectures=[NATIVE])
    tried = [0, 1, 2, 3, 4, 5, 100, 255, 256, 398, 399]

    def call(n, value):
        return "getppid:" + ",".join(str(value) if i == n % 6 else "1" for i in range(6))
    same(verdict(box, p, *(call(n, (n << 33) + n) for n in tried[1:])), [f"errno {1 + n}" for n in tried[1:]])
    same(verdict(box, p, *(call(n, (n << 32) + n) for n in tried[1:])), [OK] * (len(tried) - 1))
