# SPDX-License-Identifier: Apache-2.0
"""The pages that are installed say of options, fields, features and operations what hozo itself says."""
import json
import os
import re

from harness import Skip, same, test

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# --- pages

def installed(box):
    directory = f"{os.path.dirname(os.path.dirname(box.runtime))}/share/man"
    if not os.path.exists(f"{directory}/man1/hozo.1"):
        raise Skip("there are no pages where this runtime is installed")
    return directory


def plain(line):
    """A line of man(7) without its fonts and escapes."""
    line = re.sub(r"\\f.|\\&|\\:", "", line)
    line = re.sub(r"\\\[u([0-9A-F]+)\]", lambda m: chr(int(m[1], 16)), line)
    return line.replace("\\(dq", '"').replace("\\-", "-").replace("\\e", "\\")


class Page:
    """A page as sections and subsections of lines."""

    def __init__(self, path):
        self.sections, self.below = {}, {}
        here = []
        for line in open(path).read().splitlines():
            kind, _, title = line.partition(" ")
            if kind in (".SH", ".SS"):
                here = (self.sections if kind == ".SH" else self.below).setdefault(plain(title).strip('"'), [])
            else:
                here.append(line)

    def tagged(self, lines):
        """{tag: text} of the paragraphs that have one."""
        rows, i = {}, 0
        while i < len(lines):
            if lines[i] == ".TP":
                end = next((j for j in range(i + 2, len(lines)) if re.match(r"\.(TP|PP|IP|RS)", lines[j])), len(lines))
                rows[plain(lines[i + 1])] = " ".join(plain(l) for l in lines[i + 2:end] if not l.startswith(".br"))
                i = end
            else:
                i += 1
        return rows


def page(box, name, section):
    return Page(f"{installed(box)}/man{section}/{name}.{section}")


# --- options

ROW = re.compile(r"^  (?:-(\S), |    )--([A-Za-z0-9-]+)(?: (\S+))? +(.*)$", re.M)


def in_help(box, *verb):
    """(name, letter, argument) of each option, but for --help itself."""
    text = box.hozo(*verb, "--help").ok().out
    same(len(ROW.findall(text)), len(text.split("\nOptions:\n")[1].splitlines()))
    return {m[:3] for m in ROW.findall(text) if m[1] != "help"}, text


def from_tag(tag):
    m = re.fullmatch(r"--([A-Za-z0-9-]+)(?: ([^, ]\S*))?(?:, -(\S)(?: \S+)?)?", tag)
    assert m, tag
    return m[3] or "", m[1], m[2] or ""


def on_page(box, lines, create):
    there = Page.tagged(None, lines)
    rows = {from_tag(tag) for tag in there if tag.startswith("--")}
    shared = re.search(r"\\fBcreate\\fR: (.*?)\.$", " ".join(lines))
    for name, argument in re.findall(r"--([a-z0-9-]+)(?: ([A-Z]+))?", plain(shared[1]) if shared else ""):
        rows |= {o for o in create if o[1:] == (name, argument)}
    return rows


def verbs_of(box):
    text = box.hozo("--help").ok().out
    return re.findall(r"^  ([a-z]+) +", text.split("\nOptions:")[0].split("\nVerbs:\n")[1], re.M)


@test(sanitized=False)
def the_page_has_every_verb_and_its_options(box):
    manual = page(box, "hozo", 1)
    same({t for t in manual.below if t.startswith("hozo ")}, {f"hozo {v}" for v in verbs_of(box)})
    create, _ = in_help(box, "create")
    for verb in verbs_of(box):
        wanted, text = in_help(box, verb)
        lines = manual.below[f"hozo {verb}"]
        same(on_page(box, lines, create), wanted, verb)
        usage = text.splitlines()[0].removeprefix("Usage: ").strip()
        same(plain(lines[0]).strip(), usage)


@test(sanitized=False)
def the_page_has_the_options_before_the_verb(box):
    rows = Page.tagged(None, page(box, "hozo", 1).sections["OPTIONS"])
    wanted = {m[:3] for m in ROW.findall(box.hozo("--help").ok().out)}
    same({from_tag(tag) for tag in rows}, wanted)
    assert all(rows.values()), rows


@test(sanitized=False)
def the_text_of_the_command_line_has_no_option_that_hozo_has_not(box):
    text = open(f"{TOP}/docs/cli.md").read()
    known = {name for words in [(), *((v,) for v in verbs_of(box))] for _, name, _ in in_help(box, *words)[0]}
    known |= {"help", "settings"}
    for row in (l for l in text.splitlines() if l.startswith("| `-")):
        named = set(re.findall(r"`--([A-Za-z0-9-]+)", row.split(" | ")[0]))
        assert named and named <= known, row


# --- plugins

def installed_plugins(box):
    """{name: text of `plugin info`}"""
    installed(box)
    names = re.findall(r"^(\S+) [0-9.]+$", json.loads(box.hozo("features").ok().out)["annotations"]["hozo.plugins"]
                       .replace(", ", "\n").replace(",", "\n"), re.M)
    assert names
    return {n: box.hozo("plugin", "info", n).ok().out for n in names}


def part(info, title):
    """[(head, text)] of a section of `plugin info`."""
    m = re.search(rf"^{title}(?:,.*)?\n((?: .*\n)+)", info, re.M)
    rows = re.split(r"^ {4}(?=\S)", m[1] if m else "", flags=re.M)[1:]
    return [(row.split("\n")[0].strip(), " ".join(row.split("\n", 1)[1].split())) for row in rows]


