# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp without noNewPrivileges: a filter that says of the change of identity that it is done, and it is not."""
from harness import same, test

CALLS = ["setresuid", "setresgid", "setgroups", "setuid", "setgid", "capset", "prctl"]
LIE = {"defaultAction": "SCMP_ACT_ALLOW",
       "syscalls": [{"names": CALLS, "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]}
KEPT = 1 << 5 | 1 << 10 | 1 << 29  # the bounding set of the configuration


def status(box):
    b = box.bundle(["cat", "/proc/self/status"])
    b.linux["seccomp"] = LIE
    b.process.update({"user": {"uid": 1000, "gid": 1000, "additionalGids": [5]}, "noNewPrivileges": False})
    return dict(line.split(":\t", 1) for line in box.run(b).ok().out.splitlines() if ":\t" in line)


@test
def a_filter_that_lies_about_the_identity_changes_nothing_of_it(box):
    found = status(box)
    same(found["Uid"].split() + found["Gid"].split(), ["1000"] * 8)
    same(found["Groups"].split(), ["5"])
    same(found["Seccomp"], "2")
    for name in ("CapPrm", "CapEff", "CapAmb"):
        same((name, int(found[name], 16)), (name, 0))
    same(int(found["CapBnd"], 16), KEPT)
