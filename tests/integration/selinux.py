# SPDX-License-Identifier: Apache-2.0
"""process.selinuxLabel and linux.mountLabel: which context the program, its keyring and the files of its mounts have.
In the guest of the form `selinux`; labels.py has what needs none."""
import os

import host
from compiled import compiled
from confined import (OUTSIDE, USER_RUNS, hooks_that_show, in_user_namespace, nothing_runs, of_a_user,
                      process_file)
from harness import same, test
from selinux_policy import needs_selinux

HOST = "user_u:role_r:host_t:s0-s0:c0.c99"
PROCESS, OTHER = "user_u:role_r:container_t:s0:c1,c2", "user_u:role_r:exec_t:s0:c1,c2"
FILES, OTHER_FILES = "user_u:object_r:container_file_t:s0:c1,c2", "user_u:object_r:other_file_t:s0:c3,c4"
HOST_FILES = "user_u:object_r:host_file_t:s0"
SHOW = "cat /proc/self/attr/current"

# Prints the label of the session keyring.
KEYRING = r"""
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    char label[4096] = "";

    if (syscall(SYS_keyctl, KEYCTL_GET_SECURITY, KEY_SPEC_SESSION_KEYRING, label, sizeof(label) - 1) < 0)
        return 1;
    puts(label);
}
"""


def bundle(box, program="sleep 100", label=PROCESS, mounts=None):
    b = box.bundle(program)
    if label is not None:
        b.process["selinuxLabel"] = label
    if mounts is not None:
        b.linux["mountLabel"] = mounts
    return b


def said(output):
    """What the program printed; the kernel ends a label with NUL."""
    return output.ok().out.rstrip("\0\n")


def context_of(pid):
    with open(f"/proc/{pid}/attr/current") as f:
        return f.read().rstrip("\0\n")


def label_of(path):
    return os.getxattr(path, "security.selinux").decode().rstrip("\0")


def options_of_mounts(text):
    """{mount point: options of its file system} of what /proc/self/mountinfo says."""
    rows = [line.split() for line in text.splitlines()]
    return {row[4]: row[-1] for row in rows}


# --- the process

@test(cases={"by default": {}, "without noNewPrivileges": {"noNewPrivileges": False},
             "as a user": {"user": {"uid": 1000, "gid": 1000}},
             "as a user without noNewPrivileges": {"user": {"uid": 1000, "gid": 1000}, "noNewPrivileges": False}})
def the_program_runs_in_its_context(box, members):
    needs_selinux(box)
    b = bundle(box, SHOW)
    b.process.update(members)
    same(said(box.run(b)), PROCESS)
    del b.process["selinuxLabel"]
    same(said(box.run(b)), HOST, "without a label")


@test
def in_a_user_namespace_too(box):
    needs_selinux(box)
    b = in_user_namespace(bundle(box, f"{SHOW}; cat /proc/self/mountinfo >&2", mounts=FILES))
    b.mount("/var", "ramfs", "ramfs")
    r = box.run(b)
    same(said(r), PROCESS)
    found = options_of_mounts(r.err)
    for point in ("/dev", "/dev/pts", "/dev/shm", "/proc/acpi", "/var"):
        assert f'context="{FILES}"' in found[point], (point, found[point])


@test
def hozo_of_an_ordinary_user_can_label_too(box):
    needs_selinux(box)
    b = of_a_user(box, bundle(box, mounts=FILES))
    root = f"/proc/{box.running(b, **USER_RUNS)}/root"
    same(said(box.exec("sh", "-c", SHOW, **USER_RUNS)), PROCESS)
    for path in ("/dev", "/dev/shm", "/dev/mqueue"):
        same(label_of(root + path), FILES, path)


@test
def what_the_program_starts_is_not_labelled_by_us(box):
    needs_selinux(box)
    names = ("exec", "fscreate", "keycreate", "sockcreate")
    same(said(box.run(bundle(box, "; ".join(f"cat /proc/self/attr/{n}" for n in names)))), "")


@test
def what_joins_later_has_the_context_as_well(box):
    needs_selinux(box)
    box.running(bundle(box))
    same(said(box.exec("sh", "-c", SHOW)), PROCESS)
    same(said(box.exec("sh", "-c", SHOW, options=("--user", "1000:1000"))), PROCESS)
    for members in ({}, {"selinuxLabel": ""}, {"selinuxLabel": None}):
        same(said(box.hozo("exec", "--process", process_file(box, SHOW, **members), "c1")), PROCESS)


