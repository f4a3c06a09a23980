# SPDX-License-Identifier: Apache-2.0
"""hozo-init where memfds may not be executed: a file on a tmpfs that nobody can write to (CVE-2019-5736).
tests/integration/neighbours.py looks at it from a container with all capabilities."""
import errno
import os
import shutil
import subprocess

import host
from box import ENVIRONMENT, Output
from harness import Skip, libc, same, test
from refusing import refusing


def refusal(path, flags=os.O_WRONLY):
    try:
        os.close(os.open(path, flags))
    except OSError as e:
        return errno.errorcode[e.errno]
    return None


@test(sanitized=False)
@host.memfd_noexec("2")
def the_lifecycle_needs_no_executable_memfd(box):
    same(box.run("echo inside").ok().out, "inside\n")
    box.running()
    same(box.exec("echo", "joined").ok().out, "joined\n")
    box.exec("sh", "-c", "exit 7").ends(7)
    box.hozo("delete", "--force", "c1").ok().silent()
    same(os.listdir(box.root), [])


@test(sanitized=False)
@host.memfd_noexec("1")
def where_memfds_are_not_executable_unasked_hozo_asks(box):
    pid = box.created("true")
    same(os.readlink(f"/proc/{pid}/exe"), "/memfd:hozo-init (deleted)")
    same(refusal(f"/proc/{pid}/exe"), "ETXTBSY")
    box.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
@host.memfd_noexec("2")
def the_file_is_mounted_nowhere_and_read_only(box):
    pid = box.created("true")
    same(os.readlink(f"/proc/{pid}/exe"), "/hozo-init")
    same(refusal(f"/proc/{pid}/exe"), "EROFS")
    same(refusal(f"/proc/{pid}/exe", os.O_RDWR | os.O_TRUNC), "EROFS")
    # Nor can whoever is root of the host change that: what he reaches is no root of a mount.
    exe = f"/proc/{pid}/exe".encode()
    for flags in (32, 32 | 4096):  # MS_REMOUNT, with MS_BIND
        same(libc.mount(b"none", exe, b"tmpfs", flags, None), -1)
    same(refusal(f"/proc/{pid}/exe"), "EROFS")
    device = os.stat(f"/proc/{pid}/exe").st_dev
    for who in ("self", str(pid)):
        with open(f"/proc/{who}/mountinfo") as f:
            numbers = [line.split()[2] for line in f]
        assert f"{os.major(device)}:{os.minor(device)}" not in numbers, who
    box.hozo("delete", "--force", "c1").ok()


def refusing_memfds(box, *arguments, more=()):
    """Runs hozo where execveat(2) of a memfd, and nothing else, fails as a security module makes it."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    out, err = f"{box.dir}/strace.out", f"{box.dir}/strace.err"
    command = ["strace", "-f", "-qq", "-o", f"{box.dir}/trace", "-P", "/memfd:hozo-init",
               "-e", "inject=execveat:error=EACCES", *more, box.runtime, "--root", box.root, *arguments]
    with open(out, "wb") as o, open(err, "wb") as e:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=ENVIRONMENT,
                              timeout=20).returncode
    with open(f"{box.dir}/trace") as f:
        assert "INJECTED" in f.read(), "nothing was refused"
    return Output(command, code, out, err)


@test(sanitized=False)
def where_a_security_module_refuses_memfds_everything_works(box):
    r = refusing_memfds(box, "run", "--bundle", box.bundle("echo inside").write().path, "c1").ok()
    same((r.out, r.err), ("inside\n", ""))
    box.running()
    same(refusing_memfds(box, "exec", "c1", "echo", "joined").ok().out, "joined\n")


@test(sanitized=False)
def who_may_not_mount_is_told_why_nothing_can_start(box):
    b = box.bundle("true").write()
    refused = refusing(("memfd_create", errno.EACCES), ("fsopen", errno.EPERM))
    box.hozo("create", "--bundle", b.path, "c1", preexec_fn=refused).fails(
        "memfd for hozo-init: sysctl vm.memfd_noexec", "tmpfs for hozo-init: fsopen: operation not permitted")
    box.nothing_left()
