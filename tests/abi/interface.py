# SPDX-License-Identifier: Apache-2.0
"""The plugin interface of a header, as the tools of libabigail see it."""
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TODAY, FROZEN = os.path.join(HERE, "../../include"), f"{HERE}/frozen"
DUMP = f"{HERE}/frozen.abi"
# What stands in a dump has to be the same wherever it is made.
ANONYMOUS = ("--no-corpus-path", "--no-comp-dir-path", "--no-show-locs")


def version(include):
    """(major, minor) of the header in this directory; None if there is none."""
    try:
        with open(f"{include}/hozo/plugin.h") as f:
            text = f.read()
    except FileNotFoundError:
        return None
    return tuple(int(re.search(rf"#define HOZO_ABI_{name} +(\d+)", text)[1]) for name in ("MAJOR", "MINOR"))


def build(include, path):
    subprocess.run(["gcc", "-std=c11", "-O0", "-gdwarf-4", "-shared", "-fPIC", "-I", os.path.abspath(include),
                    "interface.c", "-o", path], check=True, cwd=HERE)
    return path


def dump(include):
    with tempfile.TemporaryDirectory() as scratch:
        library = build(include, f"{scratch}/interface.so")
        return subprocess.run(["abidw", *ANONYMOUS, library], check=True, capture_output=True, text=True).stdout


def changes(old, new):
    """What abidiff says, a type at a time; "" if nothing has changed. What is harmless to its eyes is none to ours."""
    r = subprocess.run(["abidiff", "--harmless", "--leaf-changes-only", old, new], capture_output=True, text=True)
    assert not r.returncode & 3, r.stderr or r.stdout  # it could not compare
    return r.stdout if r.returncode else ""


# Structures that may grow at their end: they carry their size, or lie in tables whose rows do, or only the host makes
# them. A cursor and a table, which plugins hold by value, may not.
GROWING = {"hozo_" + name for name in (
    "plugin", "host", "field", "annotation", "feature", "device", "mount", "hook", "value", "work", "syscall", "env",
    "bind", "seccomp", "label", "cgroup", "machine", "run", "task", "ctx")}

# What abidiff says where something was appended; a new enumerator is no break, as its number was nobody's.
APPENDED = re.compile(r"type size (changed from \d+ to \d+ \(in bits\)|hasn't changed)"
                      r"|\d+ (data member|enumerator) insertions?:|'\S+::\S+' value '-?\d+'")


def breaks(report):
    """The lines of such a report that are more than a minor version may do."""
    found, kind, size = [], "", 0
    for line in report.partition("\n\n")[2].splitlines():
        text = line.strip()
        if changed := re.fullmatch(r"'(struct|enum) (\w+).*' changed:", text):
            kind = changed[2]
        elif member := re.fullmatch(r"'.*', at offset (\d+) \(in bits\).*", text):
            if kind not in GROWING or int(member[1]) < size:
                found.append(f"{kind}: {text}")
        elif text and not APPENDED.fullmatch(text):
            found.append(f"{kind}: {text}")
        if was := re.match(r"type size changed from (\d+) to", text):
            size = int(was[1])
    return found