@test(cases={"with": PROCESS, "without": None})
def what_joins_a_container_with_or_without_a_label_may_have_its_own(box, label):
    needs_selinux(box)
    box.running(bundle(box, label=label))
    same(said(box.exec("sh", "-c", SHOW)), label or HOST)
    same(said(box.exec("sh", "-c", SHOW, options=("--process-label", OTHER))), OTHER)
    same(said(box.hozo("exec", "--process", process_file(box, SHOW, selinuxLabel=OTHER), "c1")), OTHER)
    same(said(box.hozo("exec", "--process", process_file(box, SHOW, selinuxLabel=PROCESS), "--process-label", OTHER,
                       "c1")), OTHER)


@test
def nothing_but_the_program_has_it(box):
    """Neither hozo nor any hook; and the container's process only from its start on."""
    needs_selinux(box)
    b = bundle(box)
    log = hooks_that_show(b, SHOW)
    pid = box.created(b)
    same(context_of(pid), HOST, "before the start")
    box.hozo("start", "c1").ok()
    host.eventually(lambda: context_of(pid) == PROCESS, 10, "the context")
    box.hozo("delete", "--force", "c1").ok()
    for kind in (*OUTSIDE, "startContainer"):
        with open(f"{log}/{kind}") as f:
            same(f.read().rstrip("\0\n"), HOST, kind)
    same(context_of("self"), HOST)


# --- the keyring

@test
def the_session_keyring_has_the_context_of_the_process(box):
    needs_selinux(box)
    b = bundle(box)
    compiled(box, KEYRING, f"{b.rootfs}/bin/keyring", "-static", "-O1")
    box.running(b)
    same(said(box.exec("keyring")), PROCESS)
    same(said(box.exec("keyring", options=("--process-label", OTHER))), OTHER)
    box.hozo("delete", "--force", "c1").ok()
    b.program("keyring")
    same(said(box.run(b)), PROCESS)
    del b.process["selinuxLabel"]
    same(said(box.run(b)), HOST, "without a label")


@test
def without_a_keyring_of_its_own_none_is_labelled(box):
    needs_selinux(box)
    b = bundle(box, "keyring || echo none")
    compiled(box, KEYRING, f"{b.rootfs}/bin/keyring", "-static", "-O1")
    assert said(box.run(b, "--no-new-keyring")) in (HOST, "none")


# --- the mounts

