# SPDX-License-Identifier: Apache-2.0
"""The pages of the manual: a template each, whose lines that begin with @ are made from the code or from docs/."""
import json
import re
import subprocess

import header
import markdown
import options as command_line
from markdown import bold, escaped, filled, inline, italic, quoted

OWN, READ, REQUIRED, UNSET_0 = 1, 2, 4, 8


# --- options

def option_tag(o):
    argument = f" {italic(o.argument)}" if o.argument else ""
    names = [bold(f"--{o.name}") + argument] + ([bold(f"-{o.letter}") + argument] if o.letter else [])
    return ", ".join(names)


def written(table_lines):
    """What docs/cli.md says of single options: {"bundle": "the bundle; …"}."""
    rows = [markdown.cells(l) for l in table_lines if l.startswith("| `-")]
    said = {}
    for first, text, *_ in rows:
        names = re.findall(r"`--([A-Za-z0-9-]+)", first)
        if len(set(names)) == 1 and text:
            said[names[0]] = text[0].upper() + text[1:] + "."
    return said


def option_text(o):
    if o.choices:
        return " or ".join(f"`{c}`" for c in o.choices) + "."
    return f"{o.help[0].upper()}{o.help[1:]}."


def option_list(options, said):
    return [l for o in options for l in (".TP", option_tag(o), *filled(inline(said.get(o.name) or option_text(o))))]


def options_before(verbs, before):
    lines, _ = markdown.section("cli.md", "Before the verb")
    prose = [l for l in lines if not l.startswith("|")]
    return option_list(before, written(lines)) + markdown.converted(prose)


def each_verb(verbs):
    out, told = [], []
    create = next(v.options for v in verbs if v.name == "create")
    for verb in verbs:
        lines, _ = markdown.section("cli.md", verb.name)
        if lines in told:
            lines = [f"See `hozo {verbs[told.index(lines)].name}`."]
        told.append(lines)
        # A table of options has become the list; one of anything else stays.
        tables = any(l.startswith("| `-") for l in lines)
        prose = [l for l in lines if not (tables and l.startswith("|"))]
        mine = [o for o in verb.options if o.name != "help"]
        own = [o for o in mine if verb.name == "create" or o not in create]
        shared = [o for o in mine if o not in own]
        out += [f".SS {quoted('hozo ' + verb.name)}",
                f"{bold('hozo ' + verb.name)} {italic(verb.arguments)}".rstrip(), *markdown.converted(prose, 3)]
        if own:
            out += [".PP", bold("Options"), *option_list(own, written(lines))]
        if shared:
            names = (bold(f"--{o.name}") + (f" {italic(o.argument)}" if o.argument else "") for o in shared)
            out += [".PP", *filled(f"As {bold('create')}: {', '.join(names)}.")]
    return out


def synopsis(verbs):
    out = []
    for verb in verbs:
        out += [f"{bold('hozo')} [{italic('OPTIONS')}] {bold(verb.name)} {italic(verb.arguments)}".rstrip(), ".br"]
    return out[:-1]


# --- plugins

def field(row, setting=False):
    kind = [row["type"]] + ([] if setting else ["own" if row["use"] & OWN else "read"])
    kind += ["required"] if row["use"] & REQUIRED else []
    out = [".TP", f"{bold(row['path'])} ({', '.join(kind)})"]
    text = inline(row["doc"] or "")
    if row["values"]:
        text += " One of: " + ", ".join(bold(v or '""') for v in row["values"]) + "."
    if row["min"] or row["max"]:
        text += f" From {row['min']} to {row['max']}."
    if row["use"] & UNSET_0:
        text += f" {bold(chr(34) * 2) if row['type'] == 'string' else 0}: not set."
    if row["feature"]:
        text += f" In hozo features: {bold(row['feature'])}."
    return out + (filled(text) or ["\\&"])


def plugin_sections(plugin):
    """All that the descriptor says."""
    out = [".SH FIELDS",
           *filled(f"What the plugin does with members of {bold('config.json')}: it serves those that are its "
                   f"{bold('own')}, and looks at those that it only {bold('read')}s."),
           *([l for row in plugin["fields"] for l in field(row)] or [".PP", "None."])]
    if plugin["annotations"]:
        out += [".SH ANNOTATIONS"]
        for row in plugin["annotations"]:
            key = row["key"] + ("*" if row["key"].endswith(".") else "")
            out += [".TP", f"{bold(key)} ({'own' if row['use'] & OWN else 'read'})",
                    *(filled(inline(row["doc"] or "")) or ["\\&"])]
    if plugin["settings"]:
        out += [".SH SETTINGS", *filled(f"Members of {bold(plugin['name'] + '.json')} in the directory that "
                                        f"{bold('hozo plugin dir --settings')} prints.")]
        out += [l for row in plugin["settings"] for l in field(row, True)]
    if plugin["features"]:
        out += [".SH FEATURES", *filled(f"Constants in {bold('hozo features')}.")]
        for row in plugin["features"]:
            out += [".TP", bold(row["path"]), *filled(escaped(row["value"], True).replace(",", ",\\:"))]
    out += [".SH CALLBACKS", *filled("When hozo asks the plugin: " +
                                     ", ".join(bold(c) for c in plugin["callbacks"]) +
                                     f". {bold('hozo-plugin')}(3) says what each may do.")]
    for order in ("before", "after"):
        if plugin[order]:
            out += [".PP", *filled(f"It comes {order} {', '.join(map(bold, plugin[order]))}.")]
    return out


