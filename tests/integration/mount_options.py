# SPDX-License-Identifier: Apache-2.0
"""Each option of the table in config.md, as a container finds it in its mountinfo. A row is an option, on
which mounts it is tried, and what is there then: on the mount itself, and on one below it."""
import json
import os

import host
from harness import same, test

MS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "nosymfollow": 256, "noatime": 1024, "nodiratime": 2048,
      "strictatime": 1 << 24}
MS_SHARED = 1 << 20

FLAGS = {"ro": "rw", "nosuid": "suid", "nodev": "dev", "noexec": "exec", "nodiratime": "diratime",
         "nosymfollow": "symfollow"}
TIMES = {"atime": "relatime", "relatime": "relatime", "nostrictatime": "relatime", "noatime": "noatime",
         "strictatime": None, "norelatime": None}
OTHER_TIME = {"relatime": "noatime", "noatime": "strictatime", None: "noatime"}
KINDS = {"shared": "shared:", "slave": "master:", "private": None, "unbindable": "unbindable"}


def source(box, *attributes, peers=False):
    """A file system of the host with another one below it, both with these attributes."""
    host.private_mounts()
    path, flags = f"{box.dir}/source", sum(MS[a] for a in attributes)
    os.mkdir(path)
    for point in (path, f"{path}/below"):
        os.makedirs(point, exist_ok=True)
        same(host.libc.mount(b"none", point.encode(), b"tmpfs", 0, None), 0)
    # From the inside out: nothing can be made in what is read-only already.
    for point in (f"{path}/below", path):
        same(host.libc.mount(None, point.encode(), None, 32 | 4096 | flags, None), 0)
        if peers:
            same(host.libc.mount(None, point.encode(), None, MS_SHARED, None), 0)
    return path


def seen(box, bundle):
    """Mount point → the topmost mount on it, as a program inside sees it."""
    bundle.program(["cat", "/proc/self/mountinfo"])
    return {m.point: m for m in host.mounts(box.run(bundle).ok().out)}


def bound(box, path, *options):
    b = box.bundle()
    b.mount("/mnt", path, "bind", options)
    try:
        found = seen(box, b)
    finally:
        for point in (f"{path}/below", path):
            host.detach(point)
    return found["/mnt"], found.get("/mnt/below")


def made(box, *options):
    b = box.bundle()
    b.mount("/mnt", options=options)
    return seen(box, b)["/mnt"]


def has(mount, flag):
    return flag in mount.options


def time(mount):
    return next((word for word in ("noatime", "relatime") if has(mount, word)), None)


# --- the rows

def set_attribute(flag):
    def check(box):
        top, below = bound(box, source(box), "rbind", flag)
        assert has(top, flag) and not has(below, flag), (top.options, below.options)
    return check


def set_attribute_of_all(flag):
    def check(box):
        top, below = bound(box, source(box), "rbind", "r" + flag)
        assert has(top, flag) and has(below, flag), (top.options, below.options)
    return check


def clear_attribute(flag):
    def check(box):
        top, below = bound(box, source(box, *FLAGS), "rbind", FLAGS[flag])
        same([f for f in FLAGS if not has(top, f)], [flag])
        same([f for f in FLAGS if not has(below, f)], [])
    return check


def clear_attribute_of_all(flag):
    def check(box):
        top, below = bound(box, source(box, *FLAGS), "rbind", "r" + FLAGS[flag])
        same([f for f in FLAGS if not has(top, f)], [flag])
        same([f for f in FLAGS if not has(below, f)], [flag])
    return check


def set_time(option, word):
    def check(box):
        top, below = bound(box, source(box, OTHER_TIME[word]), "rbind", option)
        same((time(top), time(below) == word), (word, False))
        same(time(made(box, "noexec", option)), word)
    return check


def set_time_of_all(option, word):
    def check(box):
        top, below = bound(box, source(box, OTHER_TIME[word]), "rbind", "r" + option)
        same((time(top), time(below)), (word, word))
    return check


def tag(mount):
    return next((found for word in ("shared:", "master:", "unbindable") for found in mount.tags
                 if found.startswith(word)), None)


def is_kind(mount, kind):
    word = KINDS[kind]
    return tag(mount) is None if word is None else (tag(mount) or "").startswith(word)


def propagate(kind, option):
    """A peer of the host's is a slave inside, unless something else is said; what is new is private."""
    def check(box):
        top, below = bound(box, source(box, peers=True), "rbind", option)
        assert is_kind(top, kind), top.tags
        recursive = option.startswith("r")
        assert is_kind(below, kind if recursive else "slave"), below.tags
        new = made(box, option)
        assert is_kind(new, "private" if kind == "slave" else kind), new.tags
    return check


def super_option(name):
    def check(box):
        assert name in made(box, name).super_options
        assert name not in made(box).super_options
    return check


def not_super_option(name, opposite):
    def check(box):
        assert opposite not in made(box, opposite, name).super_options
    return check


def nothing(name):
    def check(box):
        plain, with_it = made(box, "noexec", "mode=711"), made(box, "noexec", "mode=711", name)
        same((with_it.options, with_it.super_options), (plain.options, plain.super_options))
    return check


def noiversion(box):
    """mountinfo does not tell of it; but together with tmpcopyup it would be refused."""
    assert has(made(box, "iversion", "noiversion", "tmpcopyup", "noexec"), "noexec")


