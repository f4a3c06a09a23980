# SPDX-License-Identifier: Apache-2.0
"""The packages that packaging/ describes, built of a copy of the sources. They are kept for as long as the sources stay
as they are, and beside them the tree in which they were built."""
import contextlib
import fcntl
import functools
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

from harness import Skip

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(f"{HERE}/guest")

from image import cache

SOURCE = os.path.dirname(HERE)
WEEK = 7 * 24 * 3600
# What decides on what is built: of the tests only how they would be.
PARTS = ("core", "docs", "include", "packaging/debian", "packaging/files", "packaging/split", "plugins", "tools/docs",
         "tools/build-installed", "meson.build", "meson_options.txt")


def command(*words, **options):
    """Its output; a failure is the test's."""
    r = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       errors="replace", **options)
    assert r.returncode == 0, f"$ {' '.join(words)}\n{r.stdout[-8000:]}\nexit status {r.returncode}"
    return r.stdout


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


@functools.cache
def rows():
    """Pairs (package, pattern) of packaging/files."""
    with open(f"{SOURCE}/packaging/files") as f:
        words = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return [(package, pattern) for package, pattern in words]


def plugins():
    """The packages of plugins: {package: its plugins' files}."""
    found = {}
    for package, pattern in rows():
        if "/hozo/plugins/" in pattern:
            found.setdefault(package, []).append(os.path.basename(pattern))
    return found


def digest():
    hash_ = hashlib.sha256()
    for path in sorted(_files()):
        with open(path, "rb") as f:
            hash_.update(f"{os.path.relpath(path, SOURCE)}\0".encode() + hashlib.sha256(f.read()).digest())
    return hash_.hexdigest()[:16]


def _files():
    for part in PARTS:
        yield from _below(f"{SOURCE}/{part}")
    yield from glob.glob(f"{HERE}/**/meson.build", recursive=True)


def _below(path):
    if not os.path.isdir(path):
        return [path]
    return [f"{directory}/{name}" for directory, _, names in os.walk(path) for name in names
            if not name.endswith(".pyc")]


@functools.cache
def debian():
    """The directory with the packages for Debian, and in `hozo` the tree where they were built."""
    needs("dpkg-buildpackage", "dh", "meson", "musl-gcc", "unshare")
    place = f"{cache()}/packages-{digest()}"
    os.makedirs(cache(), exist_ok=True)
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{place}/built"):
            shutil.rmtree(place, ignore_errors=True)
            _build(place)
            command("touch", f"{place}/built")
        os.utime(place)
        _forget()
    return place


def _build(place):
    tree = f"{place}/hozo"
    shutil.copytree(SOURCE, tree, symlinks=True, ignore=_not_sources)
    shutil.copytree(f"{tree}/packaging/debian", f"{tree}/debian")
    # In a network namespace without devices: nothing can be fetched.
    command("unshare", "--net", "dpkg-buildpackage", "-b", "-us", "-uc", cwd=tree,
            env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2"})


def _not_sources(directory, names):
    """What lies in a clone beside the sources."""
    return [n for n in names if n == "__pycache__" or directory == SOURCE and n.startswith((".git", ".cache", "build"))]


def _forget():
    for other in glob.glob(f"{cache()}/packages-*"):
        with contextlib.suppress(OSError):
            if os.stat(other).st_mtime < time.time() - WEEK:
                shutil.rmtree(other) if os.path.isdir(other) else os.remove(other)


def packages():
    """{name: file}, without those that hold debug symbols."""
    files = glob.glob(f"{debian()}/*.deb")
    return {name: f for f in files if not (name := os.path.basename(f).split("_")[0]).endswith("-dbgsym")}


def field(deb, name):
    return command("dpkg-deb", "--field", deb, name).strip()


def contents(deb):
    """The files in it, by path."""
    lines = command("dpkg-deb", "--contents", deb).splitlines()
    paths = [line.split(None, 5)[5].split(" -> ")[0].removeprefix(".") for line in lines]
    return sorted(p for p in paths if not p.endswith("/"))