def plugin_page(plugin, pages, plugin_dir):
    """All pages of plugins have one form; `pages` are those of docs/ that are their manual. Without a directory the
    plugin is built in."""
    files = [bold(f"{plugin_dir}/{n}.so" if plugin_dir else n) for n in plugin["names"]]
    name = f"hozo-plugin-{plugin['name']}"
    out = [".SH NAME", *filled(f"{escaped(name, True)} \\- {escaped(plugin['summary'].rstrip('.'))}"),
           ".SH SYNOPSIS", ".nf", *files, ".fi",
           ".SH DESCRIPTION",
           *filled(f"A plugin of {bold('hozo')}(1), of the package {bold(plugin['package'])}. "
                   f"{bold('hozo-plugins')}(7) says when it is opened.")]
    for page in pages:
        if ":" in page:
            out += [".PP", *markdown.included(page)[1:]]
            continue
        lines = open(f"{markdown.DOCS}/{page}").read().splitlines()
        first = next(i for i, l in enumerate(lines) if l.startswith("## "))
        out += [".PP", *markdown.converted(lines[1:first], 1)[1:], *markdown.converted(lines[first:], 1)]
    out += plugin_sections(plugin)
    out += [".SH FILES", ".nf", *files, ".fi"] if plugin_dir else [".PP", "It is built into this hozo."]
    return out + [".SH SEE ALSO", see_also(["hozo(1)", "hozo-plugin(3)", "hozo-plan(5)", "hozo-plugins(7)"])]


def see_also(pages):
    return ", ".join(f"{bold(p[:-3])}{p[-3:]}" for p in pages)


# --- templates

def tidy(lines):
    """No paragraph begins where a heading has begun one, or where another does."""
    return [l for l, before in zip(lines, [".SH", *lines])
            if not (l == ".PP" and before.startswith((".SH", ".SS", ".PP")))]


class Manual:
    def __init__(self, hozo, descriptors, modules, version, date, plugin_dir, built_in):
        self.before, self.verbs = command_line.read(hozo)
        self.nested = command_line.nested(hozo, self.verbs)
        text = subprocess.run([descriptors, *modules], check=True, capture_output=True, text=True).stdout
        self.plugins = {p["name"]: p for p in map(json.loads, text.splitlines())}
        self.version, self.date, self.plugin_dir, self.built_in = version, date, plugin_dir, built_in

    def head(self, name, section):
        return [".\\\" SPDX-License-Identifier: Apache-2.0", ".\\\" Generated: see docs/manual.",
                f".TH {quoted(name.upper()).replace('-', chr(92) + '-')} {section} {self.date} "
                f'"hozo {self.version}" "hozo manual"',
                ".ad l", ".nh"]

    def line(self, line):
        if not line.startswith("@"):
            return [line]
        word, _, rest = line[1:].partition(" ")
        return {
            "markdown": lambda: markdown.included(rest),
            "options": lambda: options_before(self.verbs, self.before),
            "synopsis": lambda: synopsis(self.verbs),
            "verbs": lambda: each_verb(self.verbs),
            "header": header.converted,
            "header-introduction": header.introduction,
            "plugins": self.list_plugins,
        }[word]()

    def list_plugins(self):
        out = []
        for p in self.plugins.values():
            out += [".TP", f"{bold('hozo-plugin-' + p['name'])}(7)",
                    *filled(escaped(p["summary"]) + " Files: " + ", ".join(bold(n + ".so") for n in p["names"]) + ".")]
        return out

    def from_template(self, path, name, section):
        text = open(path).read().replace("@PLUGIN_DIR@", escaped(self.plugin_dir, True))
        lines = [l for l in text.splitlines() if not l.startswith('.\\"')]
        return self.head(name, section) + tidy([x for l in lines for x in self.line(l)])

    def of_plugin(self, name, pages):
        return self.head(f"hozo-plugin-{name}", 7) + tidy(
            plugin_page(self.plugins[name], pages, None if self.built_in else self.plugin_dir))
