# SPDX-License-Identifier: Apache-2.0
"""include/hozo/plugin.h as man(7): its sections, its comments as text, its declarations as they stand there."""
import re

import markdown
from markdown import bold, code, escaped, filled, quoted

HEADER = f"{markdown.DOCS}/../include/hozo/plugin.h"
MARK = re.compile(r"^/\* --- (.*?) -+ \*/$|^/\* --- (.*?) --- \*/$")


def ticked(text):
    """Names stand between backquotes; nothing else is marked in comments."""
    parts = text.split("`")
    return "".join(bold(p) if n % 2 and n + 1 < len(parts) else escaped(p) for n, p in enumerate(parts))


def comment_text(lines):
    """Paragraphs of a comment: text, or lines indented further than it as they are."""
    text = "\n".join(lines).strip()
    text = re.sub(r"^/\*+ ?|\s*\*/$", "", text)
    return [re.sub(r"^\s*\* ?", "", l) for l in text.split("\n")]


def paragraphs(lines):
    out, text = [], []

    def flush():
        if text:
            out.extend([".PP", *filled(ticked(" ".join(text)))])
            text.clear()

    i = 0
    while i < len(lines):
        if lines[i].startswith("    "):
            flush()
            block = []
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                block.append(lines[i][4:])
                i += 1
            out.extend(code(block))
            continue
        if lines[i].strip():
            text.append(lines[i].strip())
        else:
            flush()
        i += 1
    flush()
    return out


def calls(text):
    """What an author writes for a member of struct hozo_host: {"find": "hozo_find"}."""
    names = dict(re.findall(r"#define (hozo_\w+)\([^)]*\)\s+\(\(ctx\)->host->(\w+)\(", text))
    return {member: name for name, member in names.items()} | {"error": "hozo_error", "log": "hozo_log"}


def host_table(lines, names):
    """The functions of the host: what a comment says holds for those below it up to the next one."""
    out, i = [], 0
    while i < len(lines):
        line = lines[i].strip()
        if line.startswith("/*"):
            first = i
            while "*/" not in lines[i]:
                i += 1
            out += paragraphs([l.strip() for l in comment_text(lines[first:i + 1])])
        elif "(*" in line:
            first = i
            while ";" not in lines[i]:
                i += 1
            declaration = " ".join(l.strip() for l in lines[first:i + 1])
            m = re.match(r"(.*?)\(\*(\w+)\)\(struct hozo_ctx \*ctx(?:, )?(.*?)\);(.*)", declaration)
            kind, member, rest, note = m.groups()
            arguments = f"{names[member]}(ctx{', ' if rest else ''}{rest})"
            if member in ("error", "log"):
                arguments = arguments.replace(", va_list ap", ", ...")
            out += [".PP", ".RS 4", ".nf", f"{escaped(kind, True)}{bold(arguments)};", ".fi", ".RE"]
            note = comment_text([note.strip()])[0] if note.strip() else ""
            out += [".RS 4", *filled(ticked(note)), ".RE"] if note else []
        i += 1
    return out


def converted():
    text = open(HEADER).read()
    lines, names, out = text.splitlines(), calls(text), []
    i = next(n for n, l in enumerate(lines) if l.startswith("#define HOZO_MAGIC"))
    end = next(n for n, l in enumerate(lines) if "--- calls ---" in l)
    block = []

    def flush():
        while block and not block[0].strip():
            block.pop(0)
        if any(l.strip() for l in block):
            out.extend(code(list(block)))
        block.clear()

    while i < end:
        line = lines[i]
        mark = MARK.match(line)
        if mark:
            flush()
            out.append(f".SS {quoted((mark[1] or mark[2]).capitalize())}")
        elif line.startswith("/* clang-format"):
            pass
        elif line.startswith("/*"):
            flush()
            first = i
            while "*/" not in lines[i]:
                i += 1
            out += paragraphs(comment_text(lines[first:i + 1]))
        elif line.startswith("struct hozo_host {"):
            flush()
            last = next(n for n in range(i, end) if lines[n].startswith("};"))
            out += host_table(lines[i + 3:last], names)
            i = last
        else:
            block.append(line)
        i += 1
    flush()
    return out


def introduction():
    """What the comment at the top says."""
    lines = open(HEADER).read().splitlines()
    end = next(n for n, l in enumerate(lines) if l.strip() == "*/")
    return paragraphs(comment_text(lines[1:end + 1])[2:])
