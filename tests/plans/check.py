#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden plans: a configuration and recorded host facts in, a plan or an error out. Needs no privilege.

    tests/plans/check.py HOZO [--update] [CASE…]

A case is a directory here:

    CASE/config.json    the configuration, or only what differs from base.json (a JSON merge patch,
                        RFC 7396: null removes a member) if the file is called patch.json
    CASE/host           name of a record in hosts/ (without .json); absent: v2
    CASE/plan           what `hozo plan` prints, or
    CASE/error          the line that it prints while it fails with exit status 1

BUNDLE stands for the bundle's directory. Prints TAP; --update writes what was printed as expected.
"""
import difflib
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path) as f:
        return f.read()


def merged(target, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def configuration(case):
    if os.path.exists(f"{case}/config.json"):
        return read(f"{case}/config.json")
    return json.dumps(merged(json.loads(read(f"{HERE}/base.json")), json.loads(read(f"{case}/patch.json"))))


def run(hozo, case):
    """The name of the file that holds what is expected, and what hozo says."""
    host = read(f"{case}/host").strip() if os.path.exists(f"{case}/host") else "v2"
    with tempfile.TemporaryDirectory() as bundle:
        bundle = os.path.realpath(bundle)
        with open(f"{bundle}/config.json", "w") as f:
            f.write(configuration(case))
        os.mkdir(f"{bundle}/rootfs")
        r = subprocess.run([hozo, "plan", "--bundle", bundle, "--host", f"{HERE}/hosts/{host}.json"],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    if r.returncode == 0 and r.stderr == "":
        return "plan", r.stdout.replace(bundle, "BUNDLE")
    if r.returncode == 1 and r.stdout == "":
        return "error", r.stderr.replace(bundle, "BUNDLE")
    return None, f"exit status {r.returncode}\n{r.stdout}{r.stderr}"


def check(hozo, case, update):
    """None if the answer is the expected one, else the difference as text."""
    kind, answer = run(hozo, case)
    if update and kind:
        for name in ("plan", "error"):
            if name != kind and os.path.exists(f"{case}/{name}"):
                os.remove(f"{case}/{name}")
        with open(f"{case}/{kind}", "w") as f:
            f.write(answer)
        return None
    if not kind or not os.path.exists(f"{case}/{kind}"):
        return answer
    expected = read(f"{case}/{kind}")
    if answer == expected:
        return None
    return "".join(difflib.unified_diff(expected.splitlines(True), answer.splitlines(True), "expected",
                                        "printed"))


def main():
    words = [w for w in sys.argv[1:] if w != "--update"]
    if not words:
        sys.exit(__doc__)
    hozo, names = words[0], words[1:] or sorted(
        n for n in os.listdir(HERE) if os.path.isdir(f"{HERE}/{n}") and n not in ("hosts", "__pycache__"))
    print(f"1..{len(names)}")
    failed = 0
    for number, name in enumerate(names, 1):
        difference = check(hozo, f"{HERE}/{name}", "--update" in sys.argv)
        print(f"{'ok' if difference is None else 'not ok'} {number} - {name}")
        if difference is not None:
            failed += 1
            print("".join(f"# {line}\n" for line in difference.splitlines()), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
