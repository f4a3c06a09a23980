# SPDX-License-Identifier: Apache-2.0
"""Namespaces with a path that leads to hozo's own: what the configuration sets in them would be set on the host."""
import os

from harness import same, test

FILES = {"network": "net"}


def joins_own(box, kind):
    b = box.bundle()
    b.without_namespace(kind)
    b.linux["namespaces"].append({"type": kind, "path": f"/proc/self/ns/{FILES.get(kind, kind)}"})
    return b


def of_host():
    with open("/proc/sys/net/ipv4/ip_default_ttl") as ttl, open("/proc/sys/kernel/msgmax") as msgmax:
        return os.uname().nodename, ttl.read(), msgmax.read()


@test(cases={"a host name": ("uts", None, "hostname"),
             "a setting of the network": ("network", "net.ipv4.ip_default_ttl", 'linux.sysctl["net.ipv4.ip_default_ttl"]'),
             "a setting of ipc": ("ipc", "kernel.msgmax", 'linux.sysctl["kernel.msgmax"]')})
def nothing_is_changed_there(box, case):
    kind, sysctl, path = case
    before = of_host()
    b = joins_own(box, kind)
    if sysctl:
        b.linux["sysctl"] = {sysctl: "77"}
    box.create(b).fails(path, "would change the host")
    same(of_host(), before)
    box.nothing_left()


@test
def a_setting_of_another_namespace_is_no_error(box):
    b = joins_own(box, "network")
    b.linux["sysctl"] = {"kernel.msgmax": "7777"}
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "sysfs"]
    b.program("cat /proc/sys/kernel/msgmax")
    same(box.run(b).ok().out, "7777\n")


@test(cases={k: k for k in ("uts", "network", "ipc")})
def joining_alone_is_no_error(box, kind):
    b = joins_own(box, kind)
    b.config.pop("hostname")
    box.run(b).ok()
