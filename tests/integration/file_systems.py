# SPDX-License-Identifier: Apache-2.0
"""What proc, sysfs, mqueue and cgroup show with and without the namespaces that they belong to, where a
destination leads, and nodes in /dev."""
import os
import stat
import subprocess

import host
from harness import Skip, same, test


def without(*kinds):
    def change(b):
        for kind in kinds:
            b.without_namespace(kind)
        if "uts" in kinds:
            del b.config["hostname"]
    return change


# --- file systems of namespaces

@test
def a_proc_of_its_own_pid_namespace_shows_no_other_process(box):
    b = box.bundle("cd /proc; echo [0-9]*; cat 1/comm; true")
    same(box.run(b).ok().out, "1\nsh\n")


@test
def a_proc_of_the_hosts_pid_namespace_shows_its_processes(box):
    b = box.bundle(f"test -d /proc/{os.getpid()} && echo seen; cat /proc/1/comm")
    b.without_namespace("pid")
    with open("/proc/1/comm") as f:
        same(box.run(b).ok().out, "seen\n" + f.read())


@test
def a_sysfs_shows_the_devices_of_its_network_namespace(box):
    program = "echo $(ls /sys/class/net); touch /sys/class/x"
    r = box.run(program)
    same(r.out, "lo\n")
    r.says("Read-only file system")
    b = box.bundle(program)
    b.without_namespace("network")
    same(box.run(b).out.split(), sorted(os.listdir("/sys/class/net")))


@test
def a_mqueue_holds_the_queues_of_its_ipc_namespace(box):
    host.private_mounts()
    point = f"{box.dir}/queues"
    os.mkdir(point)
    same(host.libc.mount(b"mqueue", point.encode(), b"mqueue", 0, None), 0)
    name = f"hozo-{os.getpid()}"
    open(f"{point}/{name}", "w").close()
    try:
        b = box.bundle("touch /dev/mqueue/own; ls /dev/mqueue")
        same(box.run(b).ok().out, "own\n")
        b = box.bundle(f"ls /dev/mqueue | grep -x {name}")
        b.without_namespace("ipc")
        same(box.run(b).ok().out, f"{name}\n")
    finally:
        os.unlink(f"{point}/{name}")
        host.detach(point)


# --- control groups

def cgroup_v1_only():
    """Gives this test a mount namespace without the unified hierarchy beside the others."""
    host.private_mounts()
    for m in host.mounts():
        if m.fstype == "cgroup2":
            host.detach(m.point)


LAYOUTS = {"as the host has them": lambda: None, "of v1": cgroup_v1_only, "of v2": host.cgroup_v2_only}
LOOK = ("grep ' /sys/fs/cgroup' /proc/self/mountinfo; echo --; "
        "find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | while read f; do "
        "grep -qx $$ $f && echo ${f%/cgroup.procs}; done; echo --; "
        "for d in $(find /sys/fs/cgroup -maxdepth 1 -type d); do mkdir $d/hozo-x 2>/dev/null && echo made $d; done; true")


def look(box, prepare, own_namespace):
    prepare()
    b = box.bundle(LOOK)
    if own_namespace:
        b.linux["namespaces"].append({"type": "cgroup"})
    mounted, holding, made = box.run(b).ok().out.split("--\n")
    return b, [m for m in host.mounts(mounted) if m.fstype != "tmpfs"], holding.split(), made


@test(cases=LAYOUTS)
def cgroups_in_a_namespace_of_their_own_begin_at_the_container(box, prepare):
    _, mounts, holding, made = look(box, prepare, True)
    assert mounts and {m.root for m in mounts} == {"/"}, [(m.point, m.root) for m in mounts]
    same(set(holding) >= {m.point for m in mounts if not m.point.endswith("/unified")}, True, holding)
    assert all("ro" in m.options and "nosuid" in m.options for m in mounts), [m.options for m in mounts]
    same(made, "")


@test(cases={label: LAYOUTS[label] for label in ("as the host has them", "of v1")})
def cgroups_in_the_hosts_namespace_are_the_containers_part(box, prepare):
    b, mounts, holding, made = look(box, prepare, False)
    parts = {m.root for m in mounts}
    assert mounts and all(root.endswith(b.linux["cgroupsPath"]) or "/" in root for root in parts), parts
    assert any(root.endswith(b.linux["cgroupsPath"]) for root in parts), parts
    assert set(holding) <= {m.point for m in mounts}, holding
    assert all("ro" in m.options for m in mounts), [m.options for m in mounts]
    same(made, "")


