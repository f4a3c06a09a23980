# SPDX-License-Identifier: Apache-2.0
"""Lists of device rules against what the kernel then permits: the last rule that speaks of a letter decides."""
import os
import random
import stat

import host
from harness import same, test

MAJORS, MINORS = (1, 240), (200, 201, 202)  # no driver has them: who may open one is told ENXIO
# For a major that no driver has at all the kernel looks for a module first, which takes time.
DEVICES = [("c", 1, 200), ("c", 1, 201), ("c", 1, 202), ("c", 240, 201), ("b", 240, 200), ("b", 240, 201)]
ALWAYS = [("c", 1, 3), ("c", 1, 5), ("c", 1, 7), ("c", 1, 8), ("c", 1, 9), ("c", 5, 0), ("c", 5, 2)]
# Each opens a node in one way; the kernel's answer to who may not is EPERM.
OPENS = {"r": "<", "w": ">", "rw": "<>"}


def matches(rule, device):
    kind, major, minor = device
    return (rule.get("type", "a") in ("a", kind) and rule.get("major", -1) in (-1, major)
            and rule.get("minor", -1) in (-1, minor))


def permitted(rules, device, access):
    def letter_permitted(letter):
        allow = True
        for rule in rules:
            if matches(rule, device) and letter in rule.get("access", "rwm"):
                allow = rule["allow"]
        return allow
    return all(map(letter_permitted, access))


def random_rule(dice):
    rule = {"allow": dice.random() < 0.5}
    for key, values in (("type", "abc"), ("major", (-1, *MAJORS)), ("minor", (-1, *MINORS)),
                        ("access", ("r", "w", "m", "rw", "rwm", "rwm"))):
        if dice.random() < 0.8:
            rule[key] = dice.choice(values)
    return rule


def make_nodes(rootfs):
    os.makedirs(f"{rootfs}/nodes", exist_ok=True)
    for kind, major, minor in [*DEVICES, *ALWAYS]:
        path = f"{rootfs}/nodes/{kind}-{major}-{minor}"
        if not os.path.lexists(path):
            os.mknod(path, (stat.S_IFBLK if kind == "b" else stat.S_IFCHR) | 0o666, os.makedev(major, minor))


PROBE = "cd /nodes; for n in *; do " + "; ".join(
    f"(: {how} $n) 2>&1 | grep -q 'Operation not permitted' && echo $n {name}" for name, how in OPENS.items()) + """
done
for k in b c; do mknod /tmp/made-$k $k 240 202 || echo mknod $k; done; true"""


def denied(box, rules):
    """{(device, access)} that the container was not permitted; None: cgroup v1 cannot express the rules."""
    b = box.bundle(PROBE)
    box.rootfs = b.rootfs
    make_nodes(b.rootfs)
    b.mount("/tmp")
    b.config["root"]["readonly"] = False
    b.capabilities("CAP_MKNOD")
    b.linux["resources"]["devices"] = rules
    r = box.run(b)
    if r.code and "which cgroup v1 cannot express" in r.err:
        return None
    found = set()
    for line in r.ok().out.splitlines():
        node, access = line.split()
        assert node != "mknod", r
        kind, major, minor = node.split("-")
        found.add(((kind, int(major), int(minor)), access))
    return found


def wanted(rules):
    return {(d, access) for d in DEVICES for access in OPENS if not permitted(rules, d, access)}


def check(box, rules, exact=True):
    """cgroup v1 may deny both letters at once where two rules allow one each."""
    found, expected = denied(box, rules), wanted(rules)
    if found is None:
        return 0
    if not exact:
        same({f for f in found if f[1] != "rw"}, {e for e in expected if e[1] != "rw"}, str(rules))
        assert expected <= found, f"{expected - found} permitted by {rules}"
    else:
        same(found, expected, str(rules))
    return 1


DENY = {"allow": False, "access": "rwm"}
SEQUENCES = {
    "all denied": [DENY],
    "one allowed": [DENY, {"allow": True, "type": "c", "major": 1, "minor": 201, "access": "rw"}],
    "one for reading": [DENY, {"allow": True, "type": "b", "major": 240, "minor": 201, "access": "r"}],
    "a major": [DENY, {"allow": True, "type": "c", "major": 1, "access": "rw"}],
    "a minor of any": [DENY, {"allow": True, "type": "c", "minor": 201, "access": "w"}],
    "-1 is any": [DENY, {"allow": True, "type": "c", "major": -1, "minor": 201, "access": "w"}],
    "both types": [DENY, {"allow": True, "major": 240, "minor": 201, "access": "rw"}],
    "denied again": [DENY, {"allow": True, "type": "c", "major": 240}, {"allow": False, "type": "c", "major": 240}],
    "all allowed again": [DENY, {"allow": True}],
    "one denied": [{"allow": False, "type": "c", "major": 1, "minor": 200}],
    "writing denied": [{"allow": False, "access": "w"}],  # but for what every container may write
    "letters by two rules": [DENY, {"allow": True, "type": "c", "major": 240, "access": "r"},
                             {"allow": True, "type": "c", "major": 240, "access": "w"}],
}


def pure(layout):
    if layout == "cgroup v2":
        host.cgroup_v2_only()


def is_v2():
    return set(map(frozenset, host.hierarchies().values())) == {frozenset({""})}


LAYOUTS = {"the host's": None, "cgroup v2": "cgroup v2"}


@test(cases={f"{name}, {layout}": (rules, value) for name, rules in SEQUENCES.items()
             for layout, value in LAYOUTS.items()})
def a_sequence_of_device_rules_is_what_the_kernel_permits(box, case):
    rules, layout = case
    pure(layout)
    # An exception from an exception is what cgroup v1 does not have.
    same(check(box, rules, exact=is_v2()), int(is_v2() or rules != SEQUENCES["writing denied"]))


@test(cases=LAYOUTS, timeout=120)
def random_device_rules_are_what_the_kernel_permits(box, layout):
    pure(layout)
    dice, said = random.Random(5), 0
    for _ in range(10):
        rules = [random_rule(dice) for _ in range(dice.randint(1, 6))]
        if dice.random() < 0.6:
            rules.insert(0, DENY)
        said += check(box, rules, exact=is_v2())
    assert said >= (10 if is_v2() else 3), said
