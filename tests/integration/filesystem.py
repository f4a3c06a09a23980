# SPDX-License-Identifier: Apache-2.0
"""Mounts, devices and the root, as the container sees them."""
import os
import stat

import host
from harness import same, test

DEVICES = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
         "stderr": "/proc/self/fd/2"}


def mounts_inside(box, bundle):
    """Mount point → the topmost mount on it."""
    bundle.program(["cat", "/proc/self/mountinfo"])
    return {m.point: m for m in host.mounts(box.run(bundle).ok().out)}


@test
def each_mount_is_there_with_its_options(box):
    b = box.bundle()
    b.mount("/data", options=["noexec", "nodev", "nosuid", "noatime", "size=1m", "mode=1700"])
    seen = mounts_inside(box, b)
    same(seen["/proc"].fstype, "proc")
    same((seen["/dev"].fstype, set(seen["/dev"].options)), ("tmpfs", {"rw", "nosuid"}))
    same(seen["/dev/pts"].fstype, "devpts")
    assert {"gid=5", "mode=620", "ptmxmode=666"} <= set(seen["/dev/pts"].super_options)
    same(seen["/dev/mqueue"].fstype, "mqueue")
    same((seen["/sys"].fstype, "ro" in seen["/sys"].options), ("sysfs", True))
    assert {"nosuid", "nodev", "noexec"} <= set(seen["/sys"].options)
    assert {"nosuid", "nodev", "noexec", "noatime"} <= set(seen["/data"].options)
    assert "mode=1700" in seen["/data"].super_options
    assert any("size=1024k" in o for o in seen["/data"].super_options)


@test
def nothing_of_the_hosts_mounts_is_left(box):
    b = box.bundle()
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    expected = {"/", *(m["destination"] for m in b.config["mounts"]), *b.linux["maskedPaths"],
                *b.linux["readonlyPaths"]}
    points = set(mounts_inside(box, b))
    assert points <= expected, points - expected


@test
def a_read_only_root_refuses_writes(box):
    r = box.run("touch /etc/x").ends(1)
    r.says("Read-only file system")


@test
def a_writable_root_is_the_bundles(box):
    b = box.bundle("echo kept > /etc/x")
    b.config["root"]["readonly"] = False
    box.run(b).ok()
    same(open(f"{b.rootfs}/etc/x").read(), "kept\n")


@test
def mounts_stay_writable_below_a_read_only_root(box):
    b = box.bundle("echo x > /tmp/x; cat /tmp/x; echo y > /dev/shm/y; cat /dev/shm/y")
    b.mount("/tmp")
    same(box.run(b).ok().out, "x\ny\n")


@test
def a_masked_file_is_empty_and_a_masked_directory_too(box):
    b = box.bundle("wc -c < /proc/cpuinfo; ls -A /sys/kernel | wc -l; touch /sys/kernel/x 2>&1 | wc -l")
    b.linux["maskedPaths"] = ["/proc/cpuinfo", "/sys/kernel"]
    same(box.run(b).ok().out.split(), ["0", "0", "1"])


@test
def a_masked_file_of_the_image_is_empty(box):
    b = box.bundle("cat /etc/secret; echo more >> /etc/secret; cat /etc/secret; cat /etc/dir/secret 2>&1 | wc -l")
    with open(f"{b.rootfs}/etc/secret", "w") as f:
        f.write("secret")
    os.mkdir(f"{b.rootfs}/etc/dir")
    with open(f"{b.rootfs}/etc/dir/secret", "w") as f:
        f.write("secret")
    b.linux["maskedPaths"] += ["/etc/secret", "/etc/dir", "/not/there"]
    same(box.run(b).ok().out, "1\n")
    same(open(f"{b.rootfs}/etc/secret").read(), "secret")


@test
def read_only_paths_refuse_writes(box):
    b = box.bundle("echo x > /proc/sys/kernel/hostname; echo x > /home/ann/x; echo y > /root/y && echo written")
    b.config["root"]["readonly"] = False
    b.linux["readonlyPaths"] += ["/home", "/not/there"]
    r = box.run(b).ok()
    same(r.out, "written\n")
    same(r.err.count("Read-only file system"), 2)
    assert not os.path.exists(f"{b.rootfs}/home/ann/x")


