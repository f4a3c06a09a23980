#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the pages of the manual and the completions of shells from the program that was built.

usage: build.py --hozo HOZO --descriptors PROGRAM --version V --plugin-dir DIR --out DIR
                --outputs FILE… {--built-in | --modules FILE…}
"""
import argparse
import datetime
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import completions
import pages

# The pages of docs/ that tell what a plugin does.
MANUALS = {
    "apparmor": ["labels.md"], "cgroup": ["cgroups.md"], "freebsd": ["freebsd.md"], "netdev": ["netdev.md"],
    "numa": ["kernel.md: Memory policy"], "rdt": ["rdt.md"], "seccomp": ["seccomp.md"], "selinux": ["labels.md"],
    "systemd": ["systemd.md"], "vm": ["vm.md", "machine.md"],
}


def arguments():
    p = argparse.ArgumentParser()
    for name in ("hozo", "descriptors", "version", "plugin-dir", "out"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--built-in", action="store_true")
    p.add_argument("--modules", nargs="*", default=[])
    p.add_argument("--outputs", nargs="*", default=[])
    return p.parse_args()


def made(manual, file):
    if file in completions.SHELLS:
        return completions.SHELLS[file](manual.before, manual.verbs, manual.nested)
    name, _, section = file.rpartition(".")
    template = f"{HERE}/{file}.in"
    lines = (manual.from_template(template, name, section) if os.path.exists(template) else
             manual.of_plugin(name.removeprefix("hozo-plugin-"), MANUALS.get(name.removeprefix("hozo-plugin-"), [])))
    return "\n".join(lines) + "\n"


def main():
    a = arguments()
    # Distributions build twice and compare.
    when = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", os.stat(f"{HERE}/../../meson.build").st_mtime)), datetime.timezone.utc)
    manual = pages.Manual(a.hozo, a.descriptors, a.modules, a.version, when.strftime("%Y-%m-%d"), a.plugin_dir,
                          a.built_in)
    for path in a.outputs:
        file = os.path.basename(path)
        with open(f"{a.out}/{file}", "w") as f:
            f.write(made(manual, file))


if __name__ == "__main__":
    main()