@test
def the_mounts_of_the_container_have_the_label(box):
    needs_selinux(box)
    b = bundle(box, "cat /proc/self/mountinfo", mounts=FILES)
    for kind in ("ramfs", "bpf", "hugetlbfs"):
        b.mount(f"/{kind}", kind, kind)
    lower = f"{b.path}/lower"
    os.mkdir(lower)
    b.mount("/layers", "overlay", "overlay", [f"lowerdir={lower}:{b.rootfs}/etc"])
    b.mount("/copied", options=["tmpcopyup"])
    os.mkdir(f"{b.rootfs}/copied")
    with open(f"{b.rootfs}/copied/file", "w") as f:
        f.write("x")
    found = options_of_mounts(box.run(b).ok().out)
    label = f'context="{FILES}"'
    for point in ("/dev", "/dev/pts", "/dev/shm", "/ramfs", "/bpf", "/hugetlbfs", "/layers", "/copied", "/proc/acpi"):
        assert label in found[point], (point, found[point])
    for point in ("/", "/proc", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/proc/sys"):
        assert "context=" not in found[point], (point, found[point])


@test
def files_have_it_where_the_mount_has_no_option(box):
    needs_selinux(box)
    b = bundle(box, mounts=FILES)
    bound = f"{b.path}/bound"
    os.mkdir(bound)
    b.bind(bound, "/bound")
    null = label_of("/dev/null")
    root = f"/proc/{box.running(b)}/root"
    same(label_of(f"{root}/dev/mqueue"), FILES)
    same(label_of(f"{root}/dev/null"), FILES, "a device of the container")
    # What belongs to others is left as it is.
    same(label_of("/dev/null"), null, "the host's device")
    same(label_of(f"{root}/bound"), HOST_FILES)
    same(label_of(f"{root}/bin"), HOST_FILES)
    same(label_of("/dev/mqueue"), HOST_FILES, "the host's message queues")
    same(label_of("/sys/fs/cgroup"), HOST_FILES)


@test
def the_message_queues_of_the_host_keep_their_label(box):
    needs_selinux(box)
    b = bundle(box, mounts=FILES)
    b.without_namespace("ipc")
    root = f"/proc/{box.running(b)}/root"
    same(label_of(f"{root}/dev/mqueue"), HOST_FILES)
    same(label_of("/dev/mqueue"), HOST_FILES)


@test
def a_label_that_the_configuration_gives_to_a_mount_counts(box):
    needs_selinux(box)
    b = bundle(box, "cat /proc/self/mountinfo", mounts=FILES)
    b.mount("/quoted", options=[f'context="{OTHER_FILES}"', "size=1m"])
    b.mount("/plain", options=[f"context={OTHER_FILES}"])
    b.mount("/top", options=[f'rootcontext="{OTHER_FILES}"'])
    found = options_of_mounts(box.run(b).ok().out)
    for point in ("/quoted", "/plain"):
        assert f'context="{OTHER_FILES}"' in found[point] and FILES not in found[point], (point, found[point])
    assert f'rootcontext="{OTHER_FILES}"' in found["/top"] and FILES not in found["/top"], found["/top"]


@test
def options_that_are_too_long_for_fsconfig_do_not_lose_it(box):
    needs_selinux(box)
    b = bundle(box, "cat /proc/self/mountinfo; cat /layers/9/file", mounts=FILES)
    layers = [f"{b.path}/a-layer-with-a-rather-long-name-{n}" for n in range(10)]
    for n, layer in enumerate(layers):
        os.makedirs(f"{layer}/{n}")
        with open(f"{layer}/{n}/file", "w") as f:
            f.write("x\n")
    b.mount("/layers", "overlay", "overlay", [f"lowerdir={':'.join(layers)}"])
    out = box.run(b).ok().out
    line = next(row for row in out.splitlines() if " /layers " in row)
    assert f'context="{FILES}"' in line and out.endswith("\nx\n"), out


@test
def an_annotation_chooses_the_option(box):
    needs_selinux(box)
    b = bundle(box, "cat /proc/self/mountinfo", mounts=FILES)
    b.config["annotations"] = {"run.oci.mount_context_type": "rootcontext"}
    found = options_of_mounts(box.run(b).ok().out)
    for point in ("/dev", "/dev/shm", "/proc/acpi"):
        assert f'rootcontext="{FILES}"' in found[point], (point, found[point])


@test
def a_mount_label_needs_no_label_of_the_process(box):
    needs_selinux(box)
    out = box.run(bundle(box, f"{SHOW}; grep /dev/shm /proc/self/mountinfo", label=None, mounts=FILES)).ok().out
    assert out.startswith(HOST) and f'context="{FILES}"' in out, out


# --- errors

@test(cases={"of the process": ("selinuxLabel", "user_u:role_r:nobody_t:s0"), "that is none": ("selinuxLabel", "x"),
             "of the mounts": ("mountLabel", "user_u:object_r:container_file_t:s1")})
def a_label_that_the_policy_does_not_know_is_an_error_before_anything_runs(box, case):
    needs_selinux(box)
    member, label = case
    b = bundle(box)
    ask = nothing_runs(box, b)
    section, path = (b.process, "process") if member == "selinuxLabel" else (b.linux, "linux")
    section[member] = label
    for run in (box.create, box.run):
        run(b).fails(f'{path}.{member}: "{label}": is not valid in the policy that is loaded')
        ask()


@test
def exec_with_a_label_that_the_policy_does_not_know_runs_nothing(box):
    needs_selinux(box)
    b = bundle(box)
    b.config["root"]["readonly"] = False
    box.running(b)
    message = 'process.selinuxLabel: "x:y:z:s0": is not valid in the policy that is loaded'
    box.exec("touch", "/ran", options=("--process-label", "x:y:z:s0")).fails(message, code=255)
    path = process_file(box, "touch /ran", selinuxLabel="x:y:z:s0")
    box.hozo("exec", "--process", path, "c1").fails(message, code=255)
    assert not os.path.exists(f"{b.rootfs}/ran")
