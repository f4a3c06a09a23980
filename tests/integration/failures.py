# SPDX-License-Identifier: Apache-2.0
"""Each kind of failure says in one line what of the configuration it was, what was done about it and what the
kernel said; and nothing is left: no mount, control group, process or state. A row is a change of a bundle
that runs, and that line."""
import os

import host
from harness import same, test


def file(b, name="file", content=""):
    path = f"{b.path}/{name}"
    with open(path, "w") as f:
        f.write(content)
    return path


def directory(b, name="dir"):
    os.makedirs(f"{b.path}/{name}", exist_ok=True)
    return f"{b.path}/{name}"


def link(b, name, target):
    os.symlink(target, f"{b.rootfs}/{name}")


def namespace(b, kind, **members):
    next(n for n in b.linux["namespaces"] if n["type"] == kind).update(members)


def device(b, **members):
    b.linux["devices"] = [members]


def missing_source(b):
    b.bind(f"{b.path}/absent", "/mnt")


def source_through_a_file(b):
    b.bind(f"{file(b)}/x", "/mnt")


def read_only_target(b):
    b.bind(directory(b), "/mnt", "ro")
    b.mount("/mnt/below")


def read_only_target_file(b):
    b.bind(directory(b), "/mnt", "ro")
    b.bind(file(b), "/mnt/below")


def loop_in_a_destination(b):
    link(b, "loop", "loop")
    b.mount("/loop/below")


def loop_in_a_bind(b):
    link(b, "loop", "/loop")
    b.bind(directory(b), "/loop")


def file_where_a_directory_must_be(b):
    b.mount("/etc/passwd")


def destination_below_a_file(b):
    b.mount("/etc/passwd/below")


def proc_behind_a_link(b):
    os.rmdir(f"{b.rootfs}/proc")
    link(b, "proc", "tmp")


def link_into_proc(b):
    link(b, "link", "/proc/sys")
    b.mount("/link")


def full_copy(b):
    with open(f"{b.rootfs}/etc/large", "wb") as f:
        f.write(b"x" * 200000)
    b.mount("/etc", options=["tmpcopyup", "size=64k"])


def device_in_the_place_of_another(b):
    device(b, path="/dev/pts/ptmx", type="c", major=1, minor=3)


def device_below_a_file(b):
    device(b, path="/etc/passwd/x", type="p")


def mask_loop(b):
    link(b, "loop", "loop")
    b.linux["maskedPaths"].append("/loop")


def read_only_loop(b):
    link(b, "loop", "loop")
    b.linux["readonlyPaths"].append("/loop")


def mask_without_a_null_device(b):
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    dev = directory(b)
    with open(f"{dev}/null", "w"):
        pass
    b.bind(dev, "/dev")
    b.linux["maskedPaths"] = ["/etc/passwd"]


def no_mount_on_the_host(b):
    b.linux["rootfsPropagation"] = "shared"
    b.config["root"]["path"] = "rootfs/etc/passwd"


def noexec_program(b):
    b.bind(directory(b), "/mnt", "noexec")
    os.link(f"{b.rootfs}/bin/busybox", f"{b.path}/dir/program")
    b.program(["/mnt/program"])


def change(**members):
    def f(b):
        for path, value in members.items():
            *parents, last = path.split("__")
            at = b.config
            for name in parents:
                at = at[name]
            at[last] = value
    return f


LONG = "h" * 65
PR_CAPBSET_DROP, CAP_MKNOD = 24, 27

