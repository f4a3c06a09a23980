# SPDX-License-Identifier: Apache-2.0
"""Which tests run with both kinds of containers, and which cannot: each row of the lists still means a test."""
import fnmatch
import glob
import os
import sys

import harness
import machines
from harness import same, test

HERE = os.path.dirname(os.path.abspath(__file__))


def names():
    return [f"integration/{os.path.basename(path)[:-3]}: {t.name}"
            for path in sorted(glob.glob(f"{HERE}/*.py")) for t in harness.load(path)]


def matching(pattern, known):
    return [n for n in known if (fnmatch.fnmatchcase(n, pattern) if "*" in pattern else pattern in n)]


@test(sanitized=False)
def every_row_of_the_tests_means_one_that_runs(box):
    known = names()
    for pattern in machines.patterns():
        assert any(not machines.difference(n) for n in matching(pattern, known)), f"tests/machine/tests: {pattern}"


@test(sanitized=False)
def every_row_of_the_differences_means_a_test(box):
    known = names()
    for reason, patterns in machines.differences():
        assert patterns, reason
        for pattern in patterns:
            assert fnmatch.filter(known, pattern), f"tests/machine/differences: {pattern}"


@test(sanitized=False)
def no_test_has_two_reasons(box):
    rows = [(p, reason) for reason, patterns in machines.differences() for p in patterns]
    for name in names():
        reasons = {reason for p, reason in rows if fnmatch.fnmatchcase(name, p)}
        assert len(reasons) < 2, f"{name}: {reasons}"


@test(sanitized=False)
def the_readme_has_the_table(box):
    sys.path.append(f"{HERE}/../machine")
    import differences
    same(differences.divided()[1], machines.table(), "tests/machine/differences.py --update writes it")
