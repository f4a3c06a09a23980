# SPDX-License-Identifier: Apache-2.0
"""What docs/kernel.md says of kernels that lack a call: it works all the same, or an error says what is missing,
and nothing is left."""
import errno
import fcntl
import os

import host
from harness import libc, same, test
from refusing import refusing

MISSING = "function not implemented"
TIOCGPTPEER, NS_GET_NSTYPE, F_GET_SEALS, F_SEAL_WRITE = 0x5441, 0xb703, 1034, 8
MFD_EXEC, CLOSE_RANGE_CLOEXEC, MOUNT_ATTR_NOSYMFOLLOW = 0x10, 4, 0x00200000


def bundle(box):
    b = box.bundle()
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    return b


def with_bind(box):
    b = bundle(box)
    b.bind("/tmp", "/bound", "ro")
    return b


def without_symlinks(box):
    b = bundle(box)
    b.mount("/tmp", options=["nosymfollow"])
    return b


NEEDED = {
    "mount_setattr, for read-only paths and root": (bundle, ("mount_setattr", errno.ENOSYS), ["mount_setattr"]),
    "mount_setattr, for a bind mount": (with_bind, ("mount_setattr", errno.ENOSYS), ["mounts[6]", "mount_setattr"]),
    "close_range with CLOEXEC": (
        bundle, ("close_range", errno.EINVAL, 2, CLOSE_RANGE_CLOEXEC, "flag"), ["close_range: invalid argument"]),
    "close_range": (bundle, ("close_range", errno.ENOSYS), ["close_range"]),
    "clone3 of a control group": (bundle, ("clone3", errno.E2BIG), ["clone3"]),
    "clone3": (bundle, ("clone3", errno.ENOSYS), ["clone3"]),
    "openat2": (bundle, ("openat2", errno.ENOSYS), []),
    "pidfd_open": (bundle, ("pidfd_open", errno.ENOSYS), ["pidfd_open"]),
    "fsopen": (bundle, ("fsopen", errno.ENOSYS), ["mounts[0]: mount proc to /proc", "fsopen"]),
    "fsconfig": (bundle, ("fsconfig", errno.ENOSYS), ["mounts[0]: mount proc to /proc", "fsconfig"]),
    "fsmount": (bundle, ("fsmount", errno.ENOSYS), ["mounts[0]: mount proc to /proc", "fsmount"]),
    "open_tree": (bundle, ("open_tree", errno.ENOSYS), ["root.path", "open_tree"]),
    "move_mount": (bundle, ("move_mount", errno.ENOSYS), ["root.path", "move_mount"]),
    "execveat": (bundle, ("execveat", errno.ENOSYS), ["execute hozo-init"]),
    "memfd_create": (bundle, ("memfd_create", errno.ENOSYS), ["memfd for hozo-init"]),
    "the option nosymfollow": (
        without_symlinks, ("fsmount", errno.EINVAL, 2, MOUNT_ATTR_NOSYMFOLLOW, "flag"), ["mounts[6]", "fsmount"]),
}


@test(sanitized=False, cases=NEEDED)
def create_fails_and_leaves_nothing_without(box, case):
    make, rule, texts = case
    r = box.create(make(box), preexec_fn=refusing(rule))
    r.fails(*texts, "invalid argument" if rule[1] == errno.EINVAL else "argument list too long"
            if rule[1] == errno.E2BIG else MISSING)
    box.nothing_left()


@test(sanitized=False)
def without_faccessat2_the_program_is_found_all_the_same(box):
    """Profiles of seccomp from before Linux 5.8 do not know it."""
    same(box.run(box.bundle("echo runs"), preexec_fn=refusing(("faccessat2", errno.ENOSYS))).ok().out, "runs\n")


@test(sanitized=False)
def device_rules_on_cgroup_v2_are_never_left_out(box):
    host.cgroup_v2_only()
    box.create(box.bundle(), preexec_fn=refusing(("bpf", errno.ENOSYS))).fails("linux.resources.devices", MISSING)
    box.nothing_left()


@test(sanitized=False)
def a_namespace_whose_kind_cannot_be_told_is_not_joined(box):
    b = box.bundle()
    b.linux["namespaces"][1]["path"] = "/proc/self/ns/net"
    box.create(b, preexec_fn=refusing(("ioctl", errno.ENOTTY, 1, NS_GET_NSTYPE))).fails(
        "linux.namespaces[1]: join network namespace /proc/self/ns/net")
    box.nothing_left()


@test(sanitized=False)
def a_terminal_needs_tiocgptpeer(box):
    b = box.bundle()
    b.process["terminal"] = True
    console = host.ConsoleSocket(f"{box.dir}/console")
    r = box.create(b, "--console-socket", console.path,
                   preexec_fn=refusing(("ioctl", errno.ENOTTY, 1, TIOCGPTPEER)))
    r.fails("process.terminal", "open pseudo-terminal")
    box.nothing_left()


