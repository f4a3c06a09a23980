# SPDX-License-Identifier: Apache-2.0
"""process.apparmorProfile: what the kernel forbids to the program, and to nobody else; for exec, too. Where the kernel
has AppArmor: in the guest, if the host has not. labels.py has what needs none."""
import errno
import os
import shutil
import subprocess

import host
from confined import (OUTSIDE, USER_RUNS, hooks_that_show, in_user_namespace, nothing_runs, of_a_user,
                      process_file)
from harness import Skip, children, libc, same, test
from refusing import refusing

SECURITYFS = "/sys/kernel/security"
SHOW = "cat /proc/self/attr/current"
TRY = f"{SHOW}; cat /allowed /denied"
DENIED = "cat: can't open '/denied': Permission denied"


def enabled():
    try:
        with open("/sys/module/apparmor/parameters/enabled") as f:
            return f.read() == "Y\n"
    except OSError:
        return False


def needs_apparmor():
    if not enabled():
        raise Skip("the kernel has no AppArmor, or does not use it")
    if not shutil.which("apparmor_parser"):
        raise Skip("apparmor_parser is not installed")
    if not os.path.isdir(f"{SECURITYFS}/apparmor"):
        libc.mount(b"securityfs", SECURITYFS.encode(), b"securityfs", 0, None)


def parser(option, name, flags=""):
    text = f"""profile {name} flags=(attach_disconnected{flags}) {{
        file, capability, network, mount, umount, pivot_root, signal, ptrace, unix, dbus,
        deny /denied rw,
        }}"""
    subprocess.run(["apparmor_parser", option, "--skip-cache"], input=text, text=True, check=True, capture_output=True)


def loaded(box, suffix="", flags=""):
    """The name of a profile that forbids /denied; it goes away with the test."""
    needs_apparmor()
    name = f"hozo-test-{os.getpid()}{suffix}"
    parser("--replace", name, flags)
    box.undo.append(lambda: parser("--remove", name) if is_loaded(name) else None)
    return name


def is_loaded(name):
    with open(f"{SECURITYFS}/apparmor/profiles") as f:
        return any(line.startswith(f"{name} ") for line in f)


def bundle(box, profile=None, program="sleep 100"):
    b = box.bundle(program)
    for name in ("allowed", "denied"):
        with open(f"{b.rootfs}/{name}", "w") as f:
            f.write(f"{name}\n")
    if profile is not None:
        b.process["apparmorProfile"] = profile
    return b


def confined(output, profile):
    same(output.ends(1).out, f"{profile} (enforce)\nallowed\n")
    output.says(DENIED)


def profile_of(pid):
    with open(f"/proc/{pid}/attr/current") as f:
        try:
            return f.read().strip("\n\0")
        except ProcessLookupError:  # it has ended meanwhile
            return ""


@test(cases={"by default": {}, "without noNewPrivileges": {"noNewPrivileges": False},
             "as a user": {"user": {"uid": 1000, "gid": 1000}},
             "as a user without noNewPrivileges": {"user": {"uid": 1000, "gid": 1000}, "noNewPrivileges": False}})
def the_program_is_denied_what_the_profile_denies(box, members):
    name = loaded(box)
    b = bundle(box, name, TRY)
    b.process.update(members)
    confined(box.run(b), name)
    del b.process["apparmorProfile"]
    same(box.run(b).ok().out, "unconfined\nallowed\ndenied\n", "without a profile")


@test
def in_a_user_namespace_too(box):
    name = loaded(box)
    confined(box.run(in_user_namespace(bundle(box, name, TRY))), name)


@test(cases={"with noNewPrivileges": True, "without": False})
def a_filter_that_forbids_what_a_label_needs_does_not_hinder_it(box, no_new_privileges):
    name = loaded(box)
    b = bundle(box, name, TRY)
    b.process["noNewPrivileges"] = no_new_privileges
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["fsopen", "fsconfig", "fsmount", "openat2", "readlinkat", "fstatfs"],
         "action": "SCMP_ACT_ERRNO"}]}
    confined(box.run(b), name)
    b.program("sleep 100")
    box.running(b)
    confined(box.exec("sh", "-c", TRY), name)


@test
def hozo_of_an_ordinary_user_can_confine_too(box):
    name = loaded(box)
    b = of_a_user(box, bundle(box, name, "sleep 100"))
    box.running(b, **USER_RUNS)
    confined(box.exec("sh", "-c", TRY, **USER_RUNS), name)
    box.create(of_a_user(box, bundle(box, "hozo-test-nobody")), id="c2", **USER_RUNS).fails("no such profile is loaded")


@test
def what_joins_later_is_confined_as_well(box):
    name = loaded(box)
    box.running(bundle(box, name))
    confined(box.exec("sh", "-c", TRY), name)
    confined(box.exec("sh", "-c", TRY, options=("--user", "1000:1000")), name)
    for members in ({}, {"apparmorProfile": ""}, {"apparmorProfile": None}):
        confined(box.hozo("exec", "--process", process_file(box, TRY, **members), "c1"), name)


@test
def what_joins_later_may_have_a_profile_of_its_own(box):
    name, other = loaded(box), loaded(box, "-other")
    box.running(bundle(box, name))
    confined(box.exec("sh", "-c", TRY, options=("--apparmor", other)), other)
    confined(box.hozo("exec", "--process", process_file(box, TRY, apparmorProfile=other), "c1"), other)
    confined(box.hozo("exec", "--process", process_file(box, TRY, apparmorProfile=name), "--apparmor", other, "c1"),
             other)
    same(box.exec("sh", "-c", SHOW, options=("--apparmor", "unconfined")).ok().out, "unconfined\n")
    confined(box.exec("sh", "-c", TRY, options=("--apparmor", "")), name)