@test
def a_cgroup2_in_the_hosts_namespace_shows_the_whole_hierarchy(box):
    """As with other runtimes: what hides the rest is a cgroup namespace."""
    b, mounts, holding, made = look(box, host.cgroup_v2_only, False)
    same([(m.point, m.root, m.fstype) for m in mounts], [("/sys/fs/cgroup", "/", "cgroup2")])
    same(holding, [f"/sys/fs/cgroup{b.linux['cgroupsPath']}"])
    same(made, "")


@test
def the_links_of_joined_controllers_lead_to_their_hierarchy(box):
    joined = [os.path.basename(p) for p in host.hierarchies() if "," in os.path.basename(p)]
    b = box.bundle("for d in $(ls /sys/fs/cgroup); do test -L /sys/fs/cgroup/$d && "
                   "echo $d $(readlink /sys/fs/cgroup/$d); done; true")
    same(box.run(b).ok().out.split("\n")[:-1], sorted(f"{c} {d}" for d in joined for c in d.split(",")))


# --- where a destination leads

@test
def a_relative_destination_is_one_below_the_root(box):
    b = box.bundle("grep -c ' /some/where ' /proc/self/mountinfo; cat some/where/file")
    os.mkdir(f"{b.path}/src")
    with open(f"{b.path}/src/file", "w") as f:
        f.write("here\n")
    b.bind(f"{b.path}/src", "some/./where/")
    same(box.run(b).ok().out, "1\nhere\n")


@test(cases={"absolute": "/real/deep", "relative": "real/deep", "up": "../../real/deep"})
def a_destination_behind_a_link_is_where_the_link_leads_inside(box, target):
    b = box.bundle("grep -o ' /real/deep/[a-z]* ' /proc/self/mountinfo; stat -c %F /link/made /link/file")
    os.makedirs(f"{b.rootfs}/real/deep")
    os.symlink(target, f"{b.rootfs}/link")
    b.mount("/link/made")
    open(f"{b.path}/file", "w").close()
    b.bind(f"{b.path}/file", "/link/file")
    same(box.run(b).ok().out, " /real/deep/made \n /real/deep/file \ndirectory\nregular empty file\n")
    assert stat.S_ISREG(os.lstat(f"{b.rootfs}/real/deep/file").st_mode)


@test
def a_destination_that_is_a_link_to_a_file_gets_the_file(box):
    b = box.bundle("cat /etc/alias /etc/real")
    with open(f"{b.path}/file", "w") as f:
        f.write("bound\n")
    open(f"{b.rootfs}/etc/real", "w").close()
    os.symlink("real", f"{b.rootfs}/etc/alias")
    b.bind(f"{b.path}/file", "/etc/alias")
    same(box.run(b).ok().out, "bound\nbound\n")


@test
def a_link_to_nowhere_is_not_filled_by_a_file(box):
    b = box.bundle("true")
    open(f"{b.path}/file", "w").close()
    os.symlink("/nowhere", f"{b.rootfs}/etc/alias")
    b.bind(f"{b.path}/file", "/etc/alias")
    box.create(b).fails("mounts[7]: bind")
    assert not os.path.exists(f"{b.rootfs}/nowhere")
    box.nothing_left()


# --- what is hidden or read-only

@test
def a_mask_and_a_read_only_path_may_lie_in_any_mount(box):
    b = box.bundle("cat /data/file; echo x > /data/kept; ls /data/dir; echo y > /data/free && cat /data/free")
    os.makedirs(f"{b.path}/src/dir/below")
    for name in ("file", "kept"):
        with open(f"{b.path}/src/{name}", "w") as f:
            f.write("content")
    b.bind(f"{b.path}/src", "/data")
    b.linux["maskedPaths"] += ["/data/file", "/data/dir", "/data/absent"]
    b.linux["readonlyPaths"] += ["/data/kept", "/data/none"]
    r = box.run(b).ok()
    same(r.out, "y\n")
    r.says("can't create /data/kept: Read-only file system")
    same(open(f"{b.path}/src/kept").read(), "content")


