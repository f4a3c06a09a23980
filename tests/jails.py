# SPDX-License-Identifier: Apache-2.0
"""Containers of FreeBSD on Linux: the plugin freebsd with a simulated kernel behind it (plugins/freebsd/simulated-host.c)."""
import contextlib
import json
import os
import shutil
import subprocess

import box as boxes
import bundle as bundles
import host
from harness import Skip, same
from plugin_directory import PluginDirectory


RUNNER = "/var/run/hozo/jails"
PROGRAMS = "cat echo false grep id ls sh sleep stty test touch true tty".split()


class Jails:
    """A simulated kernel in a file, and what drives it. It knows names of its own: directories of the runner are the
    host's, and tests run side by side."""

    def __init__(self, box):
        plugin, self.tool = (f"{box.build}/plugins/freebsd/{name}" for name in ("freebsd-simulated.so", "freebsd-kernel"))
        if not os.path.exists(plugin):
            raise Skip("the plugin with the simulated kernel is not built")
        self.box, self.kernel = box, f"{box.dir}/kernel"
        self.plugins = PluginDirectory(box, installed=True)
        self.plugins.without("freebsd")
        shutil.copy(plugin, f"{self.plugins.path}/freebsd.so")
        os.chmod(f"{self.plugins.path}/freebsd.so", 0o755)
        self.kernel_does("new")
        self.ids = 0
        box.undo.append(self.undo)
        self.clean = self.show()

    def undo(self):
        """A test that has failed leaves directories of the runner, which lie outside its own: what is mounted there goes
        first, and then only what is empty."""
        for number in range(1, self.ids + 1):
            directory = f"{RUNNER}/{self.id_of(number)}"
            for point in reversed(host.mount_points_below(os.path.realpath(directory))):
                host.detach(point)
            for name in "start", "result":
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(f"{directory}/{name}")
            for path in f"{directory}/root", directory:
                with contextlib.suppress(FileNotFoundError, OSError):
                    os.rmdir(path)

    def kernel_does(self, *words):
        return subprocess.run([self.tool, self.kernel, *words], check=True, capture_output=True, text=True, timeout=60).stdout

    def show(self):
        return self.kernel_does("show")

    def has(self, *lines):
        """The kernel as it is before any container."""
        for words in lines:
            self.kernel_does(*words.split(" ", 3) if words.startswith("jail") else words.split(" ", 1))
        self.clean = self.show()
        return self

    def id_of(self, number):
        return f"{os.path.basename(self.box.dir)}-{os.getpid()}-{number}"

    def id(self):
        self.ids += 1
        return self.id_of(self.ids)

    @staticmethod
    def make_rootfs(path):
        """Of few programs: a root with all of them takes longer than the container's whole life."""
        bundles.applets()
        for directory in "bin", "dev", "proc", "tmp":
            os.makedirs(f"{path}/{directory}")
        shutil.copy(bundles.BUSYBOX, f"{path}/bin/busybox")
        for applet in PROGRAMS:
            os.link(f"{path}/bin/busybox", f"{path}/bin/{applet}")
        os.chmod(f"{path}/tmp", 0o1777)

    def bundle(self, program="sleep 1000", jail=None, **members):
        self.box.count += 1
        path = f"{self.box.dir}/jail{self.box.count}"
        self.make_rootfs(f"{path}/rootfs")
        process = {"cwd": "/", "args": ["sh", "-c", program], "env": ["PATH=/bin"], **members.pop("process", {})}
        config = {"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "process": process,
                  "freebsd": {"jail": jail or {}}, **members}
        with open(f"{path}/config.json", "w") as f:
            json.dump(config, f)
        return path

    def environment(self, fail=None):
        more = {"HOZO_SIMULATED": self.kernel}
        if fail:
            more["HOZO_SIMULATED_FAIL"] = str(fail)
        return {**boxes.ENVIRONMENT, **more}

    def hozo(self, *words, fail=None, **more):
        return self.box.hozo("--plugin-dir", self.plugins.path, *words, env=self.environment(fail), **more)

    def spawn(self, *words, **more):
        return self.box.spawn("--plugin-dir", self.plugins.path, *words, env=self.environment(), **more)

    def calls(self):
        return int(self.kernel_does("calls"))

    def created(self, *words, **members):
        id = self.id()
        self.hozo("create", "--bundle", self.bundle(*words, **members), id).ok()
        return id

    def running(self, *words, **members):
        id = self.created(*words, **members)
        self.hozo("start", id).ok()
        return id

    def state(self, id):
        return json.loads(self.hozo("state", id).ok().out)

    def status(self, id):
        return self.state(id)["status"]

    def nothing_left(self):
        same(self.show(), self.clean)
        same(sorted(os.listdir(self.box.root)) if os.path.exists(self.box.root) else [], [])
