# SPDX-License-Identifier: Apache-2.0
"""Without linux.intelRdt nobody looks at resctrl, nor at what would serve it."""
import glob
import os
import shutil
import subprocess

from box import ENVIRONMENT
from emulated_resctrl import Resctrl, with_rdt
from harness import Skip, same, test


def traced(box, *arguments):
    """The lines of strace about files, of the runtime and all that it starts."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    for old in glob.glob(f"{box.dir}/trace*"):
        os.remove(old)
    r = subprocess.run(["strace", "-ff", "-qq", "-s", "400", "-e", "trace=%file,%desc", "-e", "read=none",
                        "-o", f"{box.dir}/trace", box.runtime, "--root", box.root, *arguments],
                       env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
    lines = []
    for path in glob.glob(f"{box.dir}/trace*"):
        with open(path, errors="replace") as f:
            lines += f.read().splitlines()
    return r.returncode, lines


def about(lines, *words):
    """Those that look something up by a path with one of the words."""
    lookups = ("open", "stat", "access", "readlink", "mkdir", "statfs", "mount", "chdir", "newfstatat", "statx")
    return [line for line in lines if line.startswith(lookups) and any(w in line for w in words)]


@test(sanitized=False, timeout=90)
def without_the_section_nothing_of_it_is_looked_at(box):
    r = Resctrl(box, told=False)
    r.tell(mountpoint=r.point)
    b = box.bundle("exit 3").write()
    code, lines = traced(box, "run", "--bundle", b.path, "c1")
    same(code, 3)
    same(about(lines, "resctrl", "rdt.json", "intelRdt"), [])
    # The same with the section finds all three: the words are the right ones.
    b = with_rdt(box, "exit 3").write()
    code, lines = traced(box, "run", "--bundle", b.path, "c2")
    same(code, 3)
    for word in ("resctrl", "rdt.json", "intelRdt"):
        assert about(lines, word), word


@test(sanitized=False, timeout=90)
def nor_by_the_verbs_behind(box):
    r = Resctrl(box)
    box.running("sleep 100")
    for verb in (("state", "c1"), ("exec", "c1", "true"), ("events", "--stats", "c1"), ("update", "--pids-limit", "50", "c1"),
                 ("delete", "--force", "c1")):
        code, lines = traced(box, *verb)
        same(code, 0, verb)
        same(about(lines, "resctrl", "rdt.json", "intelRdt"), [], verb)


@test(sanitized=False, timeout=90)
def a_plan_does_not_look_at_the_host_for_it(box):
    """The settings are part of the plan's facts, resctrl is not."""
    r = Resctrl(box)
    b = with_rdt(box, closID="gold", enableMonitoring=True, l3CacheSchema="L3:0=f").write()
    code, lines = traced(box, "plan", "--bundle", b.path)
    same(code, 0)
    same(about(lines, r.point, "sys/fs/resctrl"), [])
