#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TAP: that formatters find nothing wrong with the pages of the manual.

usage: pages.py DIRECTORY
"""
import glob
import os
import shutil
import subprocess
import sys


def mandoc(page):
    r = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True)
    return r.stdout + r.stderr


def groff(page):
    # A long name stays in one piece: that is no fault of a page.
    r = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-Wbreak", "-z",
                        page], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True)
    return r.stdout + r.stderr


def main():
    pages = sorted(glob.glob(f"{sys.argv[1]}/*.[1-9]"))
    assert pages, sys.argv
    print(f"1..{2 * len(pages)}")
    number = 0
    for program, check in (("mandoc", mandoc), ("groff", groff)):
        for page in pages:
            number += 1
            what = f"{number} - {program} has nothing to say about {os.path.basename(page)}"
            if not shutil.which(program):
                print(f"ok {what} # SKIP {program} is not installed")
                continue
            said = check(page)
            print(f"{'not ok' if said else 'ok'} {what}")
            print("".join(f"# {l}\n" for l in said.splitlines()), end="")


main()
