# SPDX-License-Identifier: Apache-2.0
"""The seccomp profile that Debian's containers-common ships, as `linux.seccomp` of a container.

The file has rules for all architectures and all capabilities; an engine takes those which concern the container
at hand (github.com/containers/common, pkg/seccomp). This does the same.
"""
import errno
import json
import os
import platform

FILE = "/usr/share/containers/seccomp.json"
PACKAGE = "golang-github-containers-common"

# What podman gives a container that asks for nothing.
CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
                "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT")

# What `arches` of a rule calls a machine, and what `architectures` does.
MACHINES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
            "s390x": ("s390x", "SCMP_ARCH_S390X"), "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
            "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE")}


def is_there():
    return os.path.exists(FILE)


def concerns(rule, machine, capabilities):
    only, never = rule.get("includes") or {}, rule.get("excludes") or {}
    return not ((only.get("arches") and machine not in only["arches"])
                or not set(only.get("caps") or ()) <= set(capabilities)
                or machine in (never.get("arches") or ())
                or set(never.get("caps") or ()) & set(capabilities))


def converted(rule):
    result = {"names": rule["names"], "action": rule["action"]}
    if rule.get("errno"):
        result["errnoRet"] = getattr(errno, rule["errno"])
    elif rule.get("errnoRet") is not None:
        result["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        result["args"] = rule["args"]
    return result


def default_profile(capabilities=CAPABILITIES, file=FILE):
    """For a container with these capabilities on this machine."""
    with open(file) as f:
        profile = json.load(f)
    machine, native = MACHINES[platform.machine()]
    architectures = [native]
    for row in profile.get("archMap") or ():
        if row["architecture"] == native:
            architectures += row.get("subArchitectures") or ()
    result = {"defaultAction": profile["defaultAction"], "architectures": architectures,
              "syscalls": [converted(r) for r in profile["syscalls"] if concerns(r, machine, capabilities)]}
    if profile.get("defaultErrnoRet") is not None:
        result["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return result


if __name__ == "__main__":
    print(json.dumps(default_profile(), indent=1))
