# SPDX-License-Identifier: Apache-2.0
"""docs/plugin-author.md, as somebody follows it who knows nothing but that."""
import fcntl
import os
import re
import shutil

import guide
from harness import Skip, same, test
from made_plugins import overlay
from plugin_kit import Kit

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/plugin-author.md")


def own_host(box):
    """What the guide writes outside of its directory, it writes for this test alone."""
    for program in "dpkg", "dpkg-deb":
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    kit = Kit(box)
    if kit.variable("vendorplugindir") != "/opt/hozo/plugins":
        raise Skip("this build looks for plugins elsewhere")
    kit.own_directories()
    for n, path in enumerate(("/var/lib/dpkg", "/var/log", "/var/tmp", "/run", kit.variable("plugindir"))):
        overlay(path, f"{box.dir}/overlay{n}")
    return kit


def write(directory, name, text):
    with open(f"{directory}/{name}", "w") as f:
        f.write(text)


@test(sanitized=False, timeout=120)
def the_guide_does_what_it_says(box):
    with open("/run/hozo-guide.lock", "w") as lock:  # its control groups have names of their own
        fcntl.flock(lock, fcntl.LOCK_EX)
        kit = own_host(box)
        with open(PAGE) as f:
            text = f.read()
        shell = guide.Shell(box.dir, kit.env)
        try:
            typed = guide.walk(text, shell, write)
        finally:
            shell.close()
            kit.command("hozo", "delete", "--force", "walk")
        assert typed.count("\n$ ") > 30, typed


@test(sanitized=False)
def what_is_said_of_answers_is_compared(box):
    """A test that cannot fail would prove nothing."""
    for actual, shown, good in [
            ([], [], True), (["a"], [], False), (["a", "b"], ["…"], True), ([], ["…"], True),
            (["ab"], ["a…"], True), (["ab"], ["b…"], False),
            (["a", "b", "c"], ["a", "…", "c"], True), (["a", "b"], ["a", "…", "c"], False),
            (["[x]"], ["[x]"], True), (["x"], ["[x]"], False)]:
        same(guide.is_answer(actual, shown), good, f"{actual} {shown}")
    shell = guide.Shell(box.dir, os.environ)
    for wrong in "$ echo no\nyes\n", "$ false\n":
        try:
            guide.walk(f"```console\n{wrong}```\n", shell, write)
        except AssertionError:
            continue
        raise AssertionError(f"taken for right: {wrong}")
    guide.walk("Save `x`:\n\n```c\nint x;\n```\n```console\n$ cat x | grep \\\n> int\nint x;\n```\n", shell, write)
    shell.close()


@test(sanitized=False)
def what_the_guide_names_is_there(box):
    del box
    with open(PAGE) as f:
        text = f.read()
    top = os.path.dirname(os.path.dirname(PAGE))
    sources = ""
    for directory in "include/hozo", "docs/examples/acme-npu":
        for name in os.listdir(f"{top}/{directory}"):
            with open(f"{top}/{directory}/{name}") as f:
                sources += f.read()
    for name in re.findall(r"`(\w+)\(\)`", text) + re.findall(r"`struct (\w+)`", text):
        assert name in sources or f"int {name}(" in text, name
    for page in re.findall(r"\]\(([\w./-]+)\)", text):
        assert os.path.exists(f"{top}/docs/{page}"), page
