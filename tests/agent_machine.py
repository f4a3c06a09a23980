# SPDX-License-Identifier: Apache-2.0
"""hozo-agent in a guest that QEMU emulates, with the kernel of the guests in which tests run (guest/image.py)."""
import fcntl
import glob
import os
import shutil
import socket
import stat
import subprocess
import sys

from agent import Monitor
from harness import Skip

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest"))
import image  # noqa: E402
import machine  # noqa: E402

VIRTIOFSD = ["/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd"]
MODULES = ["virtio_pci", "virtio_console", "virtio_blk", "virtio_net", "virtiofs"]
MEMORY = "256M"


def guest_image():
    """The newest that is there: tests of an agent are no reason to make one, which takes minutes."""
    made = [d for d in glob.glob(f"{image.cache()}/guest-*") if os.path.exists(f"{d}/root.ext4")]
    for program in ("qemu-system-x86_64", "debugfs", "mke2fs"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    if not made:
        raise Skip("there is no guest's kernel: tests/guest/run makes one")
    return max(made, key=os.path.getmtime)


def debugfs(directory, command):
    return subprocess.run(["debugfs", "-R", command, f"{directory}/root.ext4"], capture_output=True, check=True).stdout


def modules(directory):
    """Contents of the modules, each after those that it needs; kept, since the image is read by a slow program."""
    kept = f"{directory}/agent-modules"
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(kept):
            os.makedirs(f"{kept}.new", exist_ok=True)
            listed = debugfs(directory, "ls -p /usr/lib/modules").decode().split()
            release, = {line.split("/")[5] for line in listed} - {".", ".."}
            for n, path in enumerate(in_order(directory, f"/usr/lib/modules/{release}")):
                data = debugfs(directory, f"cat /usr/lib/modules/{release}/{path}")
                if path.endswith(".xz"):
                    data = subprocess.run(["xz", "-dc"], input=data, capture_output=True, check=True).stdout
                with open(f"{kept}.new/{n:02}-{os.path.basename(path).split('.')[0]}.ko", "wb") as f:
                    f.write(data)
            os.rename(f"{kept}.new", kept)
    return [(os.path.basename(p), image.read(p)) for p in sorted(glob.glob(f"{kept}/*.ko"))]


def in_order(directory, base):
    needs = {}
    for line in debugfs(directory, f"cat {base}/modules.dep").decode().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    names = {os.path.basename(p).split(".")[0].replace("-", "_"): p for p in needs}
    order = []
    for name in MODULES:
        if name in names:  # else the kernel has it built in
            order += [p for p in [*reversed(needs[names[name]]), names[name]] if p not in order]
    return order


def initrd(path, build, directory):
    loaded = modules(directory)
    entries = [("modules", stat.S_IFDIR | 0o755, b""),
               ("init", stat.S_IFREG | 0o755, image.read(f"{build}/plugins/vm/agent/hozo-agent")),
               ("hozo-init", stat.S_IFREG | 0o755, image.read(f"{build}/core/init/hozo-init")),
               ("modules/order", stat.S_IFREG | 0o644, "".join(f"{name}\n" for name, _ in loaded).encode())]
    entries += [(f"modules/{name}", stat.S_IFREG | 0o644, data) for name, data in loaded]
    with open(path, "wb") as f:
        for number, entry in enumerate([*entries, ("TRAILER!!!", 0, b"")]):
            f.write(image.newc(number, *entry))


class Machine(Monitor):
    """A guest with the agent in it. `share` is a directory that virtiofsd serves, `disks` are files; on a `console`
    the agent has to be told where its port is."""

    def __init__(self, box, share=None, disks=(), devices=(), console=False):
        if not box.build:
            raise Skip("no build directory")
        if os.geteuid():
            raise Skip("needs root")
        directory = guest_image()
        self.work = f"{box.dir}/machine"
        os.makedirs(self.work)
        initrd(f"{self.work}/initrd", box.build, directory)
        ours, theirs = socket.socketpair()
        self.children = []
        command = self.command(directory, theirs.fileno(), console)
        if share:
            command += self.share(share)
        for n, disk in enumerate(disks):
            command += ["-drive", f"if=none,id=d{n},file={disk},format=raw", "-device", f"virtio-blk-pci,drive=d{n}"]
        for device in devices:
            command += ["-device", device]
        self.machine = self.start(command, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.setblocking(False)
        super().__init__(ours, box.build)

    def command(self, directory, port, console):
        words = machine.COMMAND_LINE.replace("quiet", "loglevel=5") + (" hozo.port=/dev/hvc0" if console else "")
        return ["qemu-system-x86_64", "-machine", "q35,memory-backend=mem", "-accel", "tcg", "-cpu", machine.CPU,
                "-m", MEMORY, "-object", f"memory-backend-memfd,id=mem,size={MEMORY},share=on",
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", f"{directory}/vmlinuz", "-initrd", f"{self.work}/initrd",
                "-append", words,
                "-chardev", f"file,id=console,path={self.work}/console", "-serial", "chardev:console",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=port,fd={port}",
                "-device", "virtconsole,chardev=port" if console else "virtserialport,chardev=port,name=hozo"]

    def share(self, directory):
        program = next((p for p in VIRTIOFSD if os.access(p, os.X_OK)), None)
        if not program:
            raise Skip("virtiofsd is not installed")
        listening = f"{self.work}/fs"
        self.start([program, f"--socket-path={listening}", "-o", f"source={directory}", "-o", "sandbox=chroot",
                    "-o", "xattr"])
        while not os.path.exists(listening):
            assert self.children[0].poll() is None, "virtiofsd has ended"
        return ["-chardev", f"socket,id=fs,path={listening}", "-device", "vhost-user-fs-pci,chardev=fs,tag=share"]

    def start(self, command, **options):
        with open(f"{self.work}/said-{len(self.children)}", "wb") as said:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                     preexec_fn=machine.die_with_parent, **options)
        self.children.append(child)
        return child

    def console(self):
        with open(f"{self.work}/console", errors="replace") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.port.close()
        for child in reversed(self.children):
            child.kill()
            child.wait()
        if exception[0]:
            print(self.console()[-4000:])
            for n in range(len(self.children)):
                print(open(f"{self.work}/said-{n}", errors="replace").read()[-1000:])
