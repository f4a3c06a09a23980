# SPDX-License-Identifier: Apache-2.0
"""A machine that QEMU emulates, with four memory nodes, and what it is given to do."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from image import HERE, run

FORMS = {
    "v2": "guest.form=v2",
    "selinux": "guest.form=v2 security=selinux selinux=1 enforcing=0",
    "systemd": "guest.form=systemd systemd.unified_cgroup_hierarchy=1",
    "systemd-hybrid": "guest.form=systemd systemd.unified_cgroup_hierarchy=0",
    "systemd-v1": "guest.form=systemd systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1",
}
# Nothing that measures time at the start may decide anything: on a busy host the guest stands still at times.
COMMAND_LINE = ("console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests audit=0 nowatchdog no_timer_check "
                "tsc=reliable rcupdate.rcu_cpu_stall_suppress=1 systemd.show_status=0 systemd.log_level=warning")
# QEMU 7.2 spoils the flags of cmpxchg16b, by which Linux 6.12 dies in its allocator. A fifth level of page tables is
# only slow.
CPU = "max,cx16=off,la57=off"
NODES, NODE_SIZE = 4, "512M"
PR_SET_PDEATHSIG = 1


def qemu(image, work, form, more):
    nodes = [f"-object memory-backend-ram,id=m{n},size={NODE_SIZE} -numa node,nodeid={n},cpus={n},memdev=m{n}".split()
             for n in range(NODES)]
    disks = [(f"{image}/root.ext4", "root", "snapshot=on"), (f"{work}/given.ext4", "given", "readonly=on"),
             (f"{work}/scratch", "scratch", "snapshot=off"), (f"{work}/swap", "swap", "snapshot=off")]
    return ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", CPU, "-smp", str(NODES),
            "-m", f"{NODES * int(NODE_SIZE[:-1])}M", *sum(nodes, []),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd",
            "-append", " ".join([COMMAND_LINE, FORMS[form], *more]),
            "-chardev", f"file,id=console,path={work}/console", "-serial", "chardev:console",
            "-device", "virtio-serial-pci",
            "-chardev", "stdio,id=output,signal=off", "-device", "virtserialport,chardev=output,name=hozo.output",
            "-chardev", f"file,id=status,path={work}/status",
            "-device", "virtserialport,chardev=status,name=hozo.status",
            *sum((["-drive", f"if=none,id={name},file={file},format=raw,cache=unsafe,{option}",
                   "-device", f"virtio-blk-pci,drive={name},serial=hozo-{name}"] for file, name, option in disks), [])]


def give(work, trees, files, command):
    """Writes the disk with all that the guest is given: copies of directories, which it finds where they are here, with
    files that they have there only."""
    given = f"{work}/given"
    os.mkdir(given)
    shutil.copy(f"{HERE}/guest.py", given)
    for n, (path, leave_out) in enumerate(trees):
        shutil.copytree(path, f"{given}/{n}", symlinks=True, ignore=shutil.ignore_patterns(*leave_out))
        for file, text in files.items():
            if file.startswith(f"{path}/"):
                write(f"{given}/{n}{file.removeprefix(path)}", text)
    with open(f"{given}/command.json", "w") as f:
        json.dump({"trees": [path for path, _ in trees], "command": command}, f)
    size = sum(os.lstat(f"{d}/{f}").st_size + 4096 for d, _, files in os.walk(given) for f in files)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-d", given,
        f"{work}/given.ext4", f"{size // 1024 * 5 // 4 + 16384}k")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def boot(image, form, trees, files, command, seconds, more=()):
    """The command's exit status; its output went to our standard output. Afterwards nothing of the machine is left."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp"), prefix="hozo-guest-") as work:
        give(work, trees, files, command)
        for name, size in (("scratch", 512 << 20), ("swap", 256 << 20)):
            with open(f"{work}/{name}", "wb") as f:
                f.truncate(size)
        machine = subprocess.Popen(qemu(image, work, form, more), stdin=subprocess.PIPE,
                                   env={**os.environ, "TMPDIR": work}, preexec_fn=die_with_parent)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            machine.wait(seconds)
        except subprocess.TimeoutExpired:
            return failed(work, f"the guest did not end within {seconds} s")
        finally:
            machine.kill()
            machine.wait()
        try:
            with open(f"{work}/status") as f:
                return int(f.read().split()[1])
        except (OSError, IndexError, ValueError):
            return failed(work, f"the guest ended without a status, QEMU with {machine.returncode}")


def failed(work, reason):
    print(f"guest: {reason}; the end of its console:", file=sys.stderr)
    try:
        with open(f"{work}/console", errors="replace") as f:
            print("".join(f.readlines()[-40:]), file=sys.stderr)
    except OSError:
        pass
    return 125


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
