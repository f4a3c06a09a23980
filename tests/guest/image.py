# SPDX-License-Identifier: Apache-2.0
"""The guest's kernel, initrd and root file system, made of Debian's packages from the sources of packages
that this host is configured with. They are made once for each recipe, and kept outside the clone."""
import fcntl
import glob
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL = ["linux-image-cloud-amd64"]
# The kernel has the rest of its drivers and ext4 built in.
MODULES = ["virtio_pci", "virtio_blk", "virtio_console"]
# Each of these takes its time under an emulator, and nothing in the guest needs it.
MASKED = """
    apparmor.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
    e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer getty.target dev-mqueue.mount
    proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount
    sys-kernel-tracing.mount kmod-static-nodes.service modprobe@.service systemd-ask-password-console.path
    systemd-ask-password-wall.path systemd-binfmt.service systemd-initctl.socket systemd-journal-flush.service
    systemd-modules-load.service systemd-pcrphase.service systemd-pcrphase-sysinit.service
    systemd-random-seed.service systemd-remount-fs.service systemd-sysctl.service systemd-sysusers.service
    systemd-timesyncd.service systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service
    systemd-update-utmp.service systemd-update-utmp-runlevel.service
""".split()
UNIT = """[Unit]
Description=The tests of hozo
After=dbus.service systemd-logind.service
[Service]
Type=simple
ExecStart=/usr/bin/python3 /hozo/guest.py
Delegate=yes
TasksMax=infinity
LimitMEMLOCK=infinity
[Install]
WantedBy=multi-user.target
"""


class Unavailable(Exception):
    """Raised with the reason why there can be no guest here."""


def cache():
    place = os.environ.get("XDG_CACHE_HOME") or ("/var/cache" if os.geteuid() == 0 else os.path.expanduser("~/.cache"))
    return f"{place}/hozo-tests"


def packages():
    with open(f"{HERE}/packages") as f:
        return [line.split("#")[0].strip() for line in f if line.split("#")[0].strip()]


def image(kernel, say):
    """The directory with vmlinuz, initrd and root.ext4 of this kernel: names of packages, or .deb files."""
    kernel = [os.path.abspath(k) if k.endswith(".deb") else k for k in kernel or KERNEL]
    made = f"{cache()}/guest-{digest(kernel)}"
    os.makedirs(cache(), exist_ok=True)
    with open(f"{made}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(made):
            say("making the guest's root file system")
            with tempfile.TemporaryDirectory(dir=cache()) as work:
                make(work, kernel)
                os.rename(f"{work}/made", made)
    return made


def digest(kernel):
    """Of all that the image is made of but for the packages' versions."""
    text = "\n".join(kernel)
    for name in ("packages", "image.py", "init"):
        with open(f"{HERE}/{name}") as f:
            text += f.read()
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def make(work, kernel):
    root, made = f"{work}/root", f"{work}/made"
    os.mkdir(made)
    bootstrap(root)
    release = unpack_kernel(work, kernel, root)
    settle(root)
    shutil.copy(vmlinuz(root, release), f"{made}/vmlinuz")
    write_initrd(f"{made}/initrd", root, release)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E", "lazy_itable_init=1",
        "-d", root, f"{made}/root.ext4", "3G")


def run(*command, **options):
    r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       **options)
    if r.returncode:
        raise Unavailable(f"{command[0]}: {' | '.join(r.stdout.strip().splitlines()[-3:])}")
    return r.stdout


def sources():
    """The lines of a sources.list with Debian's own packages."""
    return run("apt-get", "indextargets", "--format",
               "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
               "Created-By: Packages", "Origin: Debian")


