# SPDX-License-Identifier: Apache-2.0
"""`features` of a set of plugins: what is removed is no longer told, and nothing else changes."""
import json
import os
import resource

import harness
from harness import Skip, same, test
from plugin_directory import PluginDirectory

# What is told of a section without its plugin: config-linux.md and features-linux.md have the members.
OFF = {"enabled": False}
ABSENT = {
    "linux.intelRdt": {"intelRdt": OFF},
    "linux.memoryPolicy": {"memoryPolicy": {"modes": [], "flags": []}},
    "linux.netDevices": {"netDevices": OFF},
    "linux.seccomp": {"seccomp": OFF},
    "process.apparmorProfile": {"apparmor": OFF},
    "process.selinuxLabel": {"selinux": OFF},
    "linux.mountLabel": {"selinux": OFF},
    "+cgroup-manager.systemd": {"cgroup": {"systemd": False, "systemdUser": False}},
    "+cgroup-manager.cgroupfs": {"cgroup": {"v1": False, "v2": False, "rdma": False}},
    "linux.resources": {"cgroup": {"v1": False, "v2": False, "rdma": False}},
    "linux.cgroupsPath": {"cgroup": {"v1": False, "v2": False, "rdma": False}},
    "annotations.hozo.vm": {},  # features-linux.md has no member for vm
    "annotations.org.freebsd": {},  # nor for freebsd
}


def plugins_of(directory):
    """The names under which each file is installed."""
    sets = {}
    for name in sorted(os.listdir(directory.path)):
        sets.setdefault(os.path.realpath(f"{directory.path}/{name}"), []).append(name.removesuffix(".so"))
    return list(sets.values())


def merged(linux, change):
    return {**linux, **{k: {**linux[k], **v} if k == "cgroup" else v for k, v in change.items()}}


@test(sanitized=False, timeout=60)
def each_plugin_takes_what_is_told_of_it_away(box):
    everything = PluginDirectory(box, installed=True)
    before = everything.features()
    listed = before["annotations"]["hozo.plugins"].split(", ")
    assert len(plugins_of(everything)) == len(listed), (plugins_of(everything), listed)
    for number, names in enumerate(plugins_of(everything)):
        less = PluginDirectory(box, installed=True, name=f"without-{number}")
        less.without(*names)
        after = less.features()
        same(after["linux"], merged(before["linux"], ABSENT[names[0]]), names[0])
        left = after["annotations"]["hozo.plugins"].split(", ")
        same(len(left), len(listed) - 1, names[0])
        assert set(left) < set(listed), names[0]
        assert after["annotations"]["hozo.plugins.digest"] != before["annotations"]["hozo.plugins.digest"], names[0]
        same({k: v for k, v in after.items() if k in ("hooks", "mountOptions", "ociVersionMin", "ociVersionMax")},
             {k: v for k, v in before.items() if k in ("hooks", "mountOptions", "ociVersionMin", "ociVersionMax")})
        for key in ("io.github.seccomp.libseccomp.version",):
            same(key in after["annotations"], key in before["annotations"] and "linux.seccomp" not in names)


@test(sanitized=False)
def without_any_plugin_there_is_the_core(box):
    none = PluginDirectory(box, installed=True)
    everything = none.features()
    none.without(*(n for names in plugins_of(none) for n in names))
    f = none.features()
    same(f["annotations"]["hozo.plugins"], "")
    same(f["potentiallyUnsafeConfigAnnotations"], [])
    for section in ("seccomp", "apparmor", "selinux", "intelRdt", "netDevices"):
        same(f["linux"][section], OFF, section)
    same(set(f["linux"]["cgroup"].values()), {False})
    for member in ("namespaces", "capabilities", "mountExtensions"):
        same(f["linux"][member], everything["linux"][member])


def processor(command):
    """The least seconds of a processor that it took."""
    seconds = []
    for _ in range(20):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command().ok()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


@test(sanitized=False)
def it_answers_at_once(box):
    """Engines ask when they start. 10 ms more than to say its version, which any program takes to start here, and of
    a processor, so that it does not matter who else is busy."""
    everything = PluginDirectory(box, installed=True)
    seconds = processor(lambda: everything.hozo("features")) - processor(lambda: box.hozo("--version"))
    assert seconds < 0.010 * harness.patience, seconds


@test(sanitized=False)
def it_is_valid_as_the_specification_has_it(box):
    directory = os.environ.get("HOZO_SPEC_SCHEMA")
    if not directory:
        raise Skip("HOZO_SPEC_SCHEMA names no directory with the specification's schema")
    try:
        import jsonschema
    except ImportError:
        raise Skip("python has no jsonschema")
    with open(f"{directory}/features-schema.json") as f:
        schema = json.load(f)
    resolver = jsonschema.RefResolver(f"file://{os.path.abspath(directory)}/", schema)
    everything = PluginDirectory(box, installed=True)
    for names in [[], *plugins_of(everything)]:
        less = PluginDirectory(box, installed=True, name=f"without-{'-'.join(names)[:40]}")
        less.without(*names)
        jsonschema.validate(less.features(), schema, resolver=resolver)
