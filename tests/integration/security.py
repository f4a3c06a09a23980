# SPDX-License-Identifier: Apache-2.0
"""Root file systems and configurations of an attacker. The host must not notice them."""
import os
import threading

import host
from harness import same, test


def outside(box):
    """A directory of the host that no container may change."""
    path = f"{box.dir}/outside"
    os.mkdir(path)
    return path


def replace_by_link(b, name, target):
    os.rmdir(f"{b.rootfs}/{name}")
    os.symlink(target, f"{b.rootfs}/{name}")


@test(cases={d: d for d in ("proc", "sys", "dev")})
def a_link_instead_of_a_mount_point_does_not_reach_the_host(box, name):
    """CVE-2019-19921, CVE-2023-27561, CVE-2026-47766."""
    elsewhere = outside(box)
    b = box.bundle("cat /proc/self/mountinfo; echo still working")
    b.config["root"]["readonly"] = False
    replace_by_link(b, name, elsewhere)
    box.run(b)
    same(os.listdir(elsewhere), [])
    same(host.mount_points_below(box.dir), [])
    box.nothing_left()


@test(cases={d: d for d in ("proc", "sys")})
def a_link_to_another_directory_of_the_image_does_not_lift_the_masks(box, name):
    """CVE-2019-19921, CVE-2023-28642: /proc as a link lets the image choose what is masked."""
    b = box.bundle("ls -A /proc/acpi /proc/scsi 2>/dev/null | grep -v : | wc -w; ls -A /sys/firmware | wc -l; "
                   "echo x > /proc/sys/kernel/hostname; touch /sys/kernel/x; true")
    os.makedirs(f"{b.rootfs}/decoy")
    replace_by_link(b, name, "/decoy")
    r = box.run(b)
    if r.code == 0:
        same(r.out.splitlines()[-1], "0")
        same(r.err.count("Read-only file system"), 2, str(r))


@test(cases={"absolute": "/", "relative": "../../../../../../../../", "deep": "/bin/../../../../.."})
def a_mount_point_behind_a_link_stays_in_the_root(box, target):
    """CVE-2021-30465."""
    elsewhere = outside(box)
    b = box.bundle("mount | grep -c hidden; true")
    os.symlink(target, f"{b.rootfs}/link")
    b.mount(f"/link{elsewhere}/hidden")
    b.config["root"]["readonly"] = False
    box.run(b)
    same(os.listdir(elsewhere), [])
    box.nothing_left()


@test(cases={"../..": "/../../..", "plain": "/dir/../../../../"})
def dots_in_a_mount_point_stay_in_the_root(box, dots):
    elsewhere = outside(box)
    b = box.bundle("true")
    b.mount(f"{dots}{elsewhere}/made")
    b.config["root"]["readonly"] = False
    box.run(b)
    same(os.listdir(elsewhere), [])
    box.nothing_left()


@test(timeout=60, sanitized=False)
def a_link_that_is_swapped_meanwhile_does_not_reach_the_host(box):
    """CVE-2021-30465, CVE-2024-45310: between looking and mounting the image changes."""
    elsewhere = outside(box)
    b = box.bundle("true")
    b.config["root"]["readonly"] = False
    for n in range(4):
        b.mount(f"/swap/dir{n}/below")
    os.mkdir(f"{b.rootfs}/real")
    os.symlink(elsewhere, f"{b.rootfs}/fake")
    os.symlink("real", f"{b.rootfs}/swap")
    b.linux["devices"] = [{"path": "/swap/device", "type": "c", "major": 1, "minor": 3}]
    stop = threading.Event()

    def swap():
        n = 0
        while not stop.is_set():
            n += 1
            link = f"{b.rootfs}/new"
            os.symlink("/real" if n % 2 else elsewhere, link)
            os.rename(link, f"{b.rootfs}/swap")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        codes = [box.run(b).code for _ in range(30)]
    finally:
        stop.set()
        thread.join()
    assert 0 in codes, "it must have worked at least once to prove anything"
    same(os.listdir(elsewhere), [])


@test
def a_device_or_link_behind_a_link_stays_in_the_root(box):
    elsewhere = outside(box)
    b = box.bundle("true")
    b.config["root"]["readonly"] = False
    os.symlink(elsewhere, f"{b.rootfs}/link")
    b.linux["devices"] = [{"path": "/link/device", "type": "c", "major": 1, "minor": 3}]
    b.process["cwd"] = "/link/cwd"
    box.run(b)
    same(os.listdir(elsewhere), [])
    box.nothing_left()