@test
def in_a_container_without_a_profile_what_joins_may_have_one(box):
    name = loaded(box)
    box.running(bundle(box))
    same(box.exec("sh", "-c", SHOW).ok().out, "unconfined\n")
    confined(box.exec("sh", "-c", TRY, options=("--apparmor", name)), name)
    confined(box.hozo("exec", "--process", process_file(box, TRY, apparmorProfile=name), "c1"), name)


@test
def nothing_but_the_program_has_it(box):
    """Neither hozo nor any hook; and the container's process only from its start on."""
    name = loaded(box)
    b = bundle(box, name)
    log = hooks_that_show(b, SHOW)
    pid = box.created(b)
    same(profile_of(pid), "unconfined", "before the start")
    box.hozo("start", "c1").ok()
    host.eventually(lambda: profile_of(pid) == f"{name} (enforce)", 10, "the profile")
    box.hozo("delete", "--force", "c1").ok()
    hozo = box.spawn_run(b, id="c2")
    host.eventually(lambda: os.path.isdir(f"{box.root}/c2") and box.state("c2")["status"] == "running", 10, "the start")
    same(profile_of(hozo.pid), "unconfined", "hozo")
    box.hozo("delete", "--force", "c2").ok()
    hozo.wait()
    for kind in (*OUTSIDE, "startContainer"):
        with open(f"{log}/{kind}") as f:
            same(f.read(), "unconfined\n", kind)


@test
def a_profile_may_only_complain(box):
    name = loaded(box, flags=",complain")
    same(box.run(bundle(box, name, SHOW)).ok().out, f"{name} (complain)\n")


@test
def a_profile_that_is_not_loaded_is_an_error_before_anything_runs(box):
    needs_apparmor()
    b = bundle(box, "hozo-test-nobody")
    ask = nothing_runs(box, b)
    for run in (box.create, box.run):
        run(b).fails('process.apparmorProfile: "hozo-test-nobody": no such profile is loaded')
        ask()


@test
def exec_under_a_profile_that_is_not_loaded_runs_nothing(box):
    name = loaded(box)
    b = bundle(box, name)
    b.config["root"]["readonly"] = False
    box.running(b)
    message = 'process.apparmorProfile: "hozo-test-nobody": no such profile is loaded'
    box.exec("touch", "/ran", options=("--apparmor", "hozo-test-nobody")).fails(message, code=255)
    path = process_file(box, "touch /ran", apparmorProfile="hozo-test-nobody")
    box.hozo("exec", "--process", path, "c1").fails(message, code=255)
    parser("--remove", name)
    box.exec("touch", "/ran").fails(f'"{name}": no such profile is loaded', code=255)
    assert not os.path.exists(f"{b.rootfs}/ran")
    same(box.state()["status"], "running")


@test
def a_profile_that_is_gone_at_the_start_is_an_error(box):
    name = loaded(box)
    b = bundle(box, name, "touch /ran")
    b.config["root"]["readonly"] = False
    box.created(b)
    parser("--remove", name)
    box.hozo("start", "c1").fails("process.apparmorProfile: attr/apparmor/exec: write label: no such file or directory")
    assert not os.path.exists(f"{b.rootfs}/ran")


def covering_proc(box, name):
    """A container that has put files of its own where the kernel's take the profile."""
    b = bundle(box, name, "mount -t tmpfs none /proc && mkdir -p /proc/self/attr/apparmor && "
                          ": > /proc/self/attr/apparmor/exec && touch /proc/done; sleep 100")
    b.capabilities("CAP_SYS_ADMIN")
    root = f"/proc/{box.running(b)}/root/proc"
    host.eventually(lambda: os.path.exists(f"{root}/done"), 10, "the mount")
    return f"{root}/self/attr/apparmor/exec"


@test
def what_the_container_mounts_over_proc_catches_no_label(box):
    name = loaded(box)
    trap = covering_proc(box, name)
    r = box.exec("cat", "/allowed", "/denied").ends(1).says(DENIED)
    same(r.out, "allowed\n")
    same(os.path.getsize(trap), 0)


@test
def where_no_procfs_can_be_made_the_one_of_the_container_serves(box):
    """A nested host may be refused one of its own."""
    name = loaded(box)
    box.running(bundle(box, name))
    confined(box.exec("sh", "-c", TRY, preexec_fn=refusing(("fsopen", errno.EPERM))), name)


@test
def if_it_is_one(box):
    name = loaded(box)
    trap = covering_proc(box, name)
    r = box.exec("cat", "/allowed", preexec_fn=refusing(("fsopen", errno.EPERM)))
    r.fails("own-procfs", code=255)
    same(os.path.getsize(trap), 0)


@test
def that_a_profile_is_there_is_asked_without_a_change(box):
    """hozo asks by its own file of /proc: it keeps the profile that it has."""
    name = loaded(box)
    box.created(bundle(box, name))
    program = f"{box.runtime} --root {box.root} exec --apparmor {name} c1 true; {SHOW}"
    r = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True)
    same((r.stdout, r.stderr), ("unconfined\n", ""))
    p = box.spawn("exec", "--apparmor", name, "c1", "sleep", "100")
    host.eventually(lambda: any(profile_of(c) == f"{name} (enforce)" for c in children(p.pid)), 10, "the exec")
    same(profile_of(p.pid), "unconfined", "hozo, while the process runs")