ROWS = {
    "a source that is not there": (missing_source,
        "mounts[7]: bind {b}/absent to /mnt: open source: no such file or directory"),
    "a source below a file": (source_through_a_file,
        "mounts[7]: bind {b}/file/x to /mnt: open source: not a directory"),
    "a target in a read-only mount": (read_only_target,
        "mounts[8]: mount tmpfs to /mnt/below: open target: read-only file system"),
    "a file to be made in a read-only mount": (read_only_target_file,
        "mounts[8]: bind {b}/file to /mnt/below: open target: read-only file system"),
    "a loop in a destination": (loop_in_a_destination,
        "mounts[7]: mount tmpfs to /loop/below: open target: too many levels of symbolic links"),
    "a loop as a destination": (loop_in_a_bind,
        "mounts[7]: bind {b}/dir to /loop: open target: too many levels of symbolic links"),
    "a directory on a file": (file_where_a_directory_must_be,
        "mounts[7]: mount tmpfs to /etc/passwd: open target: not a directory"),
    "a destination below a file": (destination_below_a_file,
        "mounts[7]: mount tmpfs to /etc/passwd/below: open target: not a directory"),
    "a proc behind a link": (proc_behind_a_link,
        "mounts[0]: mount proc to /proc: open target: too many levels of symbolic links"),
    "a link into proc": (link_into_proc,
        "mounts[7]: mount tmpfs to /link: not the file that it should be: operation not permitted"),
    "a file system that is unknown": (lambda b: b.mount("/mnt", fstype="frobfs"),
        "mounts[7]: mount frobfs to /mnt: fsopen: no such device"),
    "an option that is unknown": (lambda b: b.mount("/mnt", options=["colour=red"]),
        "mounts[7]: mount tmpfs to /mnt: fsconfig: invalid argument"),
    "a value of an option": (lambda b: b.mount("/mnt", options=["size=much"]),
        "mounts[7]: mount tmpfs to /mnt: fsconfig: invalid argument"),
    "a file system without its device": (lambda b: b.mount("/mnt", "/absent", "ext4"),
        "mounts[7]: mount ext4 to /mnt: fsconfig: no such file or directory"),
    "options that are too many": (lambda b: b.mount("/mnt", "s" * 300, options=["x" * 4090, "y" * 10]),
        "mounts[7]: mount tmpfs to /mnt: mount: argument list too long"),
    "a copy that does not fit": (full_copy, "mounts[7]: mount tmpfs to /etc: copy up: no space left on device"),
    "a remount of nothing": (lambda b: b.mount("/etc", options=["remount", "ro"]),
        "mounts[7]: remount /etc: mount_setattr: invalid argument"),
    "a device where another is": (device_in_the_place_of_another,
        "linux.devices[0]: make /dev/pts/ptmx: not the file that it should be: file exists"),
    "a device below a file": (device_below_a_file,
        "linux.devices[0]: make /etc/passwd/x: open target: not a directory"),
    "a masked loop": (mask_loop,
        "linux.maskedPaths[10]: mask /loop: open target: too many levels of symbolic links"),
    "a read-only loop": (read_only_loop,
        "linux.readonlyPaths[5]: make read-only /loop: open target: too many levels of symbolic links"),
    "a mask without a null device": (mask_without_a_null_device,
        "linux.maskedPaths[0]: mask /etc/passwd: not the file that it should be: invalid argument"),
    "a root that is not there": (change(root__path="absent"),
        "root.path: root {b}/absent: open: no such file or directory"),
    "a root that is a file": (change(root__path="rootfs/etc/passwd"),
        "root.path: root {b}/rootfs/etc/passwd: open: not a directory"),
    "a shared root that is a file": (no_mount_on_the_host,
        "root.path: root {b}/rootfs/etc/passwd: open: not a directory"),
    "a sysctl's value": (change(linux__sysctl={"net.ipv4.ip_forward": "x"}),
        "linux.sysctl[\"net.ipv4.ip_forward\"]: write net.ipv4.ip_forward: write: invalid argument"),
    "a sysctl that the kernel lacks": (change(linux__sysctl={"net.frob": "1"}),
        "linux.sysctl[\"net.frob\"]: write net.frob: open: no such file or directory"),
    "a host name that is too long": (change(hostname=LONG), "hostname: hostname: invalid argument"),
    "a domain name that is too long": (change(domainname=LONG), "domainname: domainname: invalid argument"),
    "a working directory that is a file": (change(process__cwd="/etc/passwd"),
        "process.cwd: make /etc/passwd: mkdir: not a directory"),
    "a working directory in a read-only mount": (change(process__cwd="/sys/absent"),
        "process.cwd: make /sys/absent: mkdir: "),
    "a namespace of another type": (lambda b: namespace(b, "network", path="/proc/self/ns/uts"),
        "linux.namespaces[1]: join network namespace /proc/self/ns/uts: not the file that it should be: invalid argument"),
    "a namespace that is a file": (lambda b: namespace(b, "network", path=file(b)),
        "linux.namespaces[1]: join network namespace {b}/file: not the file that it should be: invalid argument"),
    "a namespace that is not there": (lambda b: namespace(b, "ipc", path="/absent"),
        "linux.namespaces[2]: join ipc namespace /absent: open: no such file or directory"),
    "a namespace twice": (lambda b: b.linux["namespaces"].append({"type": "ipc"}),
        "linux.namespaces[5]: there is already an entry of type ipc"),
    "a limit that the kernel refuses": (change(process__rlimits=[{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}]),
        "process.rlimits[0]: set RLIMIT_NOFILE: operation not permitted"),
    "a limit that is unknown": (change(process__rlimits=[{"type": "RLIMIT_FROB", "soft": 1, "hard": 1}]),
        "process.rlimits[0].type: \"RLIMIT_FROB\" is not one of RLIMIT_AS"),
    "a program that is a directory": (change(process__args=["/etc"]), "process.args: exec: \"/etc\": "),
    "a program that is not there": (change(process__args=["/absent"]),
        "process.args: exec: \"/absent\": no such file or directory"),
    "a program that must not be executed": (noexec_program,
        "process.args: exec: \"/mnt/program\": permission denied"),
    "a hook that fails": (lambda b: b.hook("createContainer", "/bin/false"), "hooks.createContainer[0]"),
    "a hook that is not there": (lambda b: b.hook("createRuntime", "/absent"), "hooks.createRuntime[0]"),
}