def bind(box):
    top, below = bound(box, source(box, "noexec"), "bind")
    assert has(top, "noexec") and below is None


def rbind(box):
    top, below = bound(box, source(box, "noexec"), "rbind")
    assert has(top, "noexec") and has(below, "noexec")


def tmpcopyup(box):
    b = box.bundle("cat /etc/here; stat -c %a /etc /etc/here")
    with open(f"{b.rootfs}/etc/here", "w") as f:
        f.write("copied\n")
    os.chmod(f"{b.rootfs}/etc/here", 0o640)
    os.chmod(f"{b.rootfs}/etc", 0o751)
    b.mount("/etc", options=["tmpcopyup"])
    same(box.run(b).ok().out, "copied\n751\n640\n")
    b.config["mounts"][-1]["options"].append("mode=711")
    same(box.run(b).ok().out, "copied\n711\n640\n")


def remount(box):
    b = box.bundle()
    b.mount("/mnt", options=["ro", "nosuid", "size=64k"])
    b.mount("/mnt", "none", "none", ["remount", "rw", "noexec", "noatime", "shared"])
    mount = seen(box, b)["/mnt"]
    assert {"rw", "nosuid", "noexec", "noatime"} <= set(mount.options), mount.options
    assert "size=64k" in mount.super_options and is_kind(mount, "shared"), mount.tags


ROWS = {"bind": bind, "rbind": rbind, "remount": remount, "tmpcopyup": tmpcopyup, "noiversion": noiversion,
        **{name: nothing(name) for name in ("defaults", "silent", "loud", "iversion")}}
for flag_, opposite_ in FLAGS.items():
    ROWS[flag_], ROWS["r" + flag_] = set_attribute(flag_), set_attribute_of_all(flag_)
    ROWS[opposite_], ROWS["r" + opposite_] = clear_attribute(flag_), clear_attribute_of_all(flag_)
for option_, word_ in TIMES.items():
    ROWS[option_], ROWS["r" + option_] = set_time(option_, word_), set_time_of_all(option_, word_)
for kind_ in KINDS:
    ROWS[kind_], ROWS["r" + kind_] = propagate(kind_, kind_), propagate(kind_, "r" + kind_)
for name_ in ("dirsync", "lazytime", "mand", "sync"):
    ROWS[name_] = super_option(name_)
for name_, opposite_ in {"async": "sync", "nolazytime": "lazytime", "nomand": "mand"}.items():
    ROWS[name_] = not_super_option(name_, opposite_)


@test(cases={name: name for name in sorted(ROWS)})
def an_option_does_what_it_says(box, name):
    ROWS[name](box)


@test
def every_option_that_features_names_has_a_row(box):
    named = set(json.loads(box.hozo("features").ok().out)["mountOptions"])
    same(named - {"idmap", "ridmap"}, set(ROWS))


# --- what options have no place

@test(cases={
    "a file system's option": (["remount", "size=1m"], "mounts[7].options: remount does not change \"size=1m\""),
    "nothing": (["remount"], "mounts[7].options"),
    "a mount that is not there": (["remount", "nosuid"],
        "mounts[7]: remount /etc: mount_setattr: invalid argument"),
})
def a_remount_is_refused_of(box, case):
    options, text = case
    b = box.bundle("true")
    b.mount("/etc", "none", "none", options)
    box.create(b).fails(text)
    box.nothing_left()


@test
def a_remount_follows_no_link_of_the_image(box):
    b = box.bundle("true")
    os.symlink("/data", f"{b.rootfs}/link")
    b.mount("/data", options=["ro"])
    b.mount("/link", "none", "none", ["remount", "rw"])
    box.create(b).fails("mounts[8]", "too many levels of symbolic links")
    box.nothing_left()


@test
def a_root_that_is_remounted_read_only_was_writable_for_what_the_runtime_makes(box):
    b = box.bundle("touch /x; test -c /dev/null && stat -c %F /made")
    b.config["root"]["readonly"] = False
    b.config["mounts"].insert(0, {"destination": "/", "type": "bind", "source": "/", "options": ["remount", "ro"]})
    b.mount("/made")
    r = box.run(b).ok()
    same(r.out, "directory\n")
    r.says("Read-only file system")


# --- options that are too long for fsconfig(2), beside those that mount(2) takes as flags

@test
def a_long_source_keeps_the_other_options(box):
    b = box.bundle()
    b.mount("/mnt", "x" * 300, options=["sync", "lazytime", "noexec", "nosuid", "mode=711"])
    mount = seen(box, b)["/mnt"]
    same(mount.source, "x" * 300)
    assert {"sync", "lazytime", "mode=711"} <= set(mount.super_options), mount.super_options
    assert {"noexec", "nosuid"} <= set(mount.options), mount.options


# --- the mode of a tmpfs

@test
def a_tmpfs_has_the_mode_of_what_it_covers(box):
    b = box.bundle("stat -c %a /old /own /new")
    os.mkdir(f"{b.rootfs}/old")
    os.chmod(f"{b.rootfs}/old", 0o2750)
    os.mkdir(f"{b.rootfs}/own")
    os.chmod(f"{b.rootfs}/own", 0o700)
    b.mount("/old", options=["size=64k"])
    b.mount("/own", options=["mode=711"])
    b.mount("/new")
    same(box.run(b).ok().out, "2750\n711\n1777\n")
