# SPDX-License-Identifier: Apache-2.0
"""The propagation of the root, and roots of mount namespaces that exist already."""
import os

import host
from harness import same, test

MS_SHARED, MS_BIND = 1 << 20, 4096


def mount(source, point, fstype=b"tmpfs", flags=0):
    source = source.encode() if source else None
    same(host.libc.mount(source, point.encode(), fstype, flags, None), 0, point)


def shared_host():
    """As most hosts are: every mount has peers, and the container's tree begins as a copy of these."""
    host.private_mounts()
    mount(None, "/", None, MS_SHARED | host.MS_REC)


def points():
    return [m.point for m in host.mounts()]


def inside(box, id="c1"):
    """Mount point → the topmost mount on it, of a running container."""
    text = box.exec("cat", "/proc/self/mountinfo", id=id).ok().out
    return {m.point: m for m in host.mounts(text)}


def kind(mount):
    return "+".join(sorted(tag.split(":")[0] for tag in mount.tags)) or "private"


def make_rootfs_a_mount(b):
    mount(b.rootfs, b.rootfs, None, MS_BIND)


def leave(b):
    host.detach(b.rootfs)


PROPAGATIONS = {"": "master", "slave": "master", "rslave": "master", "private": "private", "rprivate": "private",
                "unbindable": "unbindable", "runbindable": "unbindable", "shared": "shared", "rshared": "shared"}


@test(cases={f"{where}, {wanted or 'by default'}": (where, wanted)
             for where in ("a directory", "a mount") for wanted in PROPAGATIONS})
def a_root_has_its_propagation(box, case):
    where, wanted = case
    shared_host()
    b = box.bundle("sleep 100")
    if wanted:
        b.linux["rootfsPropagation"] = wanted
    if where == "a mount":
        make_rootfs_a_mount(b)
    before = points()
    box.running(b)
    found = inside(box)
    same(points(), before, "on the host")
    box.hozo("delete", "--force", "c1").ok()
    same(points(), before, "on the host, later")
    if where == "a mount":
        leave(b)
    same(kind(found["/"]), PROPAGATIONS[wanted])
    same(kind(found["/dev"]), wanted[1:] if wanted in ("rshared", "runbindable") else "private")