@test
def a_directory_and_a_file_of_the_host_are_bound(box):
    b = box.bundle("cat /mnt/dir/file /etc/file; echo new > /mnt/dir/new")
    os.mkdir(f"{b.path}/src")
    with open(f"{b.path}/src/file", "w") as f:
        f.write("content\n")
    b.bind(f"{b.path}/src", "/mnt/dir")
    b.bind(f"{b.path}/src/file", "/etc/file")
    same(box.run(b).ok().out, "content\ncontent\n")
    same(open(f"{b.path}/src/new").read(), "new\n")


@test
def a_relative_source_belongs_to_the_bundle(box):
    b = box.bundle("cat /mnt/file")
    os.mkdir(f"{b.path}/src")
    with open(f"{b.path}/src/file", "w") as f:
        f.write("content\n")
    b.bind("src", "/mnt")
    same(box.run(b, cwd="/").ok().out, "content\n")


@test
def a_read_only_bind_refuses_writes(box):
    b = box.bundle("touch /mnt/x")
    os.mkdir(f"{b.path}/src")
    b.bind(f"{b.path}/src", "/mnt", "ro")
    box.run(b).ends(1).says("Read-only file system")
    same(os.listdir(f"{b.path}/src"), [])


@test
def options_of_a_bind_mount_hold_for_that_mount_only(box):
    b = box.bundle()
    os.mkdir(f"{b.path}/src")
    b.bind(f"{b.path}/src", "/mnt", "nosuid", "nodev", "noexec", "ro")
    seen = mounts_inside(box, b)
    assert {"nosuid", "nodev", "noexec", "ro"} <= set(seen["/mnt"].options), seen["/mnt"].options
    assert not {"nosuid", "nodev", "noexec"} & set(seen["/"].options), seen["/"].options


@test
def a_recursive_bind_brings_the_mounts_below(box):
    host.private_mounts()
    b = box.bundle("ls /mnt/below /other/below 2>&1; touch /rro/below/x 2>&1")
    os.makedirs(f"{b.path}/src/below")
    same(host.libc.mount(b"none", f"{b.path}/src/below".encode(), b"tmpfs", 0, None), 0)
    open(f"{b.path}/src/below/file", "w").close()
    b.mount("/mnt", f"{b.path}/src", "bind", ["rbind"])
    b.bind(f"{b.path}/src", "/other")
    b.mount("/rro", f"{b.path}/src", "bind", ["rbind", "rro"])
    out = box.run(b).out
    host.detach(f"{b.path}/src/below")
    assert out.startswith("/mnt/below:\nfile\n\n/other/below:\n"), out
    assert "Read-only file system" in out, out


@test
def propagation_is_set(box):
    b = box.bundle()
    for kind in ("shared", "slave", "private", "unbindable"):
        os.makedirs(f"{b.path}/{kind}")
        b.bind(f"{b.path}/{kind}", f"/mnt/{kind}", kind)
    seen = mounts_inside(box, b)
    assert any(t.startswith("shared:") for t in seen["/mnt/shared"].tags)
    assert not any(t.startswith("shared:") for t in seen["/mnt/slave"].tags + seen["/mnt/private"].tags)
    assert "unbindable" in seen["/mnt/unbindable"].tags


@test
def what_is_mounted_inside_does_not_appear_on_the_host(box):
    b = box.bundle("mount -t tmpfs none /mnt && echo mounted && sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    os.mkdir(f"{b.rootfs}/mnt")
    out = box.create(b).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "mounted\n")
    same(host.mount_points_below(box.dir), [])


@test
def later_mounts_lie_on_earlier_ones(box):
    b = box.bundle("mount | grep -c ' /a'; ls /a; ls /a/b")
    b.mount("/a")
    b.mount("/a/b")
    same(box.run(b).ok().out.split(), ["2", "b"])


@test
def a_tmpfs_may_start_with_what_it_covers(box):
    b = box.bundle("cat /etc/passwd | wc -l; echo x > /etc/new; stat -c '%a %u' /etc/special; readlink /etc/link")
    with open(f"{b.rootfs}/etc/special", "w"):
        pass
    os.chmod(f"{b.rootfs}/etc/special", 0o4751)
    os.chown(f"{b.rootfs}/etc/special", 1000, 1000)
    os.chmod(f"{b.rootfs}/etc/special", 0o4751)
    os.symlink("some where", f"{b.rootfs}/etc/link")
    b.mount("/etc", options=["tmpcopyup"])
    same(box.run(b).ok().out, "2\n4751 1000\nsome where\n")
    assert not os.path.exists(f"{b.rootfs}/etc/new")


