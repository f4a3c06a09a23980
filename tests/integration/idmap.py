# SPDX-License-Identifier: Apache-2.0
"""Idmapped mounts: whose files the container sees, and whose the host gets."""
import os

import host
from harness import same, test


def mapping(container, outside, size=1):
    extent = [{"containerID": container, "hostID": outside, "size": size}]
    return {"uidMappings": extent, "gidMappings": extent}


def source_of(box, uid):
    """A directory with a file of this user, and a file system mounted in it with another."""
    source = f"{box.dir}/source"
    os.makedirs(f"{source}/below")
    for name in ("", "/file", "/below"):
        if name == "/file":
            open(source + name, "w").close()
        os.chown(source + name, uid, uid)
    return source


def with_file_system_below(box, source, uid):
    host.private_mounts()
    same(host.libc.mount(b"t", f"{source}/below".encode(), b"tmpfs", 0, f"uid={uid},gid={uid},mode=777".encode()), 0)
    open(f"{source}/below/file", "w").close()
    os.chown(f"{source}/below/file", uid, uid)


def in_user_namespace(b):
    """The container's root makes the mount point, as a rule in a directory of its own."""
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update({k: [{"containerID": 0, "hostID": 100000, "size": 65536}] for k in ("uidMappings", "gidMappings")})
    os.chown(b.rootfs, 100000, 100000)


def bound(box, program, source, *options, **mappings):
    b = box.bundle(program)
    b.bind(source, "/data", *options)
    b.config["mounts"][-1].update(mappings)
    return b


@test(cases={"with the option": ("idmap",), "without it": ()})
def files_show_the_ids_of_the_mappings(box, options):
    source = source_of(box, 1000)
    r = box.run(bound(box, "stat -c '%u %g' /data/file; grep ' /data ' /proc/self/mountinfo", source, *options,
                      **mapping(1000, 0))).ok()
    same(r.out.splitlines()[0], "0 0")
    assert "idmapped" in r.out, r
    same(os.stat(f"{source}/file").st_uid, 1000)


@test
def a_new_file_belongs_to_the_user_behind_the_mapping(box):
    source = source_of(box, 1000)
    box.run(bound(box, "touch /data/new", source, "idmap", **mapping(1000, 0))).ok()
    st = os.stat(f"{source}/new")
    same((st.st_uid, st.st_gid), (1000, 1000))


@test
def ids_without_a_mapping_are_nobodys(box):
    source = source_of(box, 1001)
    same(box.run(bound(box, "stat -c '%u %g' /data/file", source, "idmap", **mapping(1000, 0))).ok().out, "65534 65534\n")


@test(cases={"alone": ("idmap", "1000 1000"), "with what is mounted below": ("ridmap", "0 0")})
def a_mount_is_mapped(box, case):
    option, below = case
    source = source_of(box, 1000)
    with_file_system_below(box, source, 1000)
    b = bound(box, "stat -c '%u %g' /data/file /data/below/file", source, "rbind", option, **mapping(1000, 0))
    same(box.run(b).ok().out.splitlines(), ["0 0", below])
    host.detach(f"{source}/below")


@test
def attributes_hold_as_well(box):
    source = source_of(box, 1000)
    b = bound(box, "grep ' /data ' /proc/self/mountinfo; touch /data/file", source, "idmap", "ro", "noexec",
              **mapping(1000, 0))
    r = box.run(b).ends(1).says("Read-only file system")
    assert "ro,noexec" in r.out and "idmapped" in r.out, r


@test(cases={"alone": "idmap", "with all below": "ridmap"})
def the_mapping_of_the_container_is_used_where_a_mount_has_none(box, option):
    source = source_of(box, 7)
    b = bound(box, "stat -c '%u %g' /data/file; touch /data/new", source, "rbind", option)
    in_user_namespace(b)
    os.chmod(source, 0o777)
    same(box.run(b).ok().out, "7 7\n")
    same(os.stat(f"{source}/new").st_uid, 0)


@test
def a_mount_of_a_container_with_users_may_have_other_mappings(box):
    source = source_of(box, 1000)
    b = bound(box, "stat -c '%u %g' /data/file", source, "idmap", **mapping(1000, 100005))
    in_user_namespace(b)
    same(box.run(b).ok().out, "5 5\n")


@test
def a_container_in_a_joined_user_namespace(box):
    source = source_of(box, 7)
    first = box.bundle("sleep 100")
    in_user_namespace(first)
    pid = box.running(first)
    b = bound(box, "stat -c '%u %g' /data/file", source, "idmap")
    b.linux["namespaces"] = [{"type": "mount"}, {"type": "pid"}, *(
        {"type": t, "path": f"/proc/{pid}/ns/{f}"} for t, f in (("user", "user"), ("network", "net"), ("ipc", "ipc")))]
    del b.config["hostname"]
    os.chown(b.rootfs, 100000, 100000)
    same(box.run(b, id="c2").ok().out, "7 7\n")


@test
def a_file_system_that_cannot_be_mapped_is_an_error(box):
    box.create(bound(box, "true", "/proc/self/environ", "idmap", **mapping(0, 1000))).fails(
        "mounts[7]", "bind /proc/self/environ to /data", "idmapped mount")
    box.nothing_left()


@test
def no_process_of_the_mapping_is_left(box):
    def sleepers():
        return [p for p in host.living_children() if "hozo" in host.command_line(p)]
    before = sleepers()
    source = source_of(box, 1000)
    box.running(bound(box, "sleep 100", source, "idmap", **mapping(1000, 0)))
    same([p for p in sleepers() if p not in before and "sleep" not in host.command_line(p)], [])