@test
def a_read_only_root_is_so_in_its_mount_and_not_on_the_host(box):
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    root = next(m for m in host.mounts(box.run(b).ok().out) if m.point == "/")
    assert "ro" in root.options, root.options
    open(f"{b.rootfs}/writable", "w").close()
    b = box.bundle_beside(b, ["cat", "/proc/self/mountinfo"])
    b.config["root"]["readonly"] = False
    root = next(m for m in host.mounts(box.run(b).ok().out) if m.point == "/")
    assert "rw" in root.options, root.options


@test
def a_read_only_dev_has_its_devices(box):
    b = box.bundle("touch /dev/x; echo fine > /dev/null; stat -c '%F %t:%T' /dev/mine; readlink /dev/ptmx")
    next(m for m in b.config["mounts"] if m["destination"] == "/dev")["options"].append("ro")
    b.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3}]
    r = box.run(b).ok()
    same(r.out, "character special file 1:3\npts/ptmx\n")
    r.says("touch: /dev/x: Read-only file system")


# --- nodes

DEVICES = {
    "c": ({"type": "c", "major": 1, "minor": 5, "fileMode": 0o4640, "uid": 7, "gid": 8},
        "character special file 1:5 4640 7:8"),
    "u": ({"type": "u", "major": 1, "minor": 8, "fileMode": 0o600}, "character special file 1:8 600 0:0"),
    "b": ({"type": "b", "major": 7, "minor": 300000 % (1 << 20), "fileMode": 0o60, "gid": 6},
        "block special file 7:493e0 60 0:6"),
    "p": ({"type": "p", "fileMode": 0o1622, "uid": 65534}, "fifo 0:0 1622 65534:0"),
    "p with numbers": ({"type": "p", "major": 5, "minor": 6}, "fifo 0:0 666 0:0"),
    "without a mode": ({"type": "c", "major": 1, "minor": 7}, "character special file 1:7 666 0:0"),
}


@test(cases=DEVICES)
def a_device_is_made_as_it_says(box, case):
    device, expected = case
    b = box.bundle("umask 077; stat -c '%F %t:%T %a %u:%g' /dev/some/node")
    b.process["user"]["umask"] = 0o077
    b.linux["devices"] = [{"path": "/dev/some/node", **device}]
    same(box.run(b).ok().out.strip(), expected)


@test(cases={"none": "none", "a node": "node", "a file": "file", "another link": "link"})
def without_a_dev_of_its_own_ptmx_is_the_containers_all_the_same(box, what):
    b = box.bundle("readlink /dev/ptmx; ls /dev/pts/ptmx; readlink /dev/fd")
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] in ("/proc", "/dev/pts")]
    path = f"{b.rootfs}/dev/ptmx"
    os.symlink("/own", f"{b.rootfs}/dev/fd")
    if what == "node":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(5, 2))
    elif what == "file":
        open(path, "w").close()
    elif what == "link":
        os.symlink("/etc/passwd", path)
    same(box.run(b).ok().out, "pts/ptmx\n/dev/pts/ptmx\n/own\n")


@test
def a_configured_ptmx_is_the_one_that_is_configured(box):
    """Engines pass all devices of the host to a privileged container."""
    b = box.bundle("stat -c '%F %t:%T' /dev/ptmx; sleep 0 < /dev/ptmx && echo opened")
    b.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}]
    b.linux["resources"]["devices"].append({"allow": True, "type": "c", "major": 5, "minor": 2, "access": "rwm"})
    same(box.run(b).ok().out, "character special file 5:2\nopened\n")


# --- sysctl

@test(cases={"dots first": "net.ipv4.conf.ho/zo.forwarding", "slashes first": "net/ipv4/conf/ho.zo/forwarding"})
def the_first_separator_of_a_sysctl_decides(box, name):
    """An interface whose name has a dot, in a network namespace that is there before the container."""
    owner = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo name ho.zo && echo done; exec sleep 100"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if owner.stdout.readline() != b"done\n":
            raise Skip("no network device can be renamed")
        set_in_namespace(box, name, owner.pid)
    finally:
        owner.kill()
        owner.wait()


def set_in_namespace(box, name, pid):
    b = box.bundle("cat /proc/sys/net/ipv4/conf/ho.zo/forwarding")
    next(n for n in b.linux["namespaces"] if n["type"] == "network")["path"] = f"/proc/{pid}/ns/net"
    b.linux["sysctl"] = {name: "1"}
    same(box.run(b).ok().out, "1\n")
