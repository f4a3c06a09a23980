# SPDX-License-Identifier: Apache-2.0
"""containerd of a test's own, with its root and socket, and an image made there."""
import os
import shutil
import subprocess
import time

import host
from engine_image import IMAGE, make_image
from harness import Skip, same


class Containerd:
    """containerd of the test's own. Use it with `with`; afterwards nothing of it runs."""

    def __init__(self, box):
        for program in ("containerd", "ctr", "containerd-shim-runc-v2"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed (package containerd)")
        self.box = box
        # A socket's path has at most 107 bytes, and the shim adds a namespace and an id to the state's.
        self.dir, self.socket = f"{box.dir}/containerd", f"{box.dir}/c.sock"
        self.namespace = box.cgroup.strip("/") + "-engine"
        os.makedirs(self.dir)
        with open(f"{self.dir}/config.toml", "w") as f:
            f.write(f'version = 2\nroot = "{self.dir}/root"\nstate = "{self.dir}/state"\n'
                    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", '
                    '"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", '
                    '"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", '
                    '"io.containerd.internal.v1.tracing"]\n'
                    f'[grpc]\naddress = "{self.socket}"\n[ttrpc]\naddress = "{self.socket}.ttrpc"\n')

    def __enter__(self):
        self.log = open(f"{self.dir}/log", "wb")
        self.process = subprocess.Popen(["containerd", "--config", f"{self.dir}/config.toml"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        host.eventually(lambda: self._answers(), 30, "an answer of containerd")
        self.ctr("images", "import", "--snapshotter", "native", make_image(self.box.dir)).check_returncode()
        return self

    def _answers(self):
        assert self.process.poll() is None, open(f"{self.dir}/log").read()[-3000:]
        return os.path.exists(self.socket) and self.ctr("version").returncode == 0

    def __exit__(self, *_):
        for task in self.ctr("tasks", "list", "-q").stdout.split():
            self.ctr("tasks", "kill", "--signal", "KILL", task)
            host.eventually(lambda: not self.running(task))
            self.ctr("tasks", "delete", "--force", task)
        for container in self.ctr("containers", "list", "-q").stdout.split():
            self.ctr("containers", "delete", container)
        time.sleep(0.1)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def command(self, *arguments):
        return ["ctr", "--address", self.socket, "--namespace", self.namespace, *arguments]

    def ctr(self, *arguments, timeout=30, **more):
        return subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, **more)

    def _run(self, id, *command, options=()):
        return ("run", "--snapshotter", "native", "--runtime", "io.containerd.runc.v2", "--runc-binary",
                self.box.runtime, "--cgroup", f"{self.box.cgroup}-{id}", *options, IMAGE, id, *command)

    def run(self, id, *command, options=()):
        return self.ctr(*self._run(id, *command, options=options))

    def run_command(self, id, *command, options=()):
        return self.command(*self._run(id, *command, options=options))

    def started(self, id, *command, options=()):
        r = self.run(id, *command, options=["--detach", *options])
        same((r.returncode, r.stderr), (0, ""), "start")

    def status(self, id):
        for line in self.ctr("tasks", "list").stdout.splitlines()[1:]:
            if line.split()[0] == id:
                return line.split()[2]
        return None

    def running(self, id):
        return self.status(id) == "RUNNING"

    def nothing_runs(self):
        host.eventually(lambda: host.living_children() == [self.process.pid], 10,
                        "the end of all shims and containers")
