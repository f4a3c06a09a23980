# SPDX-License-Identifier: Apache-2.0
"""The Markdown of docs/ as man(7): what is said once is not written twice."""
import os
import re

DOCS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Where a page of docs/ is found by who has only the manual.
PAGES = {
    "cli": "hozo(1)", "plan": "hozo-plan(5)", "plugins": "hozo-plugins(7)", "cgroups": "hozo-plugin-cgroup(7)",
    "systemd": "hozo-plugin-systemd(7)", "rdt": "hozo-plugin-rdt(7)", "seccomp": "hozo-plugin-seccomp(7)",
    "netdev": "hozo-plugin-netdev(7)", "freebsd": "hozo-plugin-freebsd(7)", "vm": "hozo-plugin-vm(7)",
    "machine": "hozo-plugin-vm(7)", "labels": "hozo-plugin-apparmor(7)", "events": "hozo-events(5)", "trace": "hozo-trace(5)",
    "plugin-life": "hozo-plugins(7)", "plugin-abi": "hozo-plugin(3)",
}


# --- text

def escaped(text, literal=False):
    text = text.replace("\\", "\\e")
    if literal:
        text = text.replace("-", "\\-")
    return "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)


def typed(text):
    """As it is typed; a long one may go on in the next line behind such a sign, without a hyphen."""
    marked = re.sub(r"\S{50,}", lambda m: re.sub(r"([/,:{}[\]])(?=\w)", "\\1\0", m[0]), text)
    return escaped(marked, True).replace("\0", "\\:")


def bold(text):
    return f"\\fB{typed(text)}\\fR"


def italic(text):
    return f"\\fI{escaped(text)}\\fR"


def link(text, target):
    if target.startswith(("http:", "https:")):
        return f"{text} ({typed(target)})" if text != target else text
    page = re.sub(r"\.md(#.*)?$", "", os.path.basename(target))
    if not target.split("#")[0].endswith(".md"):
        return text
    page = PAGES.get(page, f"docs/{page}.md")
    return page if text.endswith(".md") else f"{text} ({page})"


INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)]+)\)")


def inline(text):
    """A paragraph's text with fonts."""
    out, at = [], 0
    for m in INLINE.finditer(text):
        out.append(escaped(text[at:m.start()]))
        code, strong, emphasis, label, target = m.groups()
        if code or strong:
            out.append(bold(code or strong))
        elif emphasis:
            out.append(italic(emphasis))
        else:
            out.append(link(inline(label), target))
        at = m.end()
    return "".join(out) + escaped(text[at:])


def filled(text):
    """In lines that editors like; none of them is taken for a request."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) > 78:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    return [guarded(x) for x in [*lines, line] if x]


def guarded(line):
    return f"\\&{line}" if line.startswith((".", "'")) else line


# --- blocks

def section(file, title):
    """The lines below a heading of docs/FILE, and how deep it is. An empty title: what stands before the first."""
    lines = open(f"{DOCS}/{file}").read().splitlines()
    if not title:
        ends = [i for i, l in enumerate(lines) if l.startswith("## ")]
        return lines[1:ends[0] if ends else None], 1
    for i, line in enumerate(lines):
        level = len(line) - len(line.lstrip("#"))
        if level and title in (line[level:].strip(), *line[level:].strip().split(", ")):
            end = next((j for j in range(i + 1, len(lines)) if re.match(rf"#{{1,{level}}} ", lines[j])), len(lines))
            return lines[i + 1:end], level
    raise SystemExit(f"docs/{file} has no section \"{title}\"")


def cells(row):
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def table(rows):
    """Each row is a paragraph whose tag is its first cell; the others have the names of their columns. An empty first
    cell is the one above."""
    names, first, out = cells(rows[0]), "", []
    if names == ["", "test"]:  # statements, and who shows them: of interest where the tests are
        return [l for row in rows[2:] for l in (".IP \\(bu 2", *filled(inline(cells(row)[0])))]
    for row in rows[2:]:
        there = cells(row)
        first = there[0] or first
        head = f"{italic(names[0])}: " if names[0] and len(names) > 2 and not first.startswith("`") else ""
        tag, text = filled(head + inline(first)) or ["\\-"], []
        for name, cell in zip(names[1:], there[1:]):
            if cell:
                text += ([".br"] if text else []) + filled(
                    (f"{italic(name)}: " if name and len(names) > 2 else "") + inline(cell))
        text = text or ["\\&"]
        # A tag is one line.
        out += [".TP", *tag, *text] if len(tag) == 1 else [".PP", *tag, ".RS", *text, ".RE"]
    return out


def code(lines):
    while lines and not lines[-1].strip():
        lines.pop()
    return [".PP", ".RS 4", ".nf", *(guarded(escaped(l, True)) or "\\&" for l in lines), ".fi", ".RE"]


def converted(lines, level=2):
    """man(7) of Markdown; headings one deeper than `level` are subsections, others paragraphs."""
    out, i = [], 0

    def run(test):
        nonlocal i
        first = i
        while i < len(lines) and test(lines[i]):
            i += 1
        return lines[first:i]

    while i < len(lines):
        line = lines[i]
        if not line.strip() or line.startswith(("<!--", "![", "<p", "</p", "<picture", "</picture", "<img", "  <")):
            i += 1
        elif line.startswith("#"):
            depth, title = re.match(r"(#+) (.*)", line).groups()
            if len(depth) == level + 1:
                out.append(f".SS {quoted(plain(title))}")
            else:
                out += [".PP", bold(plain(title))]
            i += 1
        elif line.startswith("```"):
            i += 1
            out += code([l for l in run(lambda l: not l.startswith("```"))])
            i += 1
        elif line.startswith("    "):
            out += code([l[4:] for l in run(lambda l: l.startswith("    ") or not l.strip())])
        elif line.startswith("|"):
            out += table(run(lambda l: l.startswith("|")))
        elif re.match(r"(- |\d+\. )", line):
            out += listed(run(lambda l: re.match(r"(- |\d+\. |  +\S)", l)))
        else:
            text = " ".join(run(lambda l: l.strip() and not re.match(r"(#|\||- |\d+\. |```|<!--)", l)))
            out += [".PP", *filled(inline(text))]
    return out


def listed(lines):
    items = []
    for line in lines:
        m = re.match(r"(-|\d+\.) (.*)", line)
        if m:
            items.append([m[1], m[2]])
        else:
            items[-1][1] += " " + line.strip()
    out = []
    for mark, text in items:
        out += [".IP \\(bu 2" if mark == "-" else f".IP {mark} 4", *filled(inline(text))]
    return out


def plain(text):
    return re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m[1] or "", text)


def quoted(text):
    return '"' + escaped(text).replace('"', "\\(dq") + '"'


def included(reference):
    """`FILE`, `FILE: TITLE`: its text without the heading itself."""
    file, _, title = reference.partition(":")
    lines, level = section(file.strip(), title.strip())
    return converted(lines, level)
