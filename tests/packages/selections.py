# SPDX-License-Identifier: Apache-2.0
"""Some of the packages on a fresh Debian: what hozo can do then, and which package it asks for."""
import json

from fresh_debian import Debian
from harness import same, test
from package_build import packages, plugins

LIMIT = 120
ALL = sorted(set(plugins()) - {"hozo"})
SELECTIONS = {
    "hozo alone": [],
    "rdt": ["hozo-plugin-rdt"],
    "numa and netdev": ["hozo-plugin-numa", "hozo-plugin-netdev"],
    "all": ["hozo-plugins", *ALL],
}

# What of `hozo features` a package switches on.
FEATURES = {
    "hozo": [("linux.cgroup.v1", True), ("linux.cgroup.v2", True), ("linux.cgroup.systemd", False)],
    "hozo-plugin-apparmor": [("linux.apparmor.enabled", True)],
    "hozo-plugin-freebsd": [],
    "hozo-plugin-netdev": [("linux.netDevices.enabled", True)],
    "hozo-plugin-numa": [("linux.memoryPolicy.modes", True)],
    "hozo-plugin-rdt": [("linux.intelRdt.enabled", True)],
    "hozo-plugin-seccomp": [("linux.seccomp.enabled", True)],
    "hozo-plugin-selinux": [("linux.selinux.enabled", True)],
    "hozo-plugin-systemd": [("linux.cgroup.systemd", True)],
    "hozo-plugin-vm": [],
}

# A member of config.json that takes this package, and a value. Nothing of it is done: `check` only looks.
SERVES = {
    "hozo": [("linux.resources.pids.limit", 100)],
    "hozo-plugin-apparmor": [("process.apparmorProfile", "unconfined")],
    "hozo-plugin-freebsd": [("freebsd.jail.host", "new")],
    "hozo-plugin-netdev": [("linux.netDevices", {"eth7": {"name": "net0"}})],
    "hozo-plugin-numa": [("linux.memoryPolicy.mode", "MPOL_LOCAL")],
    "hozo-plugin-rdt": [("linux.intelRdt.closID", "a")],
    "hozo-plugin-seccomp": [("linux.seccomp.defaultAction", "SCMP_ACT_ALLOW")],
    "hozo-plugin-selinux": [("process.selinuxLabel", "a"), ("linux.mountLabel", "a")],
    "hozo-plugin-vm": [("vm.kernel.path", "/boot/vmlinuz")],
}


def put(config, path, value):
    *around, last = path.split(".")
    for name in around:
        config = config.setdefault(name, {})
    config[last] = value


def get(features, path):
    for name in path.split("."):
        features = features.get(name, {})
    return bool(features)


def features_are_those_of(box, chosen):
    features = json.loads(box.hozo("features").ok().out)
    expected = {path: False for rows in FEATURES.values() for path, _ in rows}
    expected.update({path: True for package in chosen for path, on in FEATURES[package] if on})
    same({path: get(features, path) for path in expected}, expected)


def errors_name_what_is_missing(box, chosen):
    for package, rows in SERVES.items():
        for path, value in rows:
            b = box.bundle()
            put(b.config, path, value)
            if package in ("hozo-plugin-freebsd", "hozo-plugin-vm") or package in chosen:
                # These take more than one member: who serves it is told all the same.
                said = box.hozo("check", "--bundle", b.write().path).out
                lines = [line for line in said.splitlines() if line.startswith(path)]
                assert lines, f"nothing about {path}\n{said}"
                missing = [line for line in lines if f"no installed plugin serves this; install {package}" in line]
                same(bool(missing), package not in chosen, "\n".join(lines))
            else:
                box.create(b).fails(f"{path.rsplit('.', 1)[0]}", f"no installed plugin serves this; install {package}")
    if "hozo-plugin-systemd" not in chosen:
        b = box.bundle()
        b.linux["cgroupsPath"] = "system.slice:hozo:c1"
        box.hozo("--systemd-cgroup", "create", "--bundle", b.write().path, "c1").fails("install hozo-plugin-systemd")


@test(cases=SELECTIONS, timeout=LIMIT)
def a_fresh_debian_can_what_is_installed(box, chosen):
    debian = Debian(box)
    debian.install(packages()["hozo"], *(packages()[p] for p in chosen))
    chosen = {"hozo", *chosen}
    same({p for p in debian.installed() if p.startswith("hozo")}, chosen)
    chosen &= set(FEATURES)
    same(sorted(debian("sh", "-c", "ls /usr/lib/*/hozo/plugins").split()),
         sorted(file for package in chosen for file in plugins()[package]))
    features_are_those_of(box, chosen)
    errors_name_what_is_missing(box, chosen)
    same(box.run("cat /proc/1/comm; cat /proc/self/cgroup >&2").ok().out, "sh\n")
    box.nothing_left()


@test(timeout=LIMIT)
def each_plugin_names_the_package_that_it_is_in(box):
    debian = Debian(box)
    debian.install(*packages().values())
    for package, files in plugins().items():
        for file in files:
            info = debian("hozo", "plugin", "info", file.removesuffix(".so"))
            named = "hozo-plugin-cgroup" if package == "hozo" else package
            assert named in info.split(), f"{file}: not {named}\n{info}"


@test(timeout=LIMIT)
def a_plugin_alone_is_not_installed(box):
    debian = Debian(box)
    try:
        debian.install(packages()["hozo-plugin-rdt"])
    except AssertionError as e:
        assert "hozo-plugin-abi" in str(e), e
    else:
        raise AssertionError("it was installed without hozo")


@test(timeout=LIMIT)
def what_is_purged_leaves_nothing(box):
    debian = Debian(box)
    debian.install(*packages().values())
    box.run("true").ok()
    debian.apt("purge", *packages())
    same(debian("find", "/usr", "/etc", "/var/lib/dpkg/info", "-name", "*hozo*").split(), [])
