# SPDX-License-Identifier: Apache-2.0
"""Mounts of a virtual machine: bind mounts reach the host's files, and no others."""
import os

import host
from harness import same, test
from machine_box import machine, settings, up
from machines import CLOUD, GENERIC, LIMIT


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


@test(timeout=LIMIT)
def directories_and_files_of_the_host_are_bound(box):
    b = machine(box, "cat /d/in /f; echo from guest > /d/out; echo changed > /f; ls /ro; "
                     "touch /ro/x 2>&1; echo x 2>/dev/null > /rofile || echo no; echo up; sleep 1000")
    os.mkdir(f"{box.dir}/d")
    os.mkdir(f"{box.dir}/ro")
    write(f"{box.dir}/d/in", "directory\n")
    write(f"{box.dir}/f", "file\n")
    write(f"{box.dir}/ro/kept", "")
    write(f"{box.dir}/rofile", "as before\n")
    b.bind(f"{box.dir}/d", "/d", "rw")
    b.bind(f"{box.dir}/f", "/f", "rw")
    b.bind(f"{box.dir}/ro", "/ro", "ro")
    b.bind(f"{box.dir}/rofile", "/rofile", "ro")
    out = up(box, b)
    same(out.out.splitlines(), ["directory", "file", "kept", "touch: /ro/x: Read-only file system", "no", "up"])
    same(open(f"{box.dir}/d/out").read(), "from guest\n")
    same(open(f"{box.dir}/f").read(), "changed\n")
    same(open(f"{box.dir}/rofile").read(), "as before\n")
    write(f"{box.dir}/d/late", "written meanwhile\n")
    same(box.exec("cat", "/d/late").ok().out, "written meanwhile\n")


@test(timeout=LIMIT, sanitized=False)
def what_is_read_only_stays_so_for_root_of_the_guest(box):
    """Who owns the guest's kernel may mount as it likes: the host does not let it write."""
    b = machine(box, "mount -o remount,rw,bind /ro 2>/dev/null; touch /ro/x 2>/dev/null; echo $?; "
                     "mount -o remount,rw,bind /rofile 2>/dev/null; echo x 2>/dev/null >> /rofile; echo end")
    b.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    os.mkdir(f"{box.dir}/ro")
    write(f"{box.dir}/rofile", "as before\n")
    b.bind(f"{box.dir}/ro", "/ro", "ro")
    b.bind(f"{box.dir}/rofile", "/rofile", "ro")
    same(box.run(b).ok().out, "1\nend\n")
    same(os.listdir(f"{box.dir}/ro"), [])
    same(open(f"{box.dir}/rofile").read(), "as before\n")


# What root of the guest does to write all the same, where it has /x and /tmp.
AGAIN = {
    "virtiofs": (CLOUD, "mkdir /tmp/all; mount -t virtiofs hozo /tmp/all && cd /tmp/all/root"),
    "9p": (GENERIC, "mount -o remount,bind,rw / && cd /"),
    "a copy": (CLOUD, "mount -o remount,rw /tmp"),
}


@test(cases={name: name for name in AGAIN}, timeout=LIMIT, sanitized=False)
def a_read_only_root_stays_so_for_root_of_the_guest(box, share):
    """Mount points that are missing are made in it nevertheless, as they are for any container."""
    package, again = AGAIN[share]
    b = machine(box, f"{again}; echo x > x; echo x >> etc/file; rm -r bin; mkdir new; echo tried; echo up; sleep 1000", package)
    b.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    b.config["root"]["readonly"] = True
    b.mount("/tmp")
    os.makedirs(f"{b.rootfs}/etc", exist_ok=True)
    os.makedirs(f"{b.rootfs}/tmp", exist_ok=True)
    write(f"{b.rootfs}/etc/file", "as before\n")
    if share == "a copy":
        settings(box, share="image")
    else:
        b.mount("/made/by/hozo")
        settings(box, share=share)
    out = up(box, b)
    assert "tried\n" in out.out, out
    same(open(f"{b.rootfs}/etc/file").read(), "as before\n")
    assert os.path.exists(f"{b.rootfs}/bin/busybox") and not {"x", "new"} & set(os.listdir(b.rootfs)), os.listdir(b.rootfs)
    with open(f"/proc/{box.state()['pid']}/mountinfo") as f:
        of, = [line.split()[5].split(",") for line in f if line.split()[4] == "/share/root"]
    assert "ro" in of, of