@test(cases=ROWS)
def it_is_told_and_nothing_is_left(box, row):
    spoil, line = row
    host.private_mounts()
    host.libc.mount(None, b"/", None, 1 << 20 | host.MS_REC, None)
    b = box.bundle("true")
    spoil(b)
    before, pid_file = [m.point for m in host.mounts()], f"{box.dir}/pid"
    r = box.create(b, "--pid-file", pid_file)
    same([m.point for m in host.mounts()], before)
    r.fails()
    assert r.err.startswith("hozo: " + line.replace("{b}", b.path)), r
    assert not os.path.exists(pid_file), "a pid file means success to engines"
    box.nothing_left()
    box.unknown()


@test
def a_device_that_the_runtime_may_not_make(box):
    """Where mknod(2) is denied, as in a nested container: here the capability is taken away."""
    b = box.bundle("true")
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.bind(directory(b), "/dev")
    device(b, path="/dev/denied", type="b", major=7, minor=9)
    r = box.create(b, preexec_fn=lambda: host.libc.prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0))
    r.fails("linux.devices[0]: make /dev/denied: mknod: operation not permitted")
    box.nothing_left()
    box.unknown()


@test
def a_capability_that_is_unknown_is_a_warning(box):
    """config.md: what the kernel does not know is to be told, and not an error."""
    b = box.bundle("grep CapBnd /proc/self/status")
    b.capabilities("CAP_CHOWN", "CAP_FROB")
    r = box.run(b).ok()
    same((int(r.out.split()[1], 16), r.err), (1, ""))
    box.hozo("--debug", "run", "--bundle", b.path, "c1").ok().says("process.capabilities.bounding: CAP_FROB cannot be granted")


@test
def a_program_that_the_kernel_cannot_execute_is_told_by_start(box):
    b = box.bundle(["/bin/broken"])
    with open(f"{b.rootfs}/bin/broken", "wb") as f:
        f.write(b"\x7fELF broken")
    os.chmod(f"{b.rootfs}/bin/broken", 0o755)
    box.create(b).ok()
    box.hozo("start", "c1").fails("process.args: exec: \"/bin/broken\": exec format error")
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
    box.nothing_left()


@test(cases={"a status": ("exit 127", "exited with a failure: status 127"),
             "a signal": ("kill -9 $$", "killed by a signal: 9")})
def a_hook_that_fails_inside_is_told_by_start(box, case):
    script, text = case
    b = box.bundle("true")
    b.hook("startContainer", "/bin/sh", ["sh", "-c", script])
    box.create(b).ok()
    r = box.hozo("start", "c1")
    r.fails("hooks.startContainer[0]: ")
    assert r.err.endswith(f": {text}\n"), r
