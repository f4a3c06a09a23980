#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TAP: what the pages of docs/ and the pages beside it name is there: other pages and their headings, files, tests.

usage: references.py
"""
import glob
import os
import re
import sys
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

PAGES = sorted([*glob.glob(f"{TOP}/*.md"), *glob.glob(f"{TOP}/docs/**/*.md", recursive=True),
                *glob.glob(f"{TOP}/tests/**/README.md", recursive=True)])
# Directories of the tree: a name that begins with one is a file's.
TREE = ("core", "docs", "include", "plugins", "tests", "tools", "packaging")


def text_of(path):
    with open(path) as f:
        return f.read()


def without_code(text):
    return re.sub(r"^```.*?^```$", "", re.sub(r"^    .*$", "", text, flags=re.M), flags=re.M | re.S)


def anchors(path):
    titles = re.findall(r"^#+ (.*)$", text_of(path), re.M)
    return {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(path))):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        assert os.path.exists(there), f"{target} is not there"
        assert not anchor or anchor in anchors(there), f"{target}: no such heading"


def exists(name, base):
    """A name of a file as pages write it: from the top, or from where the page lies; with * and {a,b}."""
    if "NAME" in name:
        return True
    names = [name]
    m = re.search(r"\{([^}]*)\}", name)
    if m:
        names = [name[:m.start()] + part + name[m.end():] for part in m[1].split(",")]
    return all(glob.glob(f"{TOP}/{n}") or glob.glob(f"{base}/{n}") for n in names)


def files_are_there(path):
    for name in re.findall(r"`((?:%s)/[A-Za-z0-9_.*{},/@+-]+)`" % "|".join(TREE), text_of(path)):
        assert exists(name, os.path.dirname(path)), f"{name} is not there"
    # Tests are also named from their own directory.
    for name in re.findall(r"`((?:integration|engines|unit|plans|fuzz|guest|machine|neighbours|resctrl|vm|mutations)/"
                           r"[A-Za-z0-9_.*-]+)`", text_of(path)):
        assert any(exists(f"tests/{name.replace('-', sign)}{end}", TOP)
                   for sign in "-_" for end in ("", ".py", "*.c")), f"{name} is not there"


def functions():
    """Tests, and functions of the program."""
    names = set()
    for file in glob.glob(f"{TOP}/tests/**/*.py", recursive=True):
        names |= set(re.findall(r"^def (\w+)\(", text_of(file), re.M))
    for top in ("core", "plugins", "include"):
        for file in glob.glob(f"{TOP}/{top}/**/*.[ch]", recursive=True):
            names |= set(re.findall(r"\b(\w+)\(", text_of(file)))
    return names


def functions_are_there(path, known=functions()):
    """`a_test_of_this_name()`: names of three words and more."""
    for name in re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+){2,})\(\)`", text_of(path)):
        assert name in known, f"{name}() is not there"


def main():
    tests = [(f"{os.path.relpath(p, TOP)}: {check.__name__.replace('_', ' ')}", check, p)
             for p in PAGES for check in (links_lead_somewhere, files_are_there, functions_are_there)]
    print(f"1..{len(tests)}")
    for number, (title, check, path) in enumerate(tests, 1):
        try:
            check(path)
            print(f"ok {number} - {title}")
        except Exception:
            print(f"not ok {number} - {title}")
            print("".join(f"# {l}\n" for l in traceback.format_exc().splitlines()[-1:]), end="")


main()
