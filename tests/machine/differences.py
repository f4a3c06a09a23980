#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of the differences between containers in namespaces and machines into tests/README.md.

    tests/machine/differences.py            prints it
    tests/machine/differences.py --update   writes it
"""
import os
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
import machines

README = f"{TESTS}/README.md"
BEGIN, END = "<!-- generated: differences -->\n", "<!-- end -->\n"


def divided():
    """README.md before, in and behind the place of the table."""
    with open(README) as f:
        before, begin, rest = f.read().partition(BEGIN)
    table, end, behind = rest.partition(END)
    assert begin and end, "tests/README.md has no place for the table"
    return before + begin, table, end + behind


if __name__ == "__main__":
    if "--update" in sys.argv:
        before, _, behind = divided()
        with open(README, "w") as f:
            f.write(before + machines.table() + behind)
    else:
        print(machines.table(), end="")
