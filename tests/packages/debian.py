# SPDX-License-Identifier: Apache-2.0
"""The packages for Debian, as they are built: what is in them, and what they ask for."""
import os
import re

from harness import LONG, same, test
from package_build import SOURCE, command, contents, debian, field, needs, packages, plugins, rows

# But for the C library, of which every one says the version, and the plugins' interface.
DEPENDS = {
    "hozo": {"libcap2", "libcjson1"},
    "hozo-plugin-dev": set(),
    "hozo-plugin-apparmor": set(),
    "hozo-plugin-freebsd": set(),
    "hozo-plugin-netdev": {"libnl-3-200", "libnl-route-3-200"},
    "hozo-plugin-numa": set(),
    "hozo-plugin-rdt": set(),
    "hozo-plugin-seccomp": {"libseccomp2"},
    "hozo-plugin-selinux": set(),
    "hozo-plugin-systemd": {"libsystemd0"},
    "hozo-plugin-vm": set(),
}
ALL = "hozo-plugins"
INTERFACE = "hozo-plugin-abi"


def names(relation):
    return {re.match(r"[\w.+-]+", part.strip()).group() for part in relation.split(",") if part.strip()}


# The first, as all others need what it makes: it takes long, and those that take longest are begun first.
@test(timeout=LONG + 1)
def they_are_built_without_a_network(box):
    same(set(packages()), {package for package, _ in rows()} | {ALL})
    same({n.split("_")[0].removesuffix("-dbgsym") for n in os.listdir(debian()) if "-dbgsym_" in n}, set(plugins()))


@test(timeout=300)
def lintian_finds_nothing(box):
    needs("lintian")
    changes, = (f"{debian()}/{n}" for n in os.listdir(debian()) if n.endswith(".changes"))
    said = command("lintian", "--allow-root", "--fail-on", "none", "--tag-display-limit", "0", changes)
    same([line for line in said.splitlines() if line[:2] in ("E:", "W:")], [])


@test
def each_depends_on_what_it_needs_and_on_nothing_else(box):
    debs = packages()
    for package, expected in DEPENDS.items():
        asked = names(field(debs[package], "Depends"))
        interface = {INTERFACE} if package in plugins() and package != "hozo" else set()
        same(asked - {"libc6"}, expected | interface, package)
    same(names(field(debs[ALL], "Depends")), set(plugins()))


@test
def the_runtime_provides_the_interface_that_plugins_ask_for(box):
    debs = packages()
    provided = dict(re.findall(r"([\w-]+) \(= ([^)]*)\)", field(debs["hozo"], "Provides")))
    same(set(provided), {INTERFACE, "hozo-plugin-cgroup"})
    same(provided["hozo-plugin-cgroup"], field(debs["hozo"], "Version"))
    for package in set(plugins()) - {"hozo"}:
        wanted, = re.findall(INTERFACE + r" \((=|>=) ([^)]*)\)", field(debs[package], "Depends"))
        same(wanted[1], provided[INTERFACE], package)


@test
def versions_are_those_of_the_build(box):
    """What a distributor takes over says what it packs."""
    with open(f"{SOURCE}/meson.build") as f:
        version, = re.findall(r"^  version: '([^']*)'", f.read(), re.M)
    with open(f"{SOURCE}/include/hozo/plugin.h") as f:
        interface = ".".join(re.findall(r"^#define HOZO_ABI_M\w+ +(\d+)", f.read(), re.M))
    debs = packages()
    same({field(deb, "Version").rpartition("-")[0] for deb in debs.values()}, {version})
    assert f"{INTERFACE} (= {interface})" in field(debs["hozo"], "Provides")
    with open(f"{SOURCE}/packaging/rpm/hozo.spec") as f:
        spec = f.read()
    same((re.findall(r"^Version: +(\S+)", spec, re.M), re.findall(r"^%global abi (\S+)", spec, re.M)),
         ([version], [interface]))


@test
def nothing_runs_when_one_is_installed(box):
    for package, deb in packages().items():
        command("dpkg-deb", "--control", deb, f"{box.dir}/{package}")
        same(set(os.listdir(f"{box.dir}/{package}")), {"control", "md5sums"}, package)


@test
def every_object_is_hardened(box):
    for package in plugins():
        command("dpkg-deb", "--extract", packages()[package], f"{box.dir}/{package}")
        for path in contents(packages()[package]):
            object_ = f"{box.dir}/{package}{path}"
            if os.path.islink(object_) or not (path.endswith(".so") or "/bin/" in path):
                continue
            said = command("readelf", "--wide", "--file-header", "--dynamic", "--program-headers", object_)
            assert re.search(r"Type: +DYN", said), f"{path} has a fixed address\n{said}"
            assert "GNU_RELRO" in said and re.search(r"FLAGS.* (BIND_)?NOW", said), f"{path} may be written\n{said}"
            assert re.search(r"GNU_STACK.* RW +0x", said), f"{path} has an executable stack\n{said}"
            assert "RPATH" not in said and "RUNPATH" not in said, f"{path} names directories\n{said}"