@test(timeout=LIMIT, sanitized=False)
def tmpfs_options_and_propagation_are_those_of_the_configuration(box):
    b = machine(box, "grep -E ' /(a|b|c|data) ' /proc/mounts | cut -d' ' -f2-4; df -m /a | tail -1 | awk '{print $2}'; "
                     "cat /data/sub/file; ls -ld /b | cut -c1-10; touch /c/x")
    b.mount("/a", options=["size=3m", "nosuid", "noexec"])
    b.mount("/b", options=["mode=1770", "nodev"])
    os.mkdir(f"{b.path}/data")
    os.mkdir(f"{b.path}/data/sub")
    write(f"{b.path}/data/sub/file", "relative\n")
    b.mount("/data", "data", "bind", ["rbind", "ro", "nosuid", "noexec", "private"])
    os.mkdir(f"{b.path}/c")
    b.bind("c", "/c", "rw", "nodev")
    lines = box.run(b).ok().out.splitlines()
    of = {line.split()[0]: line for line in lines[:4]}
    assert "nosuid" in of["/a"] and "noexec" in of["/a"], of
    assert "nodev" in of["/b"], of
    assert " ro," in of["/data"] and "noexec" in of["/data"], of
    same(lines[4:], ["3", "relative", "drwxrwx--T"])
    same(os.listdir(f"{b.path}/c"), ["x"])


@test(timeout=LIMIT, sanitized=False)
def nothing_of_the_host_is_seen_but_what_is_bound(box):
    """Neither by a way up from a bind mount nor by a link that leads out."""
    b = machine(box, "ls -a /d; cat /d/link 2>&1; cat /d/../secret 2>&1; mkdir /tmp/all; "
                     "mount -t virtiofs hozo /tmp/all && find /tmp/all -maxdepth 1 | sort")
    b.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    b.mount("/tmp")
    os.mkdir(f"{box.dir}/d")
    write(f"{box.dir}/secret", "secret\n")
    os.symlink(f"{box.dir}/secret", f"{box.dir}/d/link")
    b.bind(f"{box.dir}/d", "/d", "rw")
    r = box.run(b)
    assert "secret\n" not in r.out.replace("/secret", ""), r
    shared = [line for line in r.out.splitlines() if line.startswith("/tmp/all/")]
    assert set(os.path.basename(line) for line in shared) <= {"root", str(len(b.config["mounts"]) - 1)}, r


@test(timeout=LIMIT, sanitized=False)
def a_source_that_is_missing_is_named(box):
    b = machine(box)
    b.bind(f"{box.dir}/absent", "/mnt")
    box.create(b).fails(f"mounts[{len(b.config['mounts']) - 1}]", f"bind {box.dir}/absent to /mnt: open source: no such file or directory")
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def an_error_of_the_guest_is_told_with_its_path(box):
    """As if it had happened on the host: what cannot be done in the guest fails create."""
    b = machine(box)
    b.mount("/mnt", "none", "ext4")
    box.create(b).fails(f"mounts[{len(b.config['mounts']) - 1}]", "/mnt")
    box.nothing_left()
    b = machine(box)
    os.symlink("loop", f"{b.rootfs}/loop")
    b.bind(b.rootfs, "/loop")
    box.create(b).fails(f"mounts[{len(b.config['mounts']) - 1}]: bind to /loop: open target: too many levels of symbolic links")
    box.nothing_left()
    b = machine(box)
    b.linux["sysctl"] = {"kernel.no_such_setting": "1"}
    box.create(b).fails("linux.sysctl", "kernel.no_such_setting", "no such file or directory")
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def many_files_and_large_ones_pass_in_both_directions(box):
    b = machine(box, "cd /d; sha256sum < large; cp large copy; for n in $(seq 300); do echo $n > many/$n; done; ls many | wc -l; sync")
    os.mkdir(f"{box.dir}/d")
    os.mkdir(f"{box.dir}/d/many")
    data = os.urandom(8 << 20)
    with open(f"{box.dir}/d/large", "wb") as f:
        f.write(data)
    b.bind(f"{box.dir}/d", "/d", "rw")
    out = box.run(b).ok().out.splitlines()
    same(out[-1], "300")
    with open(f"{box.dir}/d/copy", "rb") as f:
        assert f.read() == data
    same(open(f"{box.dir}/d/many/77").read(), "77\n")
