# SPDX-License-Identifier: Apache-2.0
"""When libseccomp is loaded: for a profile, or a library, that was not seen before."""
import glob
import os
import shutil
import subprocess

from box import ENVIRONMENT
from harness import Skip, same, test

LIBRARY = "libseccomp.so.2"
DENIED = "mkdir: can't create directory '/x': Owner died"
RULE = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 130}  # an error of nobody else


def filtered(box, *rules):
    b = box.bundle(["/bin/mkdir", "/x"])
    b.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [RULE, *rules]}
    return b


def opened(box, *words, env=ENVIRONMENT):
    """What it says, and the files that hozo opens meanwhile."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    for old in glob.glob(f"{box.dir}/trace*"):
        os.remove(old)
    r = subprocess.run(["strace", "-qq", "-e", "trace=open,openat", "-o", f"{box.dir}/trace", box.runtime, "--root",
                        box.root, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=25)
    with open(f"{box.dir}/trace") as f:
        return r.stderr.strip(), f.read()


def run(box, b, **more):
    said, files = opened(box, "run", "--bundle", b.write().path, "c1", **more)
    same(said, DENIED)
    return LIBRARY in files


def entries(box):
    return sorted(glob.glob(f"{box.root}/.cache/seccomp/*"))


@test(sanitized=False)
def another_profile_is_another_filter(box):
    assert run(box, filtered(box))
    assert run(box, filtered(box, {"names": ["sync"], "action": "SCMP_ACT_LOG"}))
    assert not run(box, filtered(box))
    same(len(entries(box)), 2)


@test(sanitized=False)
def what_a_filter_does_not_depend_on_makes_no_other(box):
    b = filtered(box)
    assert run(box, b)
    b.config["linux"]["seccomp"].update({"flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/x"})
    b.config["process"]["noNewPrivileges"] = False
    assert not run(box, b)


@test(sanitized=False)
def a_filter_of_another_libseccomp_is_made_again(box):
    found = glob.glob(f"/usr/lib/*/{LIBRARY}") + glob.glob(f"/usr/lib*/{LIBRARY}")
    if not found:
        raise Skip("libseccomp is elsewhere")
    copy, b = f"{box.dir}/{LIBRARY}", filtered(box)
    shutil.copy(found[0], copy)
    env = {**ENVIRONMENT, "LD_LIBRARY_PATH": box.dir}
    same([run(box, b, env=env), run(box, b, env=env)], [True, False])
    os.utime(copy, (0, 0))
    same([run(box, b, env=env), run(box, b, env=env)], [True, False], "a newer file")
    os.remove(copy)
    same([run(box, b), run(box, b)], [True, False], "no file")
    same(len(entries(box)), 1)


@test(sanitized=False)
def exec_needs_neither_the_library_nor_the_cache(box):
    b = filtered(box)
    b.program("sleep 100")
    box.running(b)
    shutil.rmtree(f"{box.root}/.cache")
    said, files = opened(box, "exec", "c1", "/bin/mkdir", "/x")
    same(said, DENIED)
    same((LIBRARY in files, '".cache"' in files), (False, False))