def described(head):
    """`linux.x (object, own, required, in no specification)`: what is to stand on the page."""
    path, kind = re.fullmatch(r"(\S+) \((.*)\)", head).groups()
    words = [w for w in kind.split(", ") if w != "in no specification"]
    return f"{path} ({', '.join(words)})".replace("unsigned integer", "integer from 0")


def squeezed(text):
    return re.sub(r"[\s`*]+", "", text)


@test(sanitized=False, timeout=60)
def a_page_of_a_plugin_has_every_field_annotation_and_setting(box):
    for name, info in installed_plugins(box).items():
        manual = page(box, f"hozo-plugin-{name}", 7)
        for title, section in (("Fields", "FIELDS"), ("Annotations", "ANNOTATIONS"), ("Settings", "SETTINGS")):
            wanted = {described(head): text for head, text in part(info, title)}
            there = manual.tagged(manual.sections.get(section, []))
            same(set(there), set(wanted), f"{name}: {section}")
            for head, text in wanted.items():
                doc = re.split(r" ?(?:one of: |from -?\d+ to |features: |\"\": not set|0: not set)", text)[0]
                assert squeezed(doc) in squeezed(there[head]), f"{name}: {head}: {doc!r} is not in {there[head]!r}"
                values = re.search(r"one of: ((?:\S+, )*\S+)", text)
                said = re.search(r"One of: ((?:\S+, )*\S+?)\.(?: |$)", there[head])
                same(said and said[1], values and values[1], f"{name}: {head}")
                bounds = re.search(r"from (-?\d+ to -?\d+)", text)
                assert not bounds or bounds[0] in there[head].replace("From", "from"), f"{name}: {head}: {bounds}"


@test(sanitized=False, timeout=60)
def a_page_of_a_plugin_has_its_callbacks_and_its_files(box):
    for name, info in installed_plugins(box).items():
        manual = page(box, f"hozo-plugin-{name}", 7)
        wanted = [head.split()[0] for head, _ in part(info, "Callbacks") if not head.startswith(" ")]
        text = " ".join(plain(l) for l in manual.sections["CALLBACKS"])
        same(re.search(r"asks the plugin: (.*?)\. hozo-plugin", text)[1].split(", "), wanted, name)
        files = [plain(l) for l in manual.sections["SYNOPSIS"] if not l.startswith(".")]
        assert all(os.path.exists(f) for f in files), files
        same({os.path.basename(f) for f in files}, {head.split()[0] + ".so" for head, _ in part(info, "Names")})


@test(sanitized=False)
def what_features_prints_stands_on_the_pages(box):
    features = json.loads(box.hozo("features").ok().out)
    told = set()
    for name in installed_plugins(box):
        manual = page(box, f"hozo-plugin-{name}", 7)
        told |= {tag.split()[0].removesuffix("*") for tag in manual.tagged(manual.sections.get("ANNOTATIONS", []))}
        for path, text in manual.tagged(manual.sections.get("FEATURES", [])).items():
            value = json.loads(text)
            if path.startswith("annotations."):
                same(features["annotations"][path.removeprefix("annotations.")], value, path)
                continue
            there = features
            for member in path.split("."):
                there = there[member]
            assert set(value) <= set(there) if isinstance(value, list) else value == there, f"{path}: {there}"
        for tag, text in manual.tagged(manual.sections["FIELDS"]).items():
            key = re.search(r"In hozo features: (\S+)\.$", text)
            there = features
            for member in key[1].split(".") if key else []:
                there = there[member]
            assert not key or all(value in text for value in there), f"{tag}: {there}"
    same(set(features.get("potentiallyUnsafeConfigAnnotations", [])), told)


# --- plans

@test(sanitized=False)
def the_page_of_plans_has_every_operation_and_phase(box):
    text = open(f"{TOP}/core/plan-ops.h").read()
    wanted = {name: [a.split(":")[1] for a in arguments.split()]
              for name, arguments in re.findall(r'OP\([A-Z_]+, +"([a-z-]+)", +"([^"]*)"', text)}
    assert len(wanted) > 50
    manual = page(box, "hozo-plan", 5)
    rows = manual.tagged(manual.sections["OPERATIONS"])
    same(set(rows), set(wanted))
    for name, arguments in wanted.items():
        said = re.match(r"arguments: ([a-z0-9 -]+?) ?what it does:", rows[name])
        same(said[1].split() if said else [], arguments, name)
    phases = manual.tagged(manual.sections["PHASES"])
    same(list(phases), re.findall(r'PHASE\([A-Z_]+, +"([a-z-]+)"', text))


# --- the header

@test(sanitized=False)
def the_page_of_the_interface_has_all_of_the_header(box):
    header = open(f"{TOP}/include/hozo/plugin.h").read()
    text = "\n".join(plain(l) for l in open(f"{installed(box)}/man3/hozo-plugin.3").read().splitlines())
    for kind in ("struct", "enum"):
        for name in re.findall(rf"^{kind} (hozo_\w+) {{", header, re.M):
            assert name == "hozo_host" or f"{kind} {name} {{" in text, name
    for name in re.findall(r"^#define (hozo_\w+)\(", header, re.M):
        assert f"{name}(ctx" in text, name
    manual = page(box, "hozo-plugin", 3)
    table = open(f"{TOP}/core/plugin-callbacks.h").read()
    same([t for t in manual.tagged(manual.sections["CALLBACKS"])],
         re.findall(r"CB\([A-Z_]+, +([a-z_]+),", table))