@test
def the_devices_of_the_specification_are_there(box):
    out = box.run(f"for d in {' '.join(DEVICES)}; do stat -c '%n %F %t:%T %a %u:%g' /dev/$d; done; "
                  f"for l in {' '.join(LINKS)} ptmx; do readlink /dev/$l; done").ok().out
    lines = out.splitlines()
    for line, (name, numbers) in zip(lines, DEVICES.items()):
        major, minor = numbers.split(":")
        same(line, f"/dev/{name} character special file {int(major):x}:{int(minor):x} 666 0:0")
    same(lines[len(DEVICES):][:4], list(LINKS.values()))
    assert lines[-1] in ("pts/ptmx", "/dev/pts/ptmx"), lines


@test
def the_devices_work(box):
    box.run("echo x > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; "
            "head -c 1 /dev/random | wc -c; ! echo x > /dev/full; echo through > /dev/stdout").ok()


@test
def configured_devices_are_made(box):
    b = box.bundle("stat -c '%n %F %t:%T %a %u:%g' /dev/mine /dev/deep/pipe; stat -c %F /dev/disk")
    b.linux["devices"] = [
        {"path": "/dev/mine", "type": "c", "major": 1, "minor": 7, "fileMode": 0o640, "uid": 3, "gid": 4},
        {"path": "/dev/deep/pipe", "type": "p", "fileMode": 0o600},
        {"path": "/dev/disk", "type": "b", "major": 7, "minor": 0},
    ]
    same(box.run(b).ok().out, "/dev/mine character special file 1:7 640 3:4\n"
         "/dev/deep/pipe fifo 0:0 600 0:0\nblock special file\n")


@test
def without_a_terminal_there_is_no_console(box):
    box.run("! test -e /dev/console").ok()


@test
def a_missing_working_directory_is_made(box):
    b = box.bundle("pwd")
    b.config["root"]["readonly"] = False
    b.process["cwd"] = "/made/for/it"
    same(box.run(b).ok().out, "/made/for/it\n")
    assert stat.S_ISDIR(os.stat(f"{b.rootfs}/made/for/it").st_mode)


@test
def missing_mount_points_are_made_as_their_source_is(box):
    b = box.bundle("stat -c %F /new/dir /new/file")
    os.mkdir(f"{b.path}/dir")
    open(f"{b.path}/file", "w").close()
    b.bind(f"{b.path}/dir", "/new/dir")
    b.bind(f"{b.path}/file", "/new/file")
    same(box.run(b).ok().out, "directory\nregular empty file\n")


@test
def without_a_mount_namespace_nothing_is_mounted_on_the_host(box):
    b = box.bundle("true")
    b.without_namespace("mount")
    box.create(b).ends(1)
    same(host.mount_points_below(box.dir), [])
    box.nothing_left()


@test
def host_and_domain_name_are_set_and_the_hosts_are_kept(box):
    before = os.uname()
    b = box.bundle("hostname; cat /proc/sys/kernel/domainname")
    b.config["hostname"], b.config["domainname"] = "some-host", "some.domain"
    same(box.run(b).ok().out, "some-host\nsome.domain\n")
    same(os.uname(), before)


@test
def sysctls_of_its_own_namespaces_are_set(box):
    def host_value():
        with open("/proc/sys/net/ipv4/ip_forward") as f, open("/proc/sys/kernel/shmmni") as g:
            return f.read(), g.read()
    before = host_value()
    b = box.bundle("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni")
    wanted = "0" if before[0] == "1\n" else "1"
    b.linux["sysctl"] = {"net.ipv4.ip_forward": wanted, "kernel.shmmni": "1234"}
    same(box.run(b).ok().out, f"{wanted}\n1234\n")
    same(host_value(), before)


@test
def the_control_groups_are_mounted_read_only(box):
    b = box.bundle("ls /sys/fs/cgroup | wc -l; for d in /sys/fs/cgroup /sys/fs/cgroup/pids; do "
                   "test -d $d && mkdir $d/x 2>/dev/null && echo made $d; done; true")
    out = box.run(b).ok().out.split("\n")
    assert int(out[0]) > 0 and out[1:] == [""], out