def bootstrap(root):
    suite = run("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME").strip()
    with tempfile.NamedTemporaryFile("w", suffix=".list") as f:
        f.write(sources())
        f.flush()
        run("mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(packages())}",
            *(f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale", "info")),
            suite, root, f.name)


def unpacked(work, kernel):
    """The directory with what these packages hold."""
    debs = f"{work}/kernel"
    os.mkdir(debs)
    for package in kernel:
        if package.endswith(".deb"):
            shutil.copy(package, debs)
            continue
        if not shutil.which("apt-get"):
            raise Unavailable("apt-get is not there")
        # The package without a version in its name is empty, and depends on the one of today.
        depends = run("apt-cache", "depends", "--no-recommends", "--no-suggests", package)
        names = [line.split()[-1] for line in depends.splitlines() if "Depends: linux-image" in line]
        run("apt-get", "download", *(names or [package]), cwd=debs)
    for deb in glob.glob(f"{debs}/*.deb"):
        run("dpkg", "-x", deb, f"{debs}/unpacked")
    return f"{debs}/unpacked"


def unpack_kernel(work, kernel, root):
    """Its release."""
    files = unpacked(work, kernel)
    for place in ("lib/modules", "usr/lib/modules"):
        for directory in glob.glob(f"{files}/{place}/*"):
            shutil.copytree(directory, f"{root}/usr/lib/modules/{os.path.basename(directory)}", symlinks=True,
                            dirs_exist_ok=True)
    release, = os.listdir(f"{root}/usr/lib/modules")
    for file in glob.glob(f"{files}/boot/vmlinuz*"):
        shutil.copy(file, f"{root}/usr/lib/modules/{release}/vmlinuz")
    run("chroot", root, "depmod", release)
    return release


def vmlinuz(root, release):
    return f"{root}/usr/lib/modules/{release}/vmlinuz"


def settle(root):
    """What an administrator would do after the installation."""
    for kind in ("system-generators", "user-generators", "user-environment-generators"):
        for generator in glob.glob(f"{root}/lib/systemd/{kind}/*"):
            mask(f"{root}/etc/systemd/{kind}/{os.path.basename(generator)}")
    for unit in MASKED:
        mask(f"{root}/etc/systemd/system/{unit}")
    with open(f"{root}/etc/systemd/system/hozo-tests.service", "w") as f:
        f.write(UNIT)
    run("chroot", root, "systemctl", "enable", "hozo-tests.service")
    run("chroot", root, "systemctl", "set-default", "multi-user.target")
    run("chroot", root, "useradd", "-m", "-s", "/bin/sh", "-u", "1000", "ann")
    for name, text in (("hostname", "guest\n"), ("hosts", "127.0.0.1 localhost guest\n"), ("fstab", ""),
                       ("machine-id", "0123456789abcdef0123456789abcdef\n")):
        with open(f"{root}/etc/{name}", "w") as f:
            f.write(text)
    os.makedirs(f"{root}/hozo", exist_ok=True)


def mask(link):
    os.makedirs(os.path.dirname(link), exist_ok=True)
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink("/dev/null", link)


# --- the initrd: busybox, the modules that the root file system is behind, and a script

def write_initrd(path, root, release):
    modules = modules_of(root, release)
    entries = [("bin", stat.S_IFDIR | 0o755, b""), ("modules", stat.S_IFDIR | 0o755, b"")]
    entries += [(d, stat.S_IFDIR | 0o755, b"") for d in ("dev", "proc", "sys", "mnt")]
    entries += [("bin/busybox", stat.S_IFREG | 0o755, read(f"{root}/bin/busybox"))]
    entries += [("init", stat.S_IFREG | 0o755, read(f"{HERE}/init"))]
    entries += [(f"modules/{n:02}.ko", stat.S_IFREG | 0o644, data) for n, data in enumerate(modules)]
    with open(path, "wb") as f:
        for number, entry in enumerate([*entries, ("TRAILER!!!", 0, b"")]):
            f.write(newc(number, *entry))


def modules_of(root, release):
    """The contents of the modules that are needed, each after those that it depends on."""
    paths = []
    for module in MODULES:
        for line in run("chroot", root, "modprobe", "-S", release, "--show-depends", module).splitlines():
            kind, *rest = line.split()
            if kind == "insmod" and rest[0] not in paths:
                paths.append(rest[0])
    return [read(root + p) if not p.endswith(".xz") else
            subprocess.run(["xz", "-dc", root + p], check=True, stdout=subprocess.PIPE).stdout for p in paths]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def newc(number, name, mode, data):
    """An entry of a cpio archive as the kernel unpacks it."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
