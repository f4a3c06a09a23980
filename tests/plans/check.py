#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden plans: a configuration and recorded host facts in, a plan or an error out. Needs no privilege.

    tests/plans/check.py HOZO [--update] [CASE…]

A case is a directory here, named after the one idea that it shows:

    CASE/config.json    the configuration, or only what differs from base.json (a JSON merge patch,
                        RFC 7396: null removes a member) if the file is called patch.json
    CASE/host           name of a record in hosts/ (without .json); absent: v2
    CASE/options        options of `hozo plan`; absent: none
    CASE/globals        options that stand before the verb; absent: none
    CASE/environment    lines NAME=VALUE that the caller has; absent: none
    CASE/plan           what `hozo plan` prints, or
    CASE/error          the line that it prints while it fails with exit status 1

BUNDLE stands for the bundle's directory, and NUMBER for the number of a system call, which differs between
architectures. Root gives up all privilege before hozo runs. Prints TAP;
--update writes what was printed as expected. Without CASE, what has to hold for all of them together
(properties.py) is tested, too.
"""
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
CLEAN = {"PATH": "/nonexistent", "LC_ALL": "C"}

sys.dont_write_bytecode = True


def read(path, default=None):
    if default is not None and not os.path.exists(path):
        return default
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


def cases():
    return sorted(n for n in os.listdir(HERE)
                  if any(os.path.exists(f"{HERE}/{n}/{f}") for f in ("config.json", "patch.json")))


def without_place(text, bundle):
    """The columns behind what is replaced depend on its length: two blanks stand for what separates them."""
    lines = text.splitlines(True)
    for i, line in enumerate(lines):
        plain = re.sub(r'^(  syscall\("\w+", number)=\d+', r"\1=NUMBER", line.replace(bundle, "BUNDLE"))
        if plain != line:
            lines[i] = line[:2] + re.sub("  +", "  ", plain[2:])
    return "".join(lines)


def hozo_plan(hozo, name, *more, verb="plan", **how):
    """What hozo says to a case, wherever that is: a subprocess.CompletedProcess."""
    case = f"{HERE}/{name}"
    host = read(f"{case}/host", "v2").strip()
    environment = dict(line.split("=", 1) for line in read(f"{case}/environment", "").splitlines())
    with tempfile.TemporaryDirectory() as bundle:
        bundle = os.path.realpath(bundle)
        os.chmod(bundle, 0o755)
        os.mkdir(f"{bundle}/rootfs")
        for file, text in (("config.json", configuration(case)), ("host.json", read(f"{HERE}/hosts/{host}.json"))):
            with open(f"{bundle}/{file}", "w") as f:
                f.write(text)
        r = subprocess.run([hozo, *read(f"{case}/globals", "").split(), verb, "--bundle", bundle, "--host", f"{bundle}/host.json", *more,
                            *read(f"{case}/options", "").split()],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30,
                           **{**NOBODY, **how, "env": {**how.get("env", CLEAN), **environment}})
    r.stdout, r.stderr = without_place(r.stdout, bundle), without_place(r.stderr, bundle)
    return r


def run(hozo, name):
    """The name of the file that holds what is expected, and what hozo says."""
    r = hozo_plan(hozo, name)
    if r.returncode == 0 and r.stderr == "":
        return "plan", r.stdout
    if r.returncode == 1 and r.stdout == "" and r.stderr.count("\n") == 1:
        return "error", r.stderr
    return None, f"exit status {r.returncode}\n{r.stdout}{r.stderr}"


def check(hozo, name, update):
    """None if the answer is the expected one, else the difference as text."""
    case = f"{HERE}/{name}"
    kind, answer = run(hozo, name)
    if update and kind:
        for other in ("plan", "error"):
            if other != kind and os.path.exists(f"{case}/{other}"):
                os.remove(f"{case}/{other}")
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
    update = "--update" in sys.argv
    if not words:
        sys.exit(__doc__)
    hozo, names = os.path.abspath(words[0]), words[1:] or cases()
    tests = [(name, lambda name=name: check(hozo, name, update)) for name in names]
    if not words[1:]:
        import properties
        tests += properties.tests(hozo)
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        difference = test()
        print(f"{'ok' if difference is None else 'not ok'} {number} - {name}", flush=True)
        if difference is not None:
            failed += 1
            print("".join(f"# {line}\n" for line in difference.splitlines()), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.modules["check"] = sys.modules["__main__"]
    sys.exit(main())
