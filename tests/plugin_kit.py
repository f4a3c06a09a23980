# SPDX-License-Identifier: Apache-2.0
"""What a vendor has: an installed hozo, its pkg-config file, and a compiler; nothing of this tree."""
import fcntl
import glob
import os
import re
import shutil
import subprocess

import host
from harness import Skip
from made_plugins import empty_directory, shared_rootfs


class Kit:
    def __init__(self, box):
        for program in ("cc", "meson", "ninja", "pkg-config"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        self.box, self.prefix = box, os.path.dirname(os.path.dirname(box.runtime))
        files = [f for pattern in ("lib/pkgconfig", "lib/*/pkgconfig")
                 for f in glob.glob(f"{self.prefix}/{pattern}/hozo-plugin.pc")]
        if not files:
            raise Skip("the runtime is not an installed one with plugins")
        box.rootfs = box.rootfs or shared_rootfs(os.path.dirname(box.dir))
        self.env = {"PATH": f"{os.path.dirname(box.runtime)}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "PKG_CONFIG_PATH": os.path.dirname(files[0]), "LC_ALL": "C.UTF-8", "HOME": box.dir}

    def command(self, *words, **more):
        return subprocess.run(words, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, **more)

    def did(self, *words, **more):
        r = self.command(*words, **more)
        assert r.returncode == 0, f"$ {' '.join(words)}\n{r.stdout}"
        return r.stdout

    def variable(self, name):
        return self.did("pkg-config", f"--variable={name}", "hozo-plugin").strip()

    def built(self, source):
        """What is installed of a folder, below this directory, made by the first test that asks for it."""
        ready = f"{os.path.dirname(self.box.dir)}/kit-{os.path.basename(source)}"
        with open(f"{ready}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(ready):
                own = f"{self.box.dir}/own"
                shutil.copytree(source, f"{own}/source")
                self.did("meson", "setup", "build", "source", cwd=own)
                self.did("ninja", "-C", "build", cwd=own)
                self.did("meson", "install", "-C", "build", "--no-rebuild", "--destdir", f"{ready}.new", cwd=own)
                os.rename(f"{ready}.new", ready)
        return ready

    def own_directories(self):
        """Gives the test a mount namespace in which vendors' and administrators' directories are its own."""
        host.private_mounts()
        for name in "vendorplugindir", "settingsdir":
            empty_directory(self.variable(name), f"{self.box.dir}/{name}")

    def install(self, source):
        """As its package would."""
        self.own_directories()
        vendor = self.variable("vendorplugindir")
        shutil.copytree(f"{self.built(source)}{vendor}", vendor, symlinks=True, dirs_exist_ok=True)


def command_in(text, program):
    """The line of a comment that begins with this program."""
    return re.search(rf"^ \*  +({program} .*)$", text, re.M)[1]