@test(sanitized=False, cases={"setns": ("setns", errno.EINVAL), "openat2": ("openat2", errno.ENOSYS),
                              "clone3": ("clone3", errno.ENOSYS), "pidfd_open": ("pidfd_open", errno.ENOSYS)})
def exec_fails_and_leaves_no_process_without(box, rule):
    box.running()
    before = len(host.living_children())
    r = box.exec("true", preexec_fn=refusing(rule))
    if rule[0] == "openat2":
        r.ok()  # nothing of the container is looked up by hozo-init but its accounts
    else:
        r.fails(rule[0], code=255)
    host.eventually(lambda: len(host.living_children()) == before)


# --- where a container is there, and cannot be looked at

@test(sanitized=False)
def without_pidfds_a_container_that_runs_is_not_taken_for_stopped(box):
    """A nested host may hide the call from hozo: delete must not forget a process that goes on."""
    b = box.bundle("sleep 100").write()
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.path, "c1").ok()
    box.hozo("start", "c1").ok()
    pid = box.state()["pid"]
    hidden = refusing(("pidfd_open", errno.EPERM))
    r = box.hozo("state", "c1", preexec_fn=hidden).ok()
    assert '"status": "running"' in r.out, r
    box.hozo("delete", "c1", preexec_fn=hidden).fails("not stopped")
    for command in (["delete", "--force", "c1"], ["kill", "c1"], ["kill", "--all", "c1"]):
        box.hozo(*command, preexec_fn=hidden).fails("pidfd_open: operation not permitted")
    box.exec("true", preexec_fn=hidden).fails("pidfd_open", code=255)
    assert host.alive(pid)


@test(sanitized=False)
def without_pidfds_a_container_that_waits_is_not_taken_for_stopped(box):
    box.created("sleep 100")
    box.hozo("start", "c1", preexec_fn=refusing(("pidfd_open", errno.EPERM))).fails("pidfd_open")
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok()


@test(sanitized=False)
def without_pidfds_a_container_that_has_ended_is_still_known_as_stopped(box):
    box.stopped()
    host.reap()
    box.hozo("delete", "c1", preexec_fn=refusing(("pidfd_open", errno.EPERM))).ok()


@test(sanitized=False)
def without_pidfd_send_signal_kill_says_so(box):
    pid = box.running()
    box.hozo("kill", "c1", preexec_fn=refusing(("pidfd_send_signal", errno.ENOSYS))).fails("signal", MISSING)
    assert host.alive(pid)


# --- what has a fallback

@test(sanitized=False)
def without_mfd_exec_hozo_init_is_sealed_all_the_same(box):
    older = refusing(("memfd_create", errno.EINVAL, 1, MFD_EXEC, "flag"))
    pid = box.created("true", preexec_fn=older)
    with open(f"/proc/{pid}/exe", "rb") as f:
        assert fcntl.fcntl(f, F_GET_SEALS) & F_SEAL_WRITE
    box.hozo("start", "c1").ok()


@test(sanitized=False)
def without_keys_no_keyring_is_made(box):
    same(box.run(box.bundle("echo runs"), preexec_fn=refusing(("keyctl", errno.ENOSYS))).ok().out, "runs\n")


@test(sanitized=False)
def keys_that_are_forbidden_are_an_error(box):
    """The container would inherit the caller's keyring."""
    box.create(box.bundle(), preexec_fn=refusing(("keyctl", errno.EPERM))).fails("keyring", "not permitted")
    box.nothing_left()


@test(sanitized=False)
def where_no_procfs_can_be_made_the_hosts_own_serves(box):
    b = box.bundle("sleep 100")
    b.process["oomScoreAdj"] = 123
    box.running(b)
    nested = refusing(("fsopen", errno.EPERM))
    same(box.exec("cat", "/proc/self/oom_score_adj", preexec_fn=nested).ok().out, "123\n")


@test(sanitized=False)
def where_no_procfs_can_be_made_another_file_system_on_proc_does_not_serve(box):
    b = box.bundle()
    b.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    host.private_mounts()
    real = f"{box.dir}/proc"
    os.mkdir(real)
    assert not libc.mount(b"proc", real.encode(), b"proc", 0, None)
    assert not libc.mount(b"tmpfs", b"/proc", b"tmpfs", 0, None)
    for name in os.listdir(real):
        os.symlink(f"{real}/{name}", f"/proc/{name}")
    try:
        box.create(b, preexec_fn=refusing(("fsopen", errno.EPERM))).fails("/proc is not the root of a procfs")
    finally:
        host.detach("/proc")
        host.detach(real)
    box.nothing_left()
