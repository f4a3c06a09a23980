# SPDX-License-Identifier: Apache-2.0
"""The peers: the newest packaged runc and crun of Debian sid, unpacked beside the system.

They come with the libraries that they were built for, through a package source which is the
configured one with another suite; the system's own packages and lists stay as they are. Interpreter
and library path of the unpacked copies are set to the unpacked libraries, so that they run on an
older release.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

SUITE = "sid"
NAMES = ("crun", "runc")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Unavailable(Exception):
    pass


def cache_directory():
    return Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "hozo-bench"


def command(*args):
    try:
        done = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=600, env=os.environ | {"LC_ALL": "C"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{args[0]}: {error}") from error
    if done.returncode != 0:
        # apt names its servers; a report is read by others
        text = re.sub(r"\w+://\S+", "…", done.stderr.strip() or done.stdout.strip())
        raise Unavailable(f"{args[0]} failed: {text.splitlines()[-1] if text else done.returncode}")
    return done.stdout


def derived_source():
    """The configured Debian archive, with the other suite."""
    line = "$(ORIGIN)|$(COMPONENT)|$(CODENAME)|$(REPO_URI)"
    targets = command("apt-get", "indextargets", "--format", line, "Created-By: Packages")
    for target in targets.splitlines():
        origin, component, codename, uri = target.split("|")
        if origin == "Debian" and component == "main" and "-" not in codename:
            option = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
            return f"deb {option}{uri} {SUITE} main\n"
    raise Unavailable("no Debian archive among the configured package sources")


def download(directory):
    for name in ("lists/partial", "archives/partial"):
        (directory / name).mkdir(parents=True)
    (directory / "source.list").write_text(derived_source())
    (directory / "status").touch()  # nothing is installed: every library is downloaded too
    apt = ["apt-get", "-o", f"Dir::Etc::sourcelist={directory}/source.list",
           "-o", "Dir::Etc::sourceparts=/none", "-o", f"Dir::State::Lists={directory}/lists",
           "-o", f"Dir::State::status={directory}/status", "-o", f"Dir::Cache={directory}",
           "-o", f"Dir::Cache::archives={directory}/archives", "-o", "APT::Sandbox::User=root",
           "-o", "APT::Install-Recommends=false"]
    command(*apt, "update", "--error-on=any")
    command(*apt, "install", "--yes", "--download-only", *NAMES)
    return sorted((directory / "archives").glob("*.deb"))


def unpack(directory):
    for package in download(directory):
        command("dpkg", "-x", package, directory / "root")
    for name in ("lists", "archives", "source.list", "status"):
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def find(root, pattern):
    found = sorted(p for p in root.rglob(pattern) if p.is_file())
    if not found:
        raise Unavailable(f"no {pattern} in the packages")
    return found[0]


def relocate(directory, place):
    """Lets the programs find the unpacked libraries where they will lie."""
    root = directory / "root"
    loader, library = find(root, "ld-linux*.so.*"), find(root, "libc.so.6").parent
    for name in NAMES:
        command("patchelf", "--set-interpreter", place / loader.relative_to(directory),
                "--set-rpath", place / library.relative_to(directory),
                find(root, f"*bin/{name}"))


def fetch(fresh=False):
    """Directory with the unpacked packages; it is made once and kept."""
    place = cache_directory() / "peers"
    if place.is_dir() and not fresh:
        return place
    temporary = cache_directory() / "peers.new"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        unpack(temporary)
        relocate(temporary, place)
    except Unavailable:
        shutil.rmtree(temporary)
        raise
    shutil.rmtree(place, ignore_errors=True)
    temporary.rename(place)
    return place


def version(program):
    return command(program, "--version").splitlines()[0].split()[-1]


def candidates(fresh=False):
    """For each peer the programs to try, best first, and why the best is missing, if it is."""
    found, reason = {name: [] for name in NAMES}, None
    try:
        root = fetch(fresh) / "root"
        for name in NAMES:
            found[name].append((find(root, f"*bin/{name}"), SUITE))
    except (Unavailable, OSError) as error:
        reason = str(error)
    for name in NAMES:
        installed = shutil.which(name)
        if installed:
            found[name].append((Path(installed), "installed"))
    return found, reason