@test
def a_shared_root_lets_a_bind_mount_propagate_both_ways_and_no_other(box):
    shared_host()
    b = box.bundle("mount -t tmpfs out /both/out && mount -t tmpfs lost /alone/lost && "
                   "mount -t tmpfs lost /deep/below/lost && mount -t tmpfs lost /own && sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    b.linux["rootfsPropagation"] = "shared"
    os.mkdir(f"{b.rootfs}/own")
    make_rootfs_a_mount(b)
    for name in ("both", "alone", "deep"):
        os.mkdir(f"{b.path}/{name}")
        mount(name, f"{b.path}/{name}")
    for directory in ("both/out", "both/in", "alone/lost", "deep/below"):
        os.mkdir(f"{b.path}/{directory}")
    mount("below", f"{b.path}/deep/below")
    os.mkdir(f"{b.path}/deep/below/lost")
    b.mount("/both", f"{b.path}/both", "bind", ["rbind", "rshared"])
    b.mount("/alone", f"{b.path}/alone", "bind", ["rbind"])
    b.mount("/deep", f"{b.path}/deep", "bind", ["rbind", "private"])
    before = points()
    try:
        box.running(b)
        host.eventually(lambda: "/own" in inside(box), what="the container's last mount")
        same([p for p in points() if p not in before], [f"{b.path}/both/out"])
        mount("in", f"{b.path}/both/in")
        assert "/both/in" in inside(box)
        box.hozo("delete", "--force", "c1").ok()
    finally:
        for name in ("both/in", "both/out", "both", "alone", "deep/below", "deep"):
            host.detach(f"{b.path}/{name}")
        leave(b)


@test
def a_bind_mount_that_shall_be_shared_is_not_so_below_a_root_that_is_not(box):
    """It is shared inside, with whoever the container gives it to, but a slave of the host's."""
    shared_host()
    b = box.bundle("mount -t tmpfs lost /both/out && sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    os.makedirs(f"{b.path}/both/out")
    mount("both", f"{b.path}/both")
    os.mkdir(f"{b.path}/both/out")
    b.bind(f"{b.path}/both", "/both", "rshared")
    before = points()
    try:
        box.running(b)
        host.eventually(lambda: "/both/out" in inside(box), what="the container's mount")
        same(points(), before)
        same(kind(inside(box)["/both"]), "master+shared")
    finally:
        host.detach(f"{b.path}/both")


@test
def a_shared_root_whose_create_fails_leaves_nothing(box):
    shared_host()
    b = box.bundle(["frobnicate"])
    b.linux["rootfsPropagation"] = "rshared"
    before = points()
    box.create(b).fails("frobnicate")
    same(points(), before)


@test
def a_hook_finds_a_shared_root_where_a_mount_does_not_reach_the_host(box):
    shared_host()
    b = box.bundle("ls /mnt")
    os.mkdir(f"{b.rootfs}/mnt")
    b.linux["rootfsPropagation"] = "shared"
    b.hook("createContainer", b.script("hook", f"#!/bin/sh\nmount -t tmpfs none {b.rootfs}/mnt && touch {b.rootfs}/mnt/x\n"),
           env=["PATH=/usr/bin:/bin"])
    before = points()
    same(box.run(b).ok().out, "x\n")
    same(points(), before)


# --- a mount namespace that is joined

def joining(box, base, program, *kinds):
    """A container without a root of its own, in these namespaces of another."""
    b = box.bundle_beside(base, program)
    pid = box.state()["pid"]
    b.config["root"] = {"path": "/"}
    b.config["mounts"] = []
    del b.linux["maskedPaths"], b.linux["readonlyPaths"]
    for ns in b.linux["namespaces"]:
        if ns["type"] in kinds:
            ns["path"] = f"/proc/{pid}/ns/{ {'mount': 'mnt'}.get(ns['type'], ns['type']) }"
    return b


@test
def a_joined_mount_namespace_gives_its_root_and_is_not_changed(box):
    base = box.bundle("echo mark > /tmp/mark; sleep 100")
    base.mount("/tmp")
    pid = box.running(base)
    host.eventually(lambda: box.exec("cat", "/tmp/mark").code == 0)
    before = box.exec("cat", "/proc/self/mountinfo").ok().out
    b = joining(box, base, "cat /tmp/mark; pwd; echo $HOME; readlink /proc/self/ns/mnt; cat /proc/self/mountinfo",
                "mount", "pid")
    b.process["cwd"] = "/home/ann"
    b.process["user"] = {"uid": 1000, "gid": 1000}
    out = box.run(b, id="c2").ok().out.split("\n", 4)
    same(out[:4], ["mark", "/home/ann", "/home/ann", host.namespace(pid, "mnt")])
    same(out[4], before)
    same(box.exec("cat", "/proc/self/mountinfo").ok().out, before)
    same(box.state()["status"], "running")


@test
def exec_goes_into_a_container_that_joined_its_mount_namespace(box):
    base = box.bundle("sleep 100")
    box.running(base)
    box.running(joining(box, base, "sleep 100", "mount", "pid"), id="c2")
    same(box.exec("readlink", "/proc/self/ns/mnt", id="c2").ok().out, box.exec("readlink", "/proc/self/ns/mnt").ok().out)


@test
def a_terminal_is_one_of_the_joined_mount_namespace(box):
    base = box.bundle("sleep 100")
    box.running(base)
    socket = host.ConsoleSocket(f"{box.dir}/s")
    b = joining(box, base, "tty; ls /dev/pts; sleep 100", "mount", "pid")
    b.process["terminal"] = True
    box.create(b, "--console-socket", socket.path, id="c2").ok()
    terminal = socket.receive()
    box.hozo("start", "c2").ok()
    terminal.read_until(b"/dev/pts/0")


@test
def the_hosts_own_mount_namespace_can_be_joined_and_is_not_changed(box):
    host.private_mounts()
    base = box.bundle("sleep 100")
    box.running(base)
    b = joining(box, base, "exit 3", "pid")
    next(n for n in b.linux["namespaces"] if n["type"] == "mount")["path"] = "/proc/self/ns/mnt"
    before = points()
    box.run(b, id="c2").ends(3)
    same(points(), before)


@test(cases={
    "mounts": (lambda b: b.mount("/tmp"), "mounts"),
    "devices": (lambda b: b.linux.update(devices=[{"path": "/dev/x", "type": "p"}]), "linux.devices"),
    "masked paths": (lambda b: b.linux.update(maskedPaths=["/proc/keys"]), "linux.maskedPaths"),
    "read-only paths": (lambda b: b.linux.update(readonlyPaths=["/proc/sys"]), "linux.readonlyPaths"),
    "a read-only root": (lambda b: b.config["root"].update(readonly=True), "root.readonly"),
    "a propagation": (lambda b: b.linux.update(rootfsPropagation="private"), "linux.rootfsPropagation"),
    "a root": (lambda b: b.config["root"].update(path="/home"), "root.path"),
    "a hook": (lambda b: b.hook("createContainer", "/bin/true"), "hooks.createContainer"),
})
def a_joined_mount_namespace_cannot_be_given(box, case):
    change, path = case
    base = box.bundle("sleep 100")
    box.running(base)
    b = joining(box, base, "true", "mount", "pid")
    change(b)
    box.create(b, id="c2").fails(f"{path}: ")
    box.unknown("c2")


# --- with a user namespace

def mapped(b):
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    return b


@test
def a_shared_root_of_a_user_namespace_is_a_slave_of_the_hosts_at_most(box):
    shared_host()
    b = mapped(box.bundle("mount -t tmpfs lost /both/out && sleep 100"))
    b.capabilities("CAP_SYS_ADMIN")
    b.linux["rootfsPropagation"] = "shared"
    os.mkdir(f"{b.rootfs}/both")
    os.mkdir(f"{b.path}/both")
    mount("both", f"{b.path}/both")
    os.mkdir(f"{b.path}/both/out")
    b.mount("/both", f"{b.path}/both", "bind", ["rbind", "rshared"])
    before = points()
    try:
        box.running(b)
        host.eventually(lambda: "/both/out" in inside(box), what="the container's mount")
        same(points(), before)
        found = inside(box)
        assert "shared" in kind(found["/"]), found["/"].tags
        same(kind(found["/both"]), "master+shared")
    finally:
        box.hozo("delete", "--force", "c1").ok()
        host.detach(f"{b.path}/both")


@test
def a_joined_mount_namespace_of_a_joined_user_namespace(box):
    base = mapped(box.bundle("sleep 100"))
    pid = box.running(base)
    b = joining(box, base, "readlink /proc/self/ns/mnt; readlink /proc/self/ns/user; id -u", "mount", "pid", "user")
    b.linux["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})
    same(box.run(b, id="c2").ok().out.split(), [host.namespace(pid, "mnt"), host.namespace(pid, "user"), "0"])
