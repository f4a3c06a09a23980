# SPDX-License-Identifier: Apache-2.0
"""The guides as tests read them: files below their paths, and commands with what they have to print."""
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


class Guide:
    def __init__(self, name):
        self.text = open(f"{TOP}/docs/guides/{name}.md").read()
        self.blocks = [m.groupdict() for m in BLOCK.finditer(self.text)]
        assert self.blocks and self.text.count("```") == 2 * len(self.blocks), name

    def file(self, path):
        there = [b["text"] for b in self.blocks if b["path"] == path]
        assert len(there) == 1, path
        return there[0]

    def of(self, language):
        return [b["text"] for b in self.blocks if b["language"] == language]

    def commands(self, prompt):
        """(command, what it prints) of each line behind the prompt "#" of root or "$" of a user."""
        out = []
        for text in self.of("console"):
            for part in re.split(r"^(?=[#$] )", text, flags=re.M)[1:]:
                line, _, printed = part.partition("\n")
                if line[0] == prompt:
                    out.append((line[2:], printed))
        assert out, prompt
        return out

    def write(self, path, at=None):
        """The file as it stands in the guide, at its path or another."""
        at = at or path
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "w") as f:
            f.write(self.file(path))

    def run(self, prompt, prefix=(), **options):
        for command, printed in self.commands(prompt):
            r = subprocess.run([*prefix, "sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=60, **options)
            assert (r.returncode, r.stdout) == (0, printed), f"{command}: {r.returncode}\n{r.stdout}{r.stderr}"
