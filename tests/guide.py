# SPDX-License-Identifier: Apache-2.0
"""A guide that says what to type: its files are written, its commands are typed, their answers are compared."""
import fnmatch
import re
import subprocess

BLOCK = re.compile(r"(?P<before>[^\n]*\n)?\n?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
NAME = re.compile(r"`([^`\s]+)`[^`]*:$")
END = "--- end of an answer, status"


def blocks(markdown):
    """Rows (file name or None for commands, text) in order. A file's name is the last on the line before it."""
    rows = []
    for m in BLOCK.finditer(markdown):
        named = None if m["kind"] == "console" else NAME.search(m["before"].strip())
        assert m["kind"] == "console" or named, f"which file is this?\n{m['text']}"
        rows.append((named and named[1], m["text"]))
    return rows


def commands(text):
    """Rows [command, lines of its answer] of a block; `> ` goes on with a command."""
    rows = []
    for line in text.splitlines():
        if line.startswith("$ "):
            rows.append([line[2:], []])
        elif line.startswith("> ") and not rows[-1][1]:
            rows[-1][0] += "\n" + line[2:]
        else:
            rows[-1][1].append(line)
    return rows


def is_answer(actual, shown):
    """Lines of `…` stand for any number of lines, and within a line for any text."""
    if not shown:
        return not actual
    if shown[0] == "…":
        return any(is_answer(actual[n:], shown[1:]) for n in range(len(actual) + 1))
    pattern = re.sub(r"([\[\]*?])", r"[\1]", shown[0]).replace("…", "*")
    return bool(actual) and fnmatch.fnmatchcase(actual[0], pattern) and is_answer(actual[1:], shown[1:])


class Shell:
    """One shell, as somebody sits before it."""

    def __init__(self, directory, env):
        self.process = subprocess.Popen(["/bin/bash", "--norc"], cwd=directory, env=env, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def type(self, command):
        """Its answer as lines, and the exit status."""
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\necho \"{END} $?\"\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith(END):
                return lines, int(line.removeprefix(END))
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell has ended: $ {command}\n" + "\n".join(lines))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def walk(markdown, shell, write):
    """Does what the guide says; `write(name, text)` writes a file where the shell is."""
    typed = []
    for name, text in blocks(markdown):
        if name:
            write(shell.type("pwd")[0][0], name, text)
            continue
        for command, shown in commands(text):
            actual, status = shell.type(command)
            typed.append("\n".join([f"$ {command}", *actual]))
            assert is_answer(actual, shown) and status == 0, (
                "\n".join(typed) + f"\n(status {status}), where the guide shows\n" + "\n".join(shown))
    return "\n".join(typed)
