# SPDX-License-Identifier: Apache-2.0
"""A Debian on which nothing was installed yet but apt, as often as a test wants one. Its root file system is made once,
of packages from the sources that this host is configured with, and is kept; each test gets an overlay of its own. The
only other packages that apt finds there are the libraries that hozo's packages may depend on."""
import contextlib
import fcntl
import glob
import hashlib
import inspect
import os
import shutil
import signal
import subprocess
import tempfile

import host
from harness import Skip, libc
from package_build import command, needs

from image import Unavailable, cache, run, sources

LIBRARIES = ["libcap2", "libcjson1", "libnl-route-3-200", "libseccomp2", "libsystemd0"]
DEPOT = "/var/lib/depot"
FLAGS = ["--variant=apt", "--mode=root", "--skip=cleanup/apt/lists,cleanup/apt/cache", "--dpkgopt=force-unsafe-io",
         *(f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "info", "locale", "man", "zoneinfo"))]
MS_BIND, MS_REC = 0x1000, 0x4000
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine)


def root():
    """The directory of the root file system that is never written to."""
    needs("mmdebstrap", "dpkg-scanpackages", "nsenter")
    recipe = "".join([repr((LIBRARIES, DEPOT, FLAGS)), inspect.getsource(_make), inspect.getsource(_settle)])
    made = f"{cache()}/debian-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    os.makedirs(cache(), exist_ok=True)
    try:
        with open(f"{made}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(made):
                _make(made)
    except Unavailable as e:
        raise Skip(f"no fresh Debian: {e}") from None
    return made


def _make(made):
    with tempfile.TemporaryDirectory(dir=cache()) as work, tempfile.NamedTemporaryFile("w", suffix=".list") as f:
        f.write(sources())
        f.flush()
        suite = run("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME").strip()
        fetch = f'chroot "$1" apt-get install -y --no-install-recommends --download-only {" ".join(LIBRARIES)}'
        run("mmdebstrap", *FLAGS, f"--customize-hook={fetch}", suite, f"{work}/root", f.name)
        _settle(f"{work}/root")
        os.chmod(f"{work}/root", 0o755)
        os.rename(f"{work}/root", made)


def _settle(at):
    """What was fetched is all that apt has from now on."""
    os.mkdir(at + DEPOT)
    for deb in glob.glob(f"{at}/var/cache/apt/archives/*.deb"):
        shutil.move(deb, at + DEPOT)
    with open(f"{at}{DEPOT}/Packages", "w") as f:
        f.write(subprocess.run(["dpkg-scanpackages", "--multiversion", "."], cwd=at + DEPOT, check=True, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    shutil.rmtree(f"{at}/var/lib/apt/lists")
    for path in glob.glob(f"{at}/etc/apt/sources.list*"):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    with open(f"{at}/etc/apt/sources.list", "w") as f:
        f.write(f"deb [trusted=yes] file:{DEPOT} ./\n")
    run("chroot", at, "apt-get", "update")


def _enter(at):
    """Makes it the root of a mount namespace of its own, in which nothing else is mounted."""
    os.chdir(at)
    host.private_mounts()
    assert not libc.syscall(PIVOT_ROOT, b".", b"."), "pivot_root"
    assert not libc.umount2(b".", host.MNT_DETACH), "umount"


class Debian:
    """One of them, in which box.hozo() and all that is made of it is what was installed there. The test is in a mount
    namespace of its own from now on; the machine has the same network, processes and control groups."""

    def __init__(self, box):
        base = root()
        host.private_mounts()
        self.box, at = box, f"{box.dir}/debian"
        for name in ("debian", "upper", "work"):
            os.mkdir(f"{box.dir}/{name}")
        options = f"lowerdir={base},upperdir={box.dir}/upper,workdir={box.dir}/work,index=off"
        if libc.mount(b"overlay", at.encode(), b"overlay", 0, options.encode()):
            raise Skip("no overlay can be mounted here")
        for path in ("/proc", "/sys", "/dev"):
            self._bind(path, at + path)
        assert not libc.mount(b"tmpfs", f"{at}/run".encode(), b"tmpfs", 0, b"mode=755"), "mount /run"
        os.makedirs(at + box.dir, exist_ok=True)
        self._bind(box.dir, at + box.dir, MS_BIND)
        self._settle(at)

    @staticmethod
    def _bind(source, target, flags=MS_BIND | MS_REC):
        assert not libc.mount(source.encode(), target.encode(), None, flags, None), f"mount {target}"

    def _settle(self, at):
        """In a mount namespace that has this root; this process holds it, for others to follow."""
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                _enter(at)
                os.write(told, b"!")
                signal.pause()
            os._exit(1)
        os.close(told)
        with open(ready, "rb") as f:
            assert f.read(1), "the machine's root is not entered"
        self.fd = os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        host.detach(at)
        self.prefix = ["nsenter", f"--mount=/proc/{os.getpid()}/fd/{self.fd}"]
        self.box.runtime = f"{self.box.dir}/hozo"
        with open(self.box.runtime, "w") as f:
            f.write(f"#!/bin/sh\nexec {' '.join(self.prefix)} /usr/bin/hozo \"$@\"\n")
        os.chmod(self.box.runtime, 0o755)

    def __call__(self, *words):
        """The output of a command that must succeed."""
        return command(*self.prefix, *words)

    def apt(self, verb, *words):
        """Without a network, and without a question."""
        return command("unshare", "--net", *self.prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
                       "apt-get", verb, "-y", "-o", "APT::Sandbox::User=root", *words)

    def install(self, *debs):
        """Of these files, as who has downloaded them types it."""
        directory = f"{self.box.dir}/debs"
        os.makedirs(directory, exist_ok=True)
        return self.apt("install", *(shutil.copy(deb, directory) for deb in debs))

    def installed(self):
        """{package: version}"""
        return dict(line.split() for line in self("dpkg-query", "--show").splitlines())
