# SPDX-License-Identifier: Apache-2.0
"""hozo inside a container of hozo: as root of the host, in a user namespace, and with a masked /proc."""
import os

from bundle import Bundle
from harness import same, test
from neighbour import CAPABILITIES

MAPPINGS = {kind: [{"containerID": 0, "hostID": 100000, "size": 65536}] for kind in ("uidMappings", "gidMappings")}


LESS = {kind: [{"containerID": 0, "hostID": 0, "size": 1000}] for kind in MAPPINGS}


def bind_the_masked(b):
    b.without_namespace("pid")
    for m in b.config["mounts"]:
        if m["destination"] in ("/proc", "/sys"):
            m.update({"type": "bind", "source": m["destination"], "options": ["rbind"]})
    unmasked(b)


def outer(box, script):
    """A container with all capabilities, in which hozo and its bundle are where they are on the host."""
    b = box.bundle(script)
    b.capabilities(*CAPABILITIES)
    b.process["noNewPrivileges"] = False
    b.process["env"].append(f"HOZO={box.runtime} --root /run/states")
    b.config["root"]["readonly"] = False
    del b.linux["resources"]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "ro" or m["type"] == "sysfs"]
    prefix = os.path.dirname(os.path.dirname(box.runtime))
    for directory in ("/usr", "/lib", "/lib64", prefix):
        if os.path.isdir(directory):
            b.bind(directory, directory, "ro")
    b.mount("/run")
    os.makedirs(f"{b.rootfs}/etc", exist_ok=True)
    return b


def inner(outer_bundle, program):
    """Its bundle lies in the outer one's root file system, at /inner. Only root of the host may make it control
    groups here: nothing was delegated."""
    b = Bundle(f"{outer_bundle.rootfs}/inner", program, "inner")
    if "uidMappings" in outer_bundle.linux:
        del b.linux["cgroupsPath"]
    b.config["root"]["readonly"] = False
    b.config["linux"].pop("resources")
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    return b


def unmasked(b):
    b.linux["maskedPaths"], b.linux["readonlyPaths"] = [], []


def in_user_namespace(b, mappings=MAPPINGS):
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update(mappings)


def owned(b):
    for directory, _, files in os.walk(b.rootfs):
        for name in (directory, *(f"{directory}/{f}" for f in files)):
            os.lchown(name, 100000, 100000)


LIFE = """set -e
$HOZO run --bundle /inner a
$HOZO run --detach --bundle /inner2 b >/dev/null
$HOZO exec b sh -c 'echo exec as $(id -u) in $(hostname)'
$HOZO kill b KILL
while ! $HOZO state b | grep -q stopped; do sleep 0.1; done
$HOZO delete b
test -z "$($HOZO list -q)"
"""


def both(b, prepare=lambda b: None):
    """The two inner bundles of LIFE."""
    first = inner(b, "echo inner $(id -u) $$ $(hostname)")
    prepare(first)
    first.write()
    os.makedirs(f"{b.rootfs}/inner2")
    second = first
    second.program("exec sleep 100")
    second.config["root"]["path"] = "/inner/rootfs"
    second.path = f"{b.rootfs}/inner2"
    second.write()


@test(timeout=60)
def in_a_container_with_all_capabilities(box):
    b = outer(box, LIFE)
    both(b)
    same(box.run(b, timeout=50).ok().out.splitlines(), ["inner 0 1 tenon", "exec as 0 in tenon"])


@test(timeout=60)
def in_a_user_namespace(box):
    b = outer(box, LIFE)
    in_user_namespace(b)
    unmasked(b)
    both(b)
    owned(b)
    same(box.run(b, timeout=50).ok().out.splitlines(), ["inner 0 1 tenon", "exec as 0 in tenon"])


@test(timeout=60)
def a_user_namespace_in_a_user_namespace(box):
    b = outer(box, LIFE)
    in_user_namespace(b)
    unmasked(b)
    both(b, lambda i: in_user_namespace(i, LESS))
    owned(b)
    same(box.run(b, timeout=50).ok().out.splitlines(), ["inner 0 1 tenon", "exec as 0 in tenon"])


@test(timeout=60)
def a_masked_proc_cannot_be_mounted_anew_in_another_user_namespace(box):
    """The kernel's rule: a new procfs would show what is masked. A bind of the masked one works."""
    b = outer(box, "$HOZO run --bundle /inner a; echo $?; $HOZO run --bundle /inner2 a")
    in_user_namespace(b)
    i = inner(b, "echo inner $(id -u) $(hostname)")
    in_user_namespace(i, LESS)
    i.write()
    bind_the_masked(i)
    i.config["root"]["path"] = "/inner/rootfs"
    i.path = f"{b.rootfs}/inner2"
    os.makedirs(i.path)
    i.write()
    owned(b)
    r = box.run(b, timeout=50).ok()
    same(r.out.splitlines(), ["1", "inner 0 tenon"])
    r.says("mounts[0]", "mount proc to /proc", "operation not permitted")


@test(timeout=60)
def exec_and_sysctl_with_a_masked_proc_in_a_user_namespace(box):
    b = outer(box, "$HOZO run --detach --bundle /inner a && $HOZO exec a cat /proc/sys/net/ipv4/ip_default_ttl")
    in_user_namespace(b)
    i = inner(b, "exec sleep 100")
    in_user_namespace(i, LESS)
    bind_the_masked(i)
    i.linux["sysctl"] = {"net.ipv4.ip_default_ttl": "99"}
    i.write()
    b.linux["readonlyPaths"] = []
    owned(b)
    same(box.run(b, timeout=50).ok().out, "99\n")
