#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TAP: what shells offer, asked of the shells themselves.

usage: completions.py DIRECTORY HOZO
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

DIRECTORY, HOZO = sys.argv[1], os.path.abspath(sys.argv[2])

# In the way of hozo: it has two containers and two plugins.
FAKE = """#!/bin/sh
case "$*" in
"list --quiet") printf 'one\\ntwo\\n' ;;
"--root /elsewhere list --quiet") printf 'other\\n' ;;
"plugin list") printf 'linux.x.so  x 1.0\\nlinux.y.so  y 1.0\\n' ;;
*) exit 1 ;;
esac
"""


def run(*command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PATH": f"{work}:{os.environ['PATH']}", "HOME": work}, cwd=work, **options)


def same(actual, expected, what):
    assert actual == expected, f"{what}: {actual} instead of {expected}"


def help_options(*verb):
    text = subprocess.run([HOZO, *verb, "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  .{4}--(\S+)(.*)$", text, re.M)
    return {f"--{name}" for name, rest in rows if not re.search("accepted|hozo's own", rest)}


def verbs():
    text = subprocess.run([HOZO, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([a-z]+) +", text.split("\nOptions:")[0].split("\nVerbs:\n")[1], re.M))


# --- bash

def bash(line):
    """COMPREPLY for the words of a line; the last is being typed."""
    words = re.findall(r"=|[^ =]+", line) + ([""] if line.endswith((" ", "=")) else [])
    if line.endswith("="):
        words.pop()  # bash then has "=" as the word that is typed
    script = (f'source "{DIRECTORY}/hozo.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hozo; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    r = run("bash", "-c", script, "bash", *words)
    assert not r.stderr, r.stderr
    return set(r.stdout.split())


def bash_is_sound():
    r = run("bash", "-n", f"{DIRECTORY}/hozo.bash")
    assert r.returncode == 0, r.stderr
    same(run("bash", "-c", f'source "{DIRECTORY}/hozo.bash"; complete -p hozo').stdout, "complete -F _hozo hozo\n", "it")


def bash_offers_verbs_and_their_options():
    same(bash("hozo "), verbs(), "verbs")
    same(bash("hozo cr"), {"create"}, "cr")
    same(bash("hozo --"), help_options(), "before the verb")
    for verb in sorted(verbs()):
        same(bash(f"hozo {verb} --"), help_options(verb), verb)
    same(bash("hozo update one --mem"), {o for o in help_options("update") if o.startswith("--mem")}, "behind the ID")
    same(bash("hozo exec one --"), set(), "behind an ID: options of the program")


def bash_offers_containers():
    for verb in sorted(verbs() - {"create", "run", "check", "plan", "list", "features", "spec", "plugin"}):
        same(bash(f"hozo {verb} "), {"one", "two"}, verb)
    same(bash("hozo kill --all t"), {"two"}, "kill")
    same(bash("hozo exec --user 0 o"), {"one"}, "behind an option's argument")
    same(bash("hozo --root /elsewhere state "), {"other"}, "another root")
    same(bash("hozo create "), set(), "a new one")


def bash_offers_arguments():
    same(bash("hozo --cgroup-manager "), {"cgroupfs", "systemd", "disabled"}, "choices")
    same(bash("hozo --cgroup-manager=s"), {"systemd"}, "with =")
    same(bash("hozo list -f "), {"table", "json"}, "of a letter")
    same(bash(f"hozo create --bundle {work}/dir"), {f"{work}/directory"}, "directories")
    same(bash(f"hozo create --config {work}/file"), {f"{work}/file.json"}, "files")
    same(bash(f"hozo --root={work}/dir"), {f"{work}/directory"}, "a directory with =")
    assert {"SIGKILL", "SIGTERM"} <= bash("hozo kill one ") and "SIGKILL" in bash("hozo kill one KI")


def bash_offers_plugins():
    same(bash("hozo plugin "), {"list", "info", "check", "dir", "clean"}, "plugin")
    same(bash("hozo plugin info "), {"linux.x", "linux.y"}, "names")
    same(bash(f"hozo plugin check {work}/file"), {f"{work}/file.json"}, "files")
    same(bash("hozo plugin check --"), help_options("plugin", "check"), "options of check")
    same(bash(f"hozo plugin check --config {work}/file"), {f"{work}/file.json"}, "their arguments")
    same(bash(f"hozo plugin check --library x {work}/dir"), {f"{work}/directory"}, "files behind them")
    same(bash("hozo plugin dir "), {"--settings"}, "dir")


# --- zsh

def zsh_is_sound():
    r = run("zsh", "-n", f"{DIRECTORY}/_hozo")
    assert (r.returncode, r.stderr) == (0, ""), r.stderr


def zsh_describes_every_option():
    """What is given to _arguments, for the command line and for a verb."""
    stub = ("_arguments() { print -rl -- \"$@\" >&3; state=arguments; return 1 }; "
            f'words=("$@"); 3>&1 1>/dev/null source "{DIRECTORY}/_hozo"')
    for verb in [[], ["plugin", "check"], *([v] for v in sorted(verbs()))]:
        r = run("zsh", "-fc", stub, "zsh", *(verb or ["hozo"]))
        assert r.returncode in (0, 1) and not r.stderr, r.stderr
        named = set(re.findall(r"^\*(--\w[\w-]*)\[", r.stdout, re.M))
        same(named, help_options() | help_options(*verb), verb)


# --- fish

def fish(line):
    r = run("fish", "--no-config", "-c", f'source "{DIRECTORY}/hozo.fish"; complete -C {line!r}')
    assert r.returncode == 0 and not r.stderr, r.stderr
    return {row.split("\t")[0] for row in r.stdout.splitlines()}


def fish_is_sound():
    r = run("fish", "--no-execute", f"{DIRECTORY}/hozo.fish")
    assert (r.returncode, r.stderr) == (0, ""), r.stderr


def fish_offers_verbs_options_and_containers():
    same(fish("hozo "), verbs(), "verbs")
    same(fish("hozo --"), help_options() - {"--V"}, "before the verb")
    for verb in ("create", "exec", "update", "delete"):
        same(fish(f"hozo {verb} --"), help_options(verb), verb)
    same(fish("hozo plugin check --"), help_options("plugin", "check"), "an action")
    same(fish("hozo state "), {"one", "two"}, "state")
    same(fish("hozo --cgroup-manager "), {"cgroupfs", "systemd", "disabled"}, "choices")
    assert {"linux.x", "linux.y"} <= fish("hozo plugin info "), fish("hozo plugin info ")


TESTS = [bash_is_sound, bash_offers_verbs_and_their_options, bash_offers_containers, bash_offers_arguments,
         bash_offers_plugins, zsh_is_sound, zsh_describes_every_option, fish_is_sound,
         fish_offers_verbs_options_and_containers]

with tempfile.TemporaryDirectory() as work:
    with open(f"{work}/hozo", "w") as f:
        f.write(FAKE)
    os.chmod(f"{work}/hozo", 0o755)
    os.mkdir(f"{work}/directory")
    open(f"{work}/file.json", "w").close()
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        shell, title = test.__name__.split("_")[0], f"{number} - {test.__name__.replace('_', ' ')}"
        if not shutil.which(shell):
            print(f"ok {title} # SKIP {shell} is not installed")
            continue
        try:
            test()
            print(f"ok {title}")
        except Exception as e:
            print(f"not ok {title}")
            print("".join(f"# {l}\n" for l in str(e).splitlines()), end="")
