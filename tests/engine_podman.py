# SPDX-License-Identifier: Apache-2.0
"""podman of a test's own: storage, state and settings in the test's directory, an image made there."""
import os

import host
from engine import SETTINGS, OWN, cgroups_below, finish, need, on_terminal, own_system_directories
from engine_image import IMAGE, make_image
from harness import same


class Podman:
    """Use it with `with`; afterwards nothing of it runs, and no control group of a container is left."""

    UNCONFINED = ("--security-opt", "seccomp=unconfined")

    def __init__(self, box, driver="vfs"):
        need(("podman", "podman"), ("conmon", "conmon"))
        own_system_directories()
        self.box, self.driver, self.dir = box, driver, f"{box.dir}/podman"
        self.cgroup = f"{box.cgroup}-podman"
        for directory in ("home", "networks", "tmp"):
            os.makedirs(f"{self.dir}/{directory}")
        with open(f"{self.dir}/containers.conf", "w") as f:
            f.write(SETTINGS.format(dir=self.dir, name=os.path.basename(box.runtime)))
        self.environment = {"PATH": os.environ["PATH"], "HOME": f"{self.dir}/home", "TMPDIR": f"{self.dir}/tmp",
                            "CONTAINERS_CONF": f"{self.dir}/containers.conf"}

    def __enter__(self):
        self("load", "--input", make_image(self.box.dir)).ok()
        return self

    def __exit__(self, *_):
        self("pod", "rm", "--force", "--all", "--time", "0")
        left = self("rm", "--force", "--all", "--time", "0")
        host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")
        left.ok()
        self("system", "reset", "--force")  # unmounts what the storage keeps mounted
        # Those of pods and of conmon are podman's.
        cgroups = [d for d in cgroups_below(self.cgroup)
                   if (name := os.path.basename(d)).startswith("libpod-") and "conmon" not in name]
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)
        for directory in reversed(OWN):
            host.detach(directory)
        same(cgroups, [], "control groups of containers")

    def command(self, *arguments):
        return ["podman", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run", "--tmpdir",
                f"{self.dir}/libpod", "--storage-driver", self.driver, "--runtime", self.box.runtime,
                *map(str, arguments)]

    def __call__(self, *arguments, **more):
        # conmon notes an "oom" in its working directory
        return finish(self.command(*arguments), env=self.environment, cwd=self.dir, **more)

    def container(self, verb, *arguments, network=("--network", "none"), cgroup=True, **more):
        """`run` or `create` with what every container here needs; the image is the first that is no option."""
        parent = ("--cgroup-parent", self.cgroup) if cgroup else ()
        return self(verb, "--pull", "never", *self.UNCONFINED, *network, *parent, *arguments, **more)

    def run(self, *arguments, **more):
        """Runs a command line `OPTION… -- PROGRAM…` in a container of the image, and removes it."""
        at = arguments.index("--")
        return self.container("run", "--rm", *arguments[:at], IMAGE, *arguments[at + 1:], **more)

    def started(self, name, *arguments, **more):
        """A container in the background, that sleeps unless it is given a program behind `--`."""
        arguments = arguments if "--" in arguments else (*arguments, "--", "sleep", "1000")
        at = arguments.index("--")
        self.container("run", "--detach", "--name", name, *arguments[:at], IMAGE, *arguments[at + 1:], **more).ok()

    def inspect(self, name, template):
        return self("inspect", "--format", template, name).ok().out.strip()

    def on_terminal(self, *arguments):
        return on_terminal(self.box, self.command(*arguments), env=self.environment, cwd=self.dir)
