# SPDX-License-Identifier: Apache-2.0
"""What cannot run is refused at create, with the words that engines look for, and leaves nothing."""
import os

from harness import test


def refused(box, bundle, *texts, options=()):
    pid_file = f"{box.dir}/pid"
    box.create(bundle, "--pid-file", pid_file, *options).fails(*texts)
    assert not os.path.exists(pid_file), "a pid file means success to engines"
    box.nothing_left()
    box.unknown()


@test
def a_missing_program(box):
    refused(box, box.bundle(["frobnicate"]), 'exec: "frobnicate": executable file not found in $PATH',
            "no such file or directory")


@test
def a_missing_program_with_a_path(box):
    refused(box, box.bundle(["/bin/frobnicate"]), '"/bin/frobnicate"', "no such file or directory")


@test
def a_program_that_is_not_executable(box):
    b = box.bundle(["/etc/passwd"])
    refused(box, b, "/etc/passwd", "permission denied")


@test
def a_program_that_the_user_may_not_execute(box):
    b = box.bundle(["/bin/private"])
    os.link(f"{b.rootfs}/bin/busybox", f"{b.rootfs}/bin/private")
    os.chmod(f"{b.rootfs}/bin/private", 0o700)
    b.process["user"] = {"uid": 1000, "gid": 1000}
    refused(box, b, "/bin/private", "permission denied")


@test
def a_directory_for_a_program(box):
    refused(box, box.bundle(["/etc"]), 'exec: "/etc": is a directory: permission denied')


@test
def a_path_through_a_file(box):
    refused(box, box.bundle(["/etc/passwd/x"]), "not a directory")


@test
def a_program_is_looked_for_in_the_containers_path_only(box):
    b = box.bundle(["python3"])
    b.process["env"] = ["PATH=/nowhere:/usr/bin"]
    refused(box, b, 'exec: "python3"', "not found")


@test
def run_fails_as_create_does(box):
    box.run(["frobnicate"]).fails('exec: "frobnicate": executable file not found in $PATH')
    box.nothing_left()


@test
def a_terminal_without_a_console_socket(box):
    b = box.bundle("true")
    b.process["terminal"] = True
    refused(box, b, "cannot allocate tty", "console socket")


@test
def a_console_socket_without_a_terminal(box):
    refused(box, box.bundle("true"), "console socket", options=["--console-socket", f"{box.dir}/s"])


@test
def a_console_socket_that_nobody_listens_on(box):
    b = box.bundle("true")
    b.process["terminal"] = True
    refused(box, b, f"{box.dir}/nobody", options=["--console-socket", f"{box.dir}/nobody"])


@test
def a_bind_mount_without_its_source(box):
    b = box.bundle("true")
    b.bind(f"{box.dir}/absent", "/mnt")
    refused(box, b, f"mounts[{len(b.config['mounts']) - 1}]", "no such file or directory")


@test
def an_unknown_file_system(box):
    b = box.bundle("true")
    b.mount("/mnt", fstype="frobfs")
    refused(box, b, f"mounts[{len(b.config['mounts']) - 1}]", "no such device")


@test
def a_namespace_path_that_is_not_there(box):
    b = box.bundle("true")
    b.linux["namespaces"][1]["path"] = "/proc/1/ns/absent"
    refused(box, b, "linux.namespaces[1]", "no such file or directory")


@test
def a_namespace_path_of_another_kind(box):
    b = box.bundle("true")
    b.linux["namespaces"][1]["path"] = "/proc/self/ns/uts"
    refused(box, b, "linux.namespaces[1]")


@test
def a_limit_that_the_kernel_refuses(box):
    b = box.bundle("true")
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}]
    refused(box, b, "process.rlimits[0]")


@test
def a_mount_over_proc_is_refused(box):
    """CVE-2019-16884: what the runtime writes to /proc would land in the container's own file."""
    b = box.bundle("true")
    os.mkdir(f"{b.path}/fake")
    b.bind(f"{b.path}/fake", "/proc")
    refused(box, b, f"mounts[{len(b.config['mounts']) - 1}]", "/proc")
