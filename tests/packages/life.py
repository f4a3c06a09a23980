# SPDX-License-Identifier: Apache-2.0
"""Packages that come, go and change while containers are there."""
import glob
import os

import host
from fresh_debian import Debian
from harness import same, test
from network import device, names, own_namespace
from package_build import SOURCE, command, field, needs, packages

LIMIT = 120
NETDEV = "hozo-plugin-netdev"
NEWER = "+newer"


def installed(box):
    """In a network namespace of its own with a device for containers."""
    own_namespace()
    device("veth")
    debian = Debian(box)
    debian.install(packages()["hozo"], packages()[NETDEV])
    return debian


def with_device(box, program="sleep 1000", name="d0"):
    b = box.bundle(program)
    b.linux["netDevices"] = {name: {"name": "net0"}}
    return b


def repacked(box, package, replace=lambda directory: None):
    """The same package with a higher version, and with what is replaced in it."""
    deb, directory = packages()[package], f"{box.dir}/newer"
    version = field(deb, "Version")
    command("dpkg-deb", "--raw-extract", deb, directory)
    replace(directory)
    with open(f"{directory}/DEBIAN/control") as f:
        text = f.read()
    with open(f"{directory}/DEBIAN/control", "w") as f:
        f.write(text.replace(f"Version: {version}\n", f"Version: {version}{NEWER}\n"))
    os.remove(f"{directory}/DEBIAN/md5sums")
    newer = f"{box.dir}/{package}{NEWER}.deb"
    command("dpkg-deb", "--build", "--root-owner-group", directory, newer)
    return newer


def rebuilt(directory):
    """Of the same sources, as another version."""
    needs("gcc", "pkg-config")
    sources = [s for s in glob.glob(f"{SOURCE}/plugins/netdev/*.c") if not s.endswith("_test.c")]
    flags = command("pkg-config", "--cflags", "--libs", "libnl-route-3.0").split()
    target, = glob.glob(f"{directory}/usr/lib/*/hozo/plugins/linux.netDevices.so")
    command("gcc", "-shared", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", f'-DHOZO_PLUGIN_VERSION="{NEWER}"',
            f"-I{SOURCE}", f"-I{SOURCE}/include", *sources, "-o", target, *flags, "-Wl,-z,now,-z,relro")
    os.chmod(target, 0o644)


def version(debian):
    return debian("hozo", "plugin", "info", "linux.netDevices").split("\n")[0]


def half_made(box, id, name="d0"):
    """A container of which `create` was killed; the device is with it, and comes back only by who knows how."""
    b = with_device(box, name=name)
    b.hook("createRuntime", b.script("hook", "#!/bin/sh\nkill -9 $PPID\n"))
    box.create(b, id=id).ends(-9)
    assert name not in names(), names()


@test(timeout=LIMIT)
def a_plugin_is_upgraded_under_containers(box):
    debian = installed(box)
    pid = box.running(with_device(box))
    same(names(pid), ["lo", "net0"])
    device("veth", "d1")
    half_made(box, "half", "d1")
    assert NEWER not in version(debian)
    debian.install(repacked(box, NETDEV, rebuilt))
    assert NEWER in version(debian), version(debian)
    assert host.alive(pid)
    same(names(pid), ["lo", "net0"])
    same(box.exec("echo", "in").ok().out, "in\n")
    box.hozo("delete", "--force", "c1").ok()
    # What the older one has moved, the newer one brings back.
    box.hozo("delete", "--force", "half").ok()
    assert "d1" in names(), names()
    box.nothing_left()


@test(timeout=LIMIT)
def the_runtime_is_upgraded_under_containers(box):
    debian = installed(box)
    pid = box.running(with_device(box))
    debian.install(repacked(box, "hozo"))
    same(debian.installed()["hozo"].endswith(NEWER), True)
    same(box.state()["status"], "running")
    same(box.exec("echo", "in").ok().out, "in\n")
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    assert not host.alive(pid)
    box.hozo("delete", "c1").ok()
    box.nothing_left()


@test(timeout=LIMIT)
def a_plugin_is_removed_before_delete(box):
    debian = installed(box)
    half_made(box, "c1")
    debian.apt("remove", NETDEV)
    box.hozo("delete", "--force", "c1").ends(0).says("netdev", "hozo plugin clean")
    box.unknown()
    debian.install(packages()[NETDEV])
    box.hozo("plugin", "clean").ok()
    assert "d0" in names(), names()
    box.nothing_left()


@test(timeout=LIMIT)
def what_is_missing_is_installed_by_the_name_that_the_error_tells(box):
    own_namespace()
    device("veth")
    debian = Debian(box)
    debian.install(packages()["hozo"])
    b = with_device(box, "ls /sys/class/net")
    r = box.create(b).fails("linux.netDevices.d0")
    package = r.err.split("install ")[1].strip()
    debian.install(packages()[package])
    same(box.run(b).ok().out.split(), ["lo", "net0"])
    box.nothing_left()
