# SPDX-License-Identifier: Apache-2.0
"""The tables of options, as the program prints them itself: `hozo --help`, `hozo VERB --help`."""
import re
import subprocess
from typing import NamedTuple

ROW = re.compile(r"^  (?:-(\S), |    )--([A-Za-z0-9-]+)(?: (\S+))? +(.*)$")


class Option(NamedTuple):
    name: str
    letter: str    # or ""
    argument: str  # or "": it takes none
    help: str

    @property
    def ignored(self):
        return self.help.startswith("accepted")

    @property
    def choices(self):
        """Of a help text that names the values: "text or json"."""
        words = re.match(r"^[a-z]+(?:, [a-z]+)* or [a-z]+$", self.help)
        return re.split(r", | or ", self.help) if self.argument and words else []


class Verb(NamedTuple):
    name: str
    arguments: str
    help: str
    options: list


def help_of(hozo, *words):
    return subprocess.run([hozo, *words, "--help"], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout


def rows(text):
    table = text.split("\nOptions:\n")[1].splitlines()
    if not all(map(ROW.match, table)):
        raise SystemExit(f"not a table of options: {text}")
    return [Option(m[2], m[1] or "", m[3] or "", m[4]) for m in map(ROW.match, table)]


def read(hozo):
    """Options before the verb, and the verbs."""
    text = help_of(hozo)
    named = re.findall(r"^  ([a-z]+) +(.*)$", text.split("\nOptions:")[0].split("\nVerbs:\n")[1], re.M)
    verbs = []
    for name, what in named:
        own = help_of(hozo, name)
        usage = re.match(rf"Usage: hozo {name} ?(.*)", own)[1]
        verbs.append(Verb(name, usage, what, rows(own)))
    return rows(text), verbs


def nested(hozo, verbs):
    """Those actions of verbs that have options, as verbs: "plugin check"."""
    found = []
    for verb in verbs:
        for name, arguments in actions(verb):
            if "[OPTIONS]" in arguments:
                found.append(Verb(f"{verb.name} {name}", arguments, "", rows(help_of(hozo, verb.name, name))))
    return found


def actions(verb):
    """`plugin list | info NAME | …` has verbs of its own: [("list", ""), ("info", "NAME"), …]."""
    parts = [p.strip().partition(" ") for p in verb.arguments.split("|")]
    return [(name, rest) for name, _, rest in parts] if len(parts) > 1 else []
