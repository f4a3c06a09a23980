# SPDX-License-Identifier: Apache-2.0
"""Programs and plugins that tests compile: what was compiled once need not be again, neither by another test, nor in a
guest, nor the next time."""
import contextlib
import functools
import glob
import hashlib
import os
import shutil
import subprocess
import time

CACHE = "/var/cache/hozo-tests/compiled"
UNFINISHED = ".new-"
WEEK = 7 * 24 * 3600
INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../include")


@functools.cache
def surroundings():
    """What decides, beside text and flags, on what gcc makes."""
    sum_ = hashlib.sha256(subprocess.run(["gcc", "--version"], capture_output=True, check=True).stdout)
    for path in sorted(glob.glob(f"{INCLUDE}/hozo/*.h")):
        with open(path, "rb") as f:
            sum_.update(f.read())
    return sum_.hexdigest()


def begin():
    """Before the first test: what all tests ask for, and what none has asked for in a week is forgotten."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        surroundings()
    for path in glob.glob(f"{CACHE}/*"):
        with contextlib.suppress(OSError):
            if os.stat(path).st_mtime < time.time() - WEEK:
                os.remove(path)


def keep(file, key):
    # It may be read-only, as in a guest, or another user's.
    with contextlib.suppress(OSError):
        os.makedirs(CACHE, exist_ok=True)
        new = f"{CACHE}/{UNFINISHED}{os.getpid()}"
        shutil.copyfile(file, new)
        os.rename(new, f"{CACHE}/{key}")


def compiled(box, text, path, *flags):
    """Writes what gcc makes of this C text, for everybody to run, and returns the path."""
    key = hashlib.sha256("\0".join([surroundings(), text, *flags]).encode()).hexdigest()[:32]
    here, kept = f"{os.path.dirname(box.dir)}/compiled-{key}", f"{CACHE}/{key}"
    if not os.path.exists(here):
        new = f"{box.dir}/compiled"
        if os.path.exists(kept) and os.stat(kept).st_uid == os.geteuid():
            shutil.copyfile(kept, new)
            with contextlib.suppress(OSError):
                os.utime(kept)
        else:
            subprocess.run(["gcc", *flags, "-x", "c", "-", "-o", new], input=text, text=True, check=True)
            keep(new, key)
        os.rename(new, here)
    if os.path.lexists(path):
        os.remove(path)
    shutil.copyfile(here, path)
    os.chmod(path, 0o755)
    return path
