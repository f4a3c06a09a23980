# SPDX-License-Identifier: Apache-2.0
"""Virtual machines as containers: a kernel for the guests, what a bundle says that asks for a machine, and which tests
run with both kinds of containers.

The kernels are those of Debian's packages, from the sources of packages that this host is configured with. They are
kept below the cache directory that tests/guest/image.py uses, as they lie on a host: vmlinuz, lib/modules/RELEASE.
"""
import fcntl
import fnmatch
import functools
import glob
import hashlib
import os
import shutil
import sys
import tempfile

from harness import Skip

sys.path.append(f"{os.path.dirname(os.path.abspath(__file__))}/guest")

from image import Unavailable, cache, run, unpacked

# Its file systems: virtiofs, and not 9p. What of the generic kernel is a module takes longer to load.
CLOUD, GENERIC = "linux-image-cloud-amd64", "linux-image-amd64"
HYPERVISOR = "/usr/bin/qemu-system-x86_64"
MIB = 1 << 20
MEMORY = 256 * MIB
# A machine that is emulated needs seconds where a process needs milliseconds.
SLOWNESS = 5
# Seconds for a test with one machine or two, on a host that does other things as well.
LIMIT = 150


class Kernel:
    """A kernel's image, and its modules where a distribution has them."""

    def __init__(self, directory):
        self.directory, self.path = directory, f"{directory}/vmlinuz"
        self.release, = os.listdir(f"{directory}/lib/modules")


@functools.cache
def found(package):
    """This package's kernel, or why there is none."""
    made = f"{cache()}/machine-{hashlib.sha256(package.encode()).hexdigest()[:12]}"
    os.makedirs(cache(), exist_ok=True)
    try:
        with open(f"{made}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(made):
                make(made, package)
        return Kernel(made)
    except Unavailable as e:
        return f"no kernel for a guest: {e}"


def kernel(package=CLOUD):
    """The same, but a Skip with the reason."""
    it = missing() or found(package)
    if isinstance(it, str):
        raise Skip(it)
    return it


def available():
    """Called before the tests are, so that only one of them asks the network."""
    return missing() or found(CLOUD)


def missing():
    if os.uname().machine != "x86_64":
        return "the guest is a machine of another kind"
    if os.geteuid() != 0:
        return "needs root"
    return None if os.access(HYPERVISOR, os.X_OK) else "not installed: qemu-system-x86"


def make(made, package):
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        files = unpacked(work, [package])
        os.makedirs(f"{work}/made/lib")
        modules, = glob.glob(f"{files}/lib/modules") + glob.glob(f"{files}/usr/lib/modules")
        image, = glob.glob(f"{files}/boot/vmlinuz*") + glob.glob(f"{modules}/*/vmlinuz*")
        shutil.copy(image, f"{work}/made/vmlinuz")
        os.rename(modules, f"{work}/made/lib/modules")
        release, = os.listdir(f"{work}/made/lib/modules")
        if shutil.which("depmod"):
            run("depmod", "-b", f"{work}/made", release)
        os.rename(f"{work}/made", made)


def ask(config, kernel):
    """The configuration asks for a machine, with what such a one needs; what it says of it already stays."""
    vm = config.setdefault("vm", {})
    vm.setdefault("kernel", {}).setdefault("path", kernel.path)
    limits = config["linux"].get("resources", {}).get("memory", {})
    if "hwconfig" not in vm and "limit" not in limits:
        vm.setdefault("hwConfig", {}).setdefault("memory", MEMORY)
    namespaces = config["linux"].setdefault("namespaces", [])
    if not any(n["type"] == "network" for n in namespaces):
        namespaces.append({"type": "network"})


# --- the tests that run with both kinds of containers

HERE = f"{os.path.dirname(os.path.abspath(__file__))}/machine"


def patterns():
    """Which tests are run once more with machines."""
    return _lines("tests")


def differences():
    """[(reason, [pattern])] of the tests that cannot be the same in a machine."""
    rows = []
    for line in _lines("differences"):
        if line[0] == " ":
            rows[-1][1].append(line.strip())
        else:
            rows.append((line, []))
    return rows


def _lines(file):
    with open(f"{HERE}/{file}") as f:
        return [line.rstrip() for line in f if line.strip() and line[0] != "#"]


def difference(name):
    """Why this test is not run with machines, or None."""
    for reason, patterns in differences():
        if any(fnmatch.fnmatchcase(name, p) for p in patterns):
            return reason
    return None


def table():
    """The differences, as tests/README.md shows them."""
    rows = ["| what is other in a machine | tests |", "|---|---|"]
    for reason, names in differences():
        rows.append(f"| {reason} | {'; '.join(f'`{n}`' for n in names)} |")
    return "\n".join(rows) + "\n"
