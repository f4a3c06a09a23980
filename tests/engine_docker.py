# SPDX-License-Identifier: Apache-2.0
"""dockerd of a test's own, with a root, a socket and a containerd of its own, and no network."""
import os
import signal
import subprocess

import bundle
import host
from engine import cgroups_below, finish, need, own_system_directories
from harness import same

IMAGE = "busybox"


class Docker:
    """Use it with `with`; afterwards nothing of it runs."""

    def __init__(self, box):
        need(("dockerd", "docker.io"), ("docker", "docker.io"), ("containerd", "containerd"))
        own_system_directories()
        self.box, self.dir, self.cgroup = box, f"{box.dir}/docker", f"{box.cgroup}-docker"
        self.environment = {"PATH": os.environ["PATH"], "HOME": box.dir, "DOCKER_HOST": f"unix://{box.dir}/d.sock",
                            "DOCKER_CONFIG": f"{self.dir}/client"}
        os.makedirs(self.dir)
        with open(f"{self.dir}/daemon.json", "w") as f:
            f.write("{}")

    def __enter__(self):
        self.log = open(f"{self.dir}/log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--config-file", f"{self.dir}/daemon.json", "--data-root", f"{self.dir}/data",
             "--exec-root", f"{self.box.dir}/x", "--pidfile", f"{self.dir}/pid", "--host", f"unix://{self.box.dir}/d.sock",
             "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs",
             "--cgroup-parent", self.cgroup, "--exec-opt", "native.cgroupdriver=cgroupfs",
             "--add-runtime", f"hozo={self.box.runtime}", "--default-runtime", "hozo"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)
        host.eventually(self._answers, 30, "an answer of dockerd")
        bundle.make_rootfs(f"{self.box.dir}/image-root")
        finish(["tar", "-C", f"{self.box.dir}/image-root", "-cf", f"{self.box.dir}/image.tar", "."]).ok()
        self("import", f"{self.box.dir}/image.tar", IMAGE).ok()
        return self

    def _answers(self):
        assert self.process.poll() is None, open(f"{self.dir}/log").read()[-3000:]
        return self("version").code == 0

    def __exit__(self, problem, *_):
        containers = self("ps", "--all", "--quiet").out.split()
        if containers:
            self("rm", "--force", *containers)
        cgroups = cgroups_below(self.cgroup)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        host.eventually(lambda: not host.living_children(), 10, "the end of all that dockerd started")
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)
        for point in reversed(host.mount_points_below(self.box.dir) + host.mount_points_below("/run")):
            host.detach(point)
        if not problem:
            same(cgroups, [], "control groups of containers")

    def __call__(self, *arguments, **more):
        return finish(["docker", *arguments], env=self.environment, **more)

    def run(self, *arguments):
        """`OPTION… -- PROGRAM…` in a container of the image."""
        at = arguments.index("--")
        return self("run", "--network", "none", *arguments[:at], IMAGE, *arguments[at + 1:])
