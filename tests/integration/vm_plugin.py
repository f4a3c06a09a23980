# SPDX-License-Identifier: Apache-2.0
"""The section vm: what is asked for by it, by annotations and by settings is what the guest has."""
import gzip
import os
import shutil
import stat
import subprocess
import sys

import host
from harness import Skip, same, test
from machine_box import asked, machine, settings
from machines import LIMIT, MIB

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
import image  # noqa: E402


def status(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return next(line.split()[1] for line in f if line.startswith(f"{name}:"))


def program(pid):
    return os.path.basename(os.readlink(f"/proc/{pid}/exe"))


# --- what is asked for -------------------------------------------------------------------------------

@test(timeout=LIMIT, sanitized=False)
def the_hardware_and_the_command_line(box):
    bundle = machine(box, "nproc; head -n1 /proc/meminfo; cat /proc/cmdline", hwConfig={"vcpus": 2, "memory": 200 * MIB + 1})
    bundle.config["vm"]["kernel"]["parameters"] = ["hozo.test=1", "loglevel=3"]
    processors, memory, line = box.run(bundle).ok().out.splitlines()
    same(processors, "2")
    assert 150 * 1024 < int(memory.split()[1]) < 201 * 1024, memory
    assert line.endswith(" hozo.test=1 loglevel=3"), line


@test(timeout=LIMIT, sanitized=False)
def parameters_of_the_hypervisor_win(box):
    bundle = machine(box, "cat /proc/cmdline; grep -c 0000:00 /proc/iomem",
                     hypervisor={"path": "", "parameters": ["-machine", "q35,accel=tcg", "-cpu", "max"]})
    line, busses = box.run(bundle).ok().out.splitlines()
    assert int(busses) and "tsc_early_khz" not in line, line


@test(timeout=LIMIT, cases={"raw": "raw", "qcow2": "qcow2"})
def an_image_is_the_guests_own_root(box, form):
    if not shutil.which("qemu-img") and form != "raw":
        raise Skip("qemu-img is not installed")
    os.makedirs(f"{box.dir}/image/etc")
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", f"{box.dir}/image", f"{box.dir}/raw", "16M"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    if form != "raw":
        subprocess.run(["qemu-img", "convert", "-O", form, f"{box.dir}/raw", f"{box.dir}/{form}"], check=True)
    bundle = machine(box, "grep -c ' vda$' /proc/partitions; test -e /lost+found", image={"path": f"{box.dir}/{form}", "format": form})
    same(box.run(bundle).ends(1).out, "1\n")


@test(timeout=LIMIT, sanitized=False)
def an_initial_ram_disk_of_ones_own_is_the_first_part(box):
    entries = [("init", stat.S_IFREG | 0o755, b"not executable"), ("TRAILER!!!", 0, b"")]
    with gzip.open(f"{box.dir}/initrd", "wb") as f:
        f.write(b"".join(image.newc(number, *entry) for number, entry in enumerate(entries)))
    bundle = machine(box, "uname -r")
    bundle.config["vm"]["kernel"]["initrd"] = f"{box.dir}/initrd"
    same(box.run(bundle).ok().out.strip(), bundle.kernel.release)


@test(timeout=LIMIT, sanitized=False)
def what_the_guest_writes_is_in_the_bundle(box):
    os.makedirs(f"{box.dir}/data")
    bundle = machine(box, "echo a > /data/a; chown 5:6 /data/a; chmod 4751 /data/a; ln -s a /data/link; mknod /data/fifo p")
    bundle.config["mounts"].append({"destination": "/data", "source": f"{box.dir}/data", "options": ["bind"]})
    for kind in ("bounding", "effective", "permitted"):
        bundle.config["process"]["capabilities"][kind] = ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID"]
    box.run(bundle).ok()
    st = os.stat(f"{box.dir}/data/a")
    same((st.st_uid, st.st_gid, oct(st.st_mode)), (5, 6, oct(stat.S_IFREG | 0o4751)))
    same(os.readlink(f"{box.dir}/data/link"), "a")
    assert stat.S_ISFIFO(os.stat(f"{box.dir}/data/fifo").st_mode)


# --- who asks -----------------------------------------------------------------------------------------

@test(timeout=LIMIT)
def annotations_ask_for_a_machine(box):
    bundle = box.bundle("uname -r; head -n1 /proc/meminfo; grep -o hozo.test=.* /proc/cmdline")
    kernel = asked()
    bundle.config["annotations"] = {"hozo.vm.kernel": kernel.path, "hozo.vm.memory": "160M",
                                    "hozo.vm.kernel-parameters": "hozo.test=1 hozo.test=2"}
    version, memory, line = box.run(bundle).ok().out.splitlines()
    same((version, line), (kernel.release, "hozo.test=1 hozo.test=2"))
    assert int(memory.split()[1]) < 160 * 1024, memory


@test(timeout=LIMIT)
def settings_say_what_an_annotation_leaves_open(box):
    kernel = asked()
    settings(box, kernel=kernel.path, memory=150 * MIB)
    bundle = box.bundle("uname -r; head -n1 /proc/meminfo")
    bundle.config["annotations"] = {"hozo.vm": "true"}
    version, memory = box.run(bundle).ok().out.splitlines()
    same(version, kernel.release)
    assert int(memory.split()[1]) < 150 * 1024, memory


@test
def an_annotation_may_say_that_it_is_none(box):
    bundle = box.bundle("uname -r")
    bundle.config["annotations"] = {"hozo.vm": "false", "hozo.vm.kernel": "/nonexistent"}
    same(box.run(bundle).ok().out.strip(), os.uname().release)


# --- a copy of the files -------------------------------------------------------------------------------

def copied(box, script="cat /file; cat /data/file; touch /x /data/x 2>&1"):
    if not shutil.which("mksquashfs"):
        raise Skip("mksquashfs is not installed")
    settings(box, share="image")
    bundle = machine(box, script)
    bundle.config["root"]["readonly"] = True
    for directory in ("data", "dev", "proc", "sys"):
        os.makedirs(f"{bundle.rootfs}/{directory}", exist_ok=True)
    os.makedirs(f"{box.dir}/data")
    for place in (bundle.rootfs, f"{box.dir}/data"):
        with open(f"{place}/file", "w") as f:
            f.write(f"in {os.path.basename(place)}\n")
    bundle.config["mounts"].append({"destination": "/data", "source": f"{box.dir}/data", "options": ["bind", "ro"]})
    return bundle


@test(timeout=LIMIT)
def whoever_writes_nothing_may_have_a_copy(box):
    bundle = copied(box)
    out = box.run(bundle).ends(1).out
    assert out.startswith(f"in {os.path.basename(bundle.rootfs)}\nin data\n"), out
    same(out.count("Read-only file system"), 2, out)


def written_root(bundle):
    bundle.config["root"]["readonly"] = False
    return "root.readonly: must be true"


def written_mount(bundle):
    bundle.config["mounts"][-1]["options"] = ["bind"]
    return f"mounts[{len(bundle.config['mounts']) - 1}]: is not read-only"


@test(cases={"the root": written_root, "a mount": written_mount})
def whoever_writes_may_not(box, change):
    bundle = copied(box)
    text = change(bundle)
    box.run(bundle).fails(text)
    box.nothing_left()


# --- limits ---------------------------------------------------------------------------------------------

@test(timeout=LIMIT, sanitized=False)
def the_limit_of_memory_is_the_guests(box):
    bundle = machine(box, "head -n1 /proc/meminfo; sleep 1000")
    bundle.config["linux"]["resources"]["memory"] = {"limit": 150 * MIB}
    box.running(bundle)
    box.hozo("update", "--memory", str(100 * MIB), "c1").fails("linux.resources.memory.limit: the machine has 157286400 bytes")
    box.hozo("update", "--memory", str(150 * MIB), "c1").ok()
    box.hozo("update", "--memory", str(1000 * MIB), "c1").ok()
    box.hozo("update", "--memory", "-1", "c1").ok()
    box.exec("sh", "-c", "test $(head -n1 /proc/meminfo | tr -dc 0-9) -lt 153600").ok()
    box.hozo("delete", "--force", "c1").ok()


@test(timeout=LIMIT)
def what_the_hypervisor_may(box):
    box.running(machine(box, "sleep 1000"))
    monitor = box.state()["pid"]
    children = {program(pid): pid for pid in host.children(monitor)}
    qemu = next(pid for name, pid in children.items() if name.startswith("qemu"))
    same([int(status(qemu, f"Cap{kind}"), 16) for kind in ("Eff", "Prm", "Inh", "Bnd", "Amb")], [0] * 5)
    same((status(qemu, "Seccomp"), status(qemu, "NoNewPrivs")), ("2", "1"))
    # The virtiofsd in C makes a directory for its number below /var.
    same(set(os.listdir(f"/proc/{qemu}/root")) - {"lib64", "var"}, set("bin dev lib proc run share tmp usr vm".split()))
    same(os.listdir(f"/proc/{qemu}/root/vm"), ["kernel"])
    same(sorted(os.listdir(f"/proc/{qemu}/root/share")), ["root"])
    server = children["virtiofsd"]
    assert not int(status(server, "CapEff"), 16) & (1 << 21 | 1 << 12 | 1 << 39), status(server, "CapEff")
    same(status(server, "NoNewPrivs"), "1")
    box.hozo("delete", "--force", "c1").ok()


# --- what cannot be --------------------------------------------------------------------------------------

def absent_kernel(bundle):
    bundle.config["vm"]["kernel"]["path"] = "/nonexistent/vmlinuz"


def no_kernel(bundle):
    bundle.config["vm"]["kernel"]["path"] = "/etc"


def a_text(bundle):
    bundle.config["vm"]["kernel"]["path"] = "/etc/passwd"


def absent_hypervisor(bundle):
    bundle.config["vm"]["hypervisor"] = {"path": "/nonexistent/qemu-kvm"}


def absent_initrd(bundle):
    bundle.config["vm"]["kernel"]["initrd"] = "/nonexistent/initrd"


@test(cases={
    "a kernel that is not there": (absent_kernel, {}, "vm.kernel.path: /nonexistent/vmlinuz: no such file"),
    "a kernel that is a directory": (no_kernel, {}, "vm.kernel.path: /etc is no kernel"),
    "a kernel that is a text": (a_text, {}, "vm.kernel.path: /etc/passwd is no kernel"),
    "a hypervisor that is not there": (absent_hypervisor, {}, "vm.hypervisor.path: /nonexistent/qemu-kvm: no such file"),
    "an initial RAM disk that is not there": (absent_initrd, {}, "vm.kernel.initrd: /nonexistent/initrd: no such file"),
    "a module that the kernel does not have": (None, {"modules": ["none"]}, "vm.kernel.path: this kernel has no none"),
    "a share that the kernel does not have": (None, {"share": "9p"}, "9p: this kernel does not have it"),
    "modules that are not there": (None, {"modulesDirectory": "/etc"}, "vm: /etc, which the setting modulesDirectory"),
    "a virtiofsd that is not there": (None, {"virtiofsd": "/nonexistent/virtiofsd"}, "the setting virtiofsd names /nonexistent"),
    "a root that is no path": (None, {"roots": ["opt"]}, 'the setting roots: "opt" is no absolute path'),
})
def an_error_before_anything_is_made(box, case):
    change, given, text = case
    if given:
        settings(box, **given)
    bundle = machine(box)
    if change:
        change(bundle)
    box.run(bundle).fails(text)
    box.nothing_left()
