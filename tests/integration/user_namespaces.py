# SPDX-License-Identifier: Apache-2.0
"""Containers in user namespaces, new and joined: from inside, and what the host sees of them."""
import os
import stat

import host
from harness import same, test

USERS, GROUPS = 100000, 200000


def ranges(*extents):
    return [dict(zip(("containerID", "hostID", "size"), e)) for e in extents]


def mapped(box, program="true", uids=((0, USERS, 65536),), gids=((0, GROUPS, 65536),), rootfs=None):
    b = box.bundle(program, rootfs)
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"], b.linux["gidMappings"] = ranges(*uids), ranges(*gids)
    return b


def without_gid_5(b):
    """The group of terminals cannot be given where it is not mapped."""
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    return b


def ids(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return [int(n) for n in host.status_field(f.read(), field).split()]


def joined(box, other_pid, *kinds, program="true"):
    """A container in these namespaces of another one's process; the rest is its own."""
    b = box.bundle(program)
    files = {"network": "net", "mount": "mnt"}
    b.linux["namespaces"] = [{"type": n["type"]} for n in b.linux["namespaces"] if n["type"] not in kinds]
    b.linux["namespaces"] += [{"type": k, "path": f"/proc/{other_pid}/ns/{files.get(k, k)}"} for k in kinds]
    return b


@test
def ids_inside_are_others_outside(box):
    b = mapped(box, "sleep 100")
    pid = box.running(b)
    same(ids(pid, "Uid"), [USERS] * 4)
    same(ids(pid, "Gid"), [GROUPS] * 4)
    r = box.exec("sh", "-c", "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups").ok()
    same(r.out.split(), ["0", "0", "0", str(USERS), "65536", "0", str(GROUPS), "65536", "allow"])


@test
def a_map_of_several_ranges(box):
    b = without_gid_5(mapped(
        box, "cat /proc/self/uid_map; id -u; id -g", uids=((0, 300000, 1), (1, 100000, 999), (1000, 400000, 1)), gids=((0, 1, 1), (1000, 500000, 1))))
    b.process["user"] = {"uid": 1000, "gid": 1000}
    same(box.run(b).ok().out.split(),
         "0 300000 1 1 100000 999 1000 400000 1 1000 1000".split())


@test
def user_and_groups_are_those_of_the_namespace(box):
    b = mapped(box, "sleep 100")
    b.process["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 7]}
    pid = box.running(b)
    same((ids(pid, "Uid")[0], ids(pid, "Gid")[0]), (USERS + 1000, GROUPS + 1001))
    same(ids(pid, "Groups"), [GROUPS + 5, GROUPS + 7])


@test
def the_set_up_needs_no_id_zero(box):
    b = mapped(box, "id -u; id -g; ls -ld /dev/null /proc/self/fd/1 >/dev/null; hostname",
               uids=((1000, USERS, 10),), gids=((1000, GROUPS, 10),))
    without_gid_5(b)
    b.process["user"] = {"uid": 1003, "gid": 1004}
    os.chmod(b.rootfs, 0o755)
    same(box.run(b).ok().out.split(), ["1003", "1004", "tenon"])


@test
def capabilities_are_those_of_the_configuration_and_reach_nothing_outside(box):
    b = mapped(box, "grep ^Cap /proc/self/status; chown 1 /etc/passwd")
    b.capabilities("CAP_CHOWN", "CAP_SYS_ADMIN")
    b.config["root"]["readonly"] = False
    r = box.run(b).ends(1).says("Operation not permitted")
    same([line.split()[1] for line in r.out.splitlines()],
         ["0" * 16, f"{1 << 21 | 1:016x}", f"{1 << 21 | 1:016x}", f"{1 << 21 | 1:016x}", "0" * 16])


@test
def devices_are_the_hosts_and_usable(box):
    b = mapped(box, """echo x > /dev/null && head -c 4 /dev/zero | od -An -tx1 && head -c 1 /dev/urandom | wc -c
        for d in null zero full random urandom tty; do stat -c '%n %t:%T' /dev/$d; done""")
    same(box.run(b).ok().out.split(),
         "00 00 00 00 1 /dev/null 1:3 /dev/zero 1:5 /dev/full 1:7 /dev/random 1:8 /dev/urandom 1:9 /dev/tty 5:0".split())


@test
def a_configured_device_is_bound_and_a_fifo_made(box):
    b = mapped(box, "stat -c '%n %F %t:%T' /dev/kmsg /dev/pipe")
    b.linux["devices"] = [{"type": "c", "path": "/dev/kmsg", "major": 1, "minor": 11},
                          {"type": "p", "path": "/dev/pipe", "fileMode": 0o600}]
    same(box.run(b).ok().out,
         "/dev/kmsg character special file 1:b\n/dev/pipe fifo 0:0\n")


@test
def what_a_node_of_the_host_cannot_be_given_is_said(box):
    b = mapped(box, "stat -c %a /dev/kmsg")
    b.linux["devices"] = [{"type": "c", "path": "/dev/kmsg", "major": 1, "minor": 11, "fileMode": 0o777, "uid": 5}]
    r = box.hozo("--debug", "run", "--bundle", b.write().path, "c1").ok()
    same(r.out, f"{os.stat('/dev/kmsg').st_mode & 0o777:o}\n")
    r.says("linux.devices[0].fileMode: has no effect", "linux.devices[0].uid: has no effect")


@test(cases={"that the host does not have": ("/dev/not-there", 240, 77),
             "of another number than the host's": ("/dev/null", 240, 77)})
def a_device_is_refused(box, device):
    path, major, minor = device
    b = mapped(box)
    b.linux["devices"] = [{"type": "c", "path": path, "major": major, "minor": minor}]
    box.create(b).fails("linux.devices[0]", f"make {path}", "no such device")
    box.nothing_left()


@test
def a_source_that_the_containers_user_cannot_reach_is_bound(box):
    private = f"{box.dir}/private"
    os.mkdir(private, 0o700)
    os.mkdir(f"{private}/directory")
    for name in ("file", "directory/below"):
        with open(f"{private}/{name}", "w") as f:
            f.write(f"{name}\n")
    b = mapped(box, "cat /file /directory/below; cat /proc/self/mountinfo")
    b.bind(f"{private}/file", "/file", "ro")
    b.bind(f"{private}/directory", "/directory", "ro")
    b.config["root"]["readonly"] = False
    os.chown(b.rootfs, USERS, GROUPS)
    r = box.run(b).ok()
    same(r.out.splitlines()[:2], ["file", "directory/below"])
    seen = {m.point: m for m in host.mounts(r.out)}
    assert "ro" in seen["/file"].options and "ro" in seen["/directory"].options


@test
def the_bundle_may_lie_where_the_containers_user_cannot_reach(box):
    os.chmod(box.dir, 0o700)
    same(box.run(mapped(box, "echo ran")).ok().out, "ran\n")


@test
def what_the_host_mounted_read_only_stays_so(box):
    host.private_mounts()
    source = f"{box.dir}/source"
    os.mkdir(source)
    same(host.libc.mount(b"t", source.encode(), b"tmpfs", 1, b"mode=777"), 0)  # MS_RDONLY
    b = mapped(box, "touch /data/x; mount -o remount,bind,rw /data; touch /data/y")
    b.capabilities("CAP_SYS_ADMIN")
    b.bind(source, "/data")
    b.config["root"]["readonly"] = False
    os.chown(b.rootfs, USERS, GROUPS)
    r = box.run(b)
    same(r.err.count("Read-only file system"), 2, r)
    same(os.listdir(source), [])
    b.config["mounts"][-1]["options"].append("rw")
    box.create(b).fails("mounts[7]", "mount_setattr", "operation not permitted")
    host.detach(source)
    box.nothing_left()


@test
def what_is_mounted_inside_does_not_appear_on_the_host(box):
    host.private_mounts()
    source = f"{box.dir}/source"
    os.makedirs(f"{source}/below")
    same(host.libc.mount(b"t", source.encode(), b"tmpfs", 0, b"mode=777"), 0)
    same(host.libc.mount(None, source.encode(), None, 1 << 20, None), 0)  # MS_SHARED
    os.mkdir(f"{source}/below")
    b = mapped(box, "mount -t tmpfs none /data/below && grep -c ' /data/below ' /proc/self/mountinfo; sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    b.bind(source, "/data")
    b.config["root"]["readonly"] = False
    os.chown(b.rootfs, USERS, GROUPS)
    pid = box.created(b)
    before = host.mount_points_below(source)
    box.hozo("start", "c1").ok()
    host.eventually(lambda: "/data/below" in open(f"/proc/{pid}/mountinfo").read(), 5, "the mount")
    same(host.mount_points_below(source), before)
    box.hozo("delete", "--force", "c1").ok()
    host.detach(source)


@test(timeout=60)
def more_sources_than_the_limit_of_descriptors(box):
    b = mapped(box, "ulimit -n; ls /data | wc -l; cat /data/1299")
    source = f"{box.dir}/source"
    with open(source, "w") as f:
        f.write("bound\n")
    os.makedirs(f"{b.rootfs}/data")
    for n in range(1300):
        open(f"{b.rootfs}/data/{n}", "w").close()
        b.bind(source, f"/data/{n}")
    del b.process["rlimits"]
    r = box.run(b, preexec_fn=lambda: __import__("resource").setrlimit(7, (256, 8192)), timeout=50).ok()
    same(r.out.split(), ["256", "1300", "bound"])


@test
def host_name_masks_and_read_only_paths(box):
    b = mapped(box, "hostname; ls /sys/firmware | wc -l; cat /proc/keys | wc -c; touch /proc/sys/kernel/hostname")
    box.run(b).ends(1).says("Read-only file system")
    same(box.run(b, id="c2").out.split(), ["tenon", "0", "0"])


@test
def a_sysctl_of_its_own_network_and_ipc(box):
    def of_host():
        return [open(f"/proc/sys/{n}").read() for n in ("net/ipv4/ip_default_ttl", "kernel/msgmax")]
    before = of_host()
    b = mapped(box, "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax")
    b.linux["sysctl"] = {"net.ipv4.ip_default_ttl": "77", "kernel.msgmax": "7777"}
    same(box.run(b).ok().out.split(), ["77", "7777"])
    same(of_host(), before)


@test
def exec_joins_it_with_the_ids_of_the_container(box):
    pid = box.running(mapped(box, "sleep 100"))
    r = box.exec("sh", "-c", "id -u; cat /proc/self/uid_map; for n in /proc/self/ns/*; do readlink $n; done; grep CapEff /proc/self/status",
                 id="c1").ok()
    lines = r.out.splitlines()
    same((lines[0], lines[1].split()), ("0", ["0", str(USERS), "65536"]))
    same(sorted(lines[2:-1]), sorted(os.readlink(f"/proc/{pid}/ns/{n}") for n in os.listdir(f"/proc/{pid}/ns")))
    same(lines[-1].split()[1], "0000000020000420")
    same(box.exec("id", options=("--user", "1000:1001")).ok().out, "uid=1000(ann) gid=1001\n")
    box.exec("true", options=("--user", "70000")).fails("exec failed", "process.user.uid", "linux.uidMappings", code=255)


@test
def exec_without_id_zero(box):
    b = without_gid_5(mapped(box, "sleep 100", uids=((1000, USERS, 10),), gids=((1000, GROUPS, 10),)))
    b.process["user"] = {"uid": 1001, "gid": 1002}
    box.running(b)
    same(box.exec("sh", "-c", "id -u; id -g").ok().out.split(), ["1001", "1002"])


@test
def a_container_joins_the_user_namespace_of_another(box):
    first = box.running(mapped(box, "sleep 100"), id="c1")
    b = joined(box, first, "user", "network", "ipc", program="sleep 100")
    second = box.running(b, id="c2")
    for kind in ("user", "net", "ipc"):
        same(host.namespace(second, kind), host.namespace(first, kind), kind)
    for kind in ("mnt", "pid", "uts"):
        assert host.namespace(second, kind) != host.namespace(first, kind), kind
    same(ids(second, "Uid"), [USERS] * 4)
    r = box.exec("sh", "-c", "id -u; cat /proc/self/uid_map; hostname", id="c2").ok()
    same(r.out.split(), ["0", "0", str(USERS), "65536", "tenon"])


@test
def a_container_joins_everything_that_another_owns(box):
    first = box.running(mapped(box, "sleep 100"), id="c1")
    second = box.running(joined(box, first, "user", "network", "ipc", "uts", "pid", program="sleep 100"), id="c2")
    for kind in ("user", "net", "ipc", "uts", "pid"):
        same(host.namespace(second, kind), host.namespace(first, kind), kind)
    box.hozo("kill", "c2", "KILL").ok()
    box.wait_status("stopped", "c2")


@test
def mappings_beside_a_joined_namespace_must_be_its_own(box):
    first = box.running(mapped(box, "sleep 100"), id="c1")
    b = joined(box, first, "user", "network", program="cat /proc/self/uid_map")
    b.linux["uidMappings"] = ranges((0, USERS, 30000), (30000, USERS + 30000, 35536))
    b.linux["gidMappings"] = ranges((0, GROUPS, 65536))
    same(box.run(b, id="c2").ok().out.split(), ["0", str(USERS), "65536"])
    b.linux["gidMappings"] = ranges((0, GROUPS, 65535))
    box.create(b, id="c3").fails("linux.gidMappings", "maps other ids")
    box.unknown("c3")


@test
def a_new_user_namespace_joins_what_the_host_owns(box):
    first = box.running("sleep 100", id="c1")
    b = joined(box, first, "network", "ipc", program="sleep 100")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"], b.linux["gidMappings"] = ranges((0, USERS, 65536)), ranges((0, GROUPS, 65536))
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("sysfs", "cgroup", "mqueue")]
    second = box.running(b, id="c2")
    same((host.namespace(second, "net"), host.namespace(second, "ipc")),
         (host.namespace(first, "net"), host.namespace(first, "ipc")))
    assert host.namespace(second, "user") != host.namespace(first, "user")


@test
def the_namespace_that_is_joined_must_be_one_of_users(box):
    b = box.bundle()
    b.linux["namespaces"].append({"type": "user", "path": "/proc/self/ns/net"})
    box.create(b).fails("linux.namespaces[5]", "join user namespace", "invalid argument")
    b.linux["namespaces"][-1]["path"] = "/proc/self/ns/user"
    box.create(b).fails("linux.namespaces[5]", "hozo's own")
    box.nothing_left()


@test
def hooks_see_the_container_and_its_pid(box):
    b = mapped(box, "sleep 100")
    out = f"{box.dir}/hooks"
    os.mkdir(out)
    os.chmod(out, 0o777)
    os.chmod(box.dir, 0o755)
    for kind in ("createRuntime", "createContainer", "poststart"):
        b.hook(kind, "/bin/sh", ["sh", "-c", f"cat > {out}/{kind}; id -u >> {out}/{kind}"], env=["PATH=/bin:/usr/bin"])
    os.chmod(b.path, 0o755)
    pid = box.running(b)
    said = {k: open(f"{out}/{k}").read() for k in os.listdir(out)}
    same(sorted(said), ["createContainer", "createRuntime", "poststart"])
    assert f'"pid":{pid}' in said["createRuntime"].replace(" ", ""), said
    same({k: v.splitlines()[-1][-1] for k, v in said.items()},
         {"createRuntime": "0", "createContainer": "0", "poststart": "0"})
    same(os.stat(f"{out}/createContainer").st_uid, USERS)
    same(os.stat(f"{out}/createRuntime").st_uid, 0)


@test
def a_terminal(box):
    b = mapped(box, "tty; stat -c '%u %g' /dev/console; test -t 0 && echo terminal")
    b.process["terminal"] = True
    socket = host.ConsoleSocket(f"{box.dir}/console")
    box.create(b, "--console-socket", socket.path).ok()
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    text = terminal.read_until(b"terminal")
    assert b"/dev/pts/0" in text and b"0 5" in text, text


@test
def files_made_inside_belong_to_the_mapped_user(box):
    b = mapped(box, "touch /tmp/made; mkdir /tmp/directory")
    b.config["root"]["readonly"] = False
    box.run(b).ok()
    for name in ("made", "directory"):
        st = os.stat(f"{b.rootfs}/tmp/{name}")
        same((st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode) & 0o700 != 0), (USERS, GROUPS, True), name)


@test
def a_bind_that_would_show_what_is_hidden_is_refused(box):
    """Below a mount lies what the host has hidden there: in a user namespace it must stay so."""
    host.private_mounts()
    source = f"{box.dir}/source"
    os.makedirs(f"{source}/below")
    same(host.libc.mount(b"t", f"{source}/below".encode(), b"tmpfs", 0, None), 0)
    b = mapped(box, "grep -c /data /proc/self/mountinfo")
    b.mount("/data", source, "bind", ["bind"])
    os.chown(b.rootfs, USERS, GROUPS)
    box.create(b).fails("mounts[7]", "open source", "invalid argument")
    b.config["mounts"][-1]["options"] = ["rbind"]
    same(box.run(b).ok().out, "2\n")
    host.detach(f"{source}/below")