@test
def a_working_directory_behind_a_descriptor_is_refused(box):
    """CVE-2024-21626: a descriptor that leaked into the container leads to the host."""
    base = box.bundle()
    for n in range(3, 16):
        b = box.bundle_beside(base, "ls")
        b.process["cwd"] = f"/proc/self/fd/{n}"
        r = box.run(b)
        assert r.code != 0 and r.out == "", r
        box.nothing_left()


@test
def a_working_directory_of_exec_behind_a_descriptor_is_refused(box):
    box.running()
    inside = box.exec("ls", "/").ok().out
    for n in range(3, 16):
        r = box.exec("ls", options=["--cwd", f"/proc/self/fd/{n}"])
        assert r.code == 255 and r.out == "" or r.out == inside, r


@test
def an_image_with_its_own_null_device_cannot_lift_the_masks(box):
    """CVE-2025-31133: /dev/null of the image is a link to a file that the mask then shows."""
    b = box.bundle("cat /proc/keys | wc -c; cat /etc/mask; echo x >> /etc/mask; true")
    os.mkdir(f"{b.path}/dev")
    with open(f"{b.path}/target", "w") as f:
        f.write("target\n")
    os.symlink("/target", f"{b.path}/dev/null")
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.bind(f"{b.path}/dev", "/dev")
    b.bind(f"{b.path}/target", "/target")
    with open(f"{b.rootfs}/etc/mask", "w") as f:
        f.write("masked\n")
    b.linux["maskedPaths"] += ["/etc/mask"]
    r = box.run(b)
    assert r.code != 0 or r.out == "0\n", r
    same(open(f"{b.path}/target").read(), "target\n")


@test
def a_console_that_is_a_link_is_not_followed(box):
    """CVE-2025-52565."""
    elsewhere = outside(box)
    with open(f"{elsewhere}/file", "w") as f:
        f.write("kept\n")
    socket = host.ConsoleSocket(f"{box.dir}/s")
    b = box.bundle("echo written > /dev/console; sleep 100")
    b.process["terminal"] = True
    b.config["root"]["readonly"] = False
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/dev"]
    os.mkdir(f"{b.rootfs}/dev/pts")
    os.symlink(f"{elsewhere}/file", f"{b.rootfs}/dev/console")
    box.create(b, "--console-socket", socket.path)
    same(open(f"{elsewhere}/file").read(), "kept\n")
    same(host.mount_points_below(box.dir), [])


@test
def an_own_account_file_behind_a_link_is_not_read_from_the_host(box):
    elsewhere = outside(box)
    with open(f"{elsewhere}/passwd", "w") as f:
        f.write("root:x:0:0::/of-the-host:/bin/sh\n")
    b = box.bundle("echo $HOME")
    os.remove(f"{b.rootfs}/etc/passwd")
    os.symlink(f"{elsewhere}/passwd", f"{b.rootfs}/etc/passwd")
    r = box.run(b)
    assert "of-the-host" not in r.out, r


@test
def an_account_file_that_blocks_does_not_hang(box):
    b = box.bundle("echo $HOME")
    os.remove(f"{b.rootfs}/etc/passwd")
    os.mkfifo(f"{b.rootfs}/etc/passwd")
    box.run(b, timeout=10)


@test
def the_host_is_not_reachable_through_the_old_root(box):
    b = box.bundle("ls -d /proc/1/root/usr/lib/apt /.pivot* /oldroot 2>/dev/null; cd ../../../..; ls | grep -c log; true")
    b.capabilities("CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT")
    same(box.run(b).ok().out.strip(), "0")


@test
def inheritable_capabilities_are_empty_unless_configured(box):
    """CVE-2022-29162."""
    text = box.run(["cat", "/proc/self/status"]).ok().out
    same(int(host.status_field(text, "CapInh"), 16), 0)
    box.running(id="c2")
    text = box.exec("cat", "/proc/self/status", id="c2").ok().out
    same(int(host.status_field(text, "CapInh"), 16), 0)


@test
def mask_and_read_only_paths_behind_links_stay_in_the_root(box):
    elsewhere = outside(box)
    with open(f"{elsewhere}/file", "w") as f:
        f.write("kept\n")
    b = box.bundle("true")
    os.symlink(elsewhere, f"{b.rootfs}/link")
    b.linux["maskedPaths"] += ["/link/file", "/link"]
    b.linux["readonlyPaths"] += ["/link"]
    box.run(b)
    same(open(f"{elsewhere}/file").read(), "kept\n")
    open(f"{elsewhere}/writable", "w").close()
    same(host.mount_points_below(box.dir), [])
