# SPDX-License-Identifier: Apache-2.0
"""podman of a test's own: storage, state and settings in the test's directory, an image made there."""
import os

import engine_account
import host
from engine import SETTINGS, OWN, cgroups_below, finish, need, on_terminal, own_system_directories
from engine_image import IMAGE, make_image
from harness import same


class Podman:
    """Use it with `with`; afterwards nothing of it runs, and no control group of a container is left."""

    PREFIX = ()
    FLAGS = ()  # what podman tells the runtime with every command

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

    def __exit__(self, problem, *_):
        self("pod", "rm", "--force", "--all", "--time", "0")
        left = self("rm", "--force", "--all", "--time", "0")
        host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")
        self("system", "reset", "--force")  # unmounts what the storage keeps mounted
        # Those of pods and of conmon are podman's.
        cgroups = [d for d in cgroups_below(self.cgroup)
                   if (name := os.path.basename(d)).startswith("libpod-") and "conmon" not in name]
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)
        for directory in reversed(OWN):
            host.detach(directory)
        if not problem:
            left.ok()
            same(cgroups, [], "control groups of containers")

    def command(self, *arguments):
        return [*self.PREFIX, "podman", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run", "--tmpdir",
                f"{self.dir}/libpod", "--storage-driver", self.driver, "--runtime", self.box.runtime,
                *(f"--runtime-flag={f}" for f in self.FLAGS), *map(str, arguments)]

    def __call__(self, *arguments, **more):
        # conmon notes an "oom" in its working directory
        return finish(self.command(*arguments), env=self.environment, cwd=self.dir, **more)

    def container(self, verb, *arguments, network=("--network", "none"), cgroup=True, **more):
        """`run` or `create` with what every container here needs; the image is the first that is no option."""
        parent = ("--cgroup-parent", self.cgroup) if cgroup else ()
        return self(verb, "--pull", "never", *network, *parent, *arguments, **more)

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


class RootlessPodman(Podman):
    """podman of an ordinary user, who has subordinate ids and no control groups."""

    PREFIX = engine_account.AS_USER

    def __init__(self, box):
        super().__init__(box)
        engine_account.make(f"{box.dir}/account")
        os.makedirs(f"{self.dir}/runtime")
        self.environment["XDG_RUNTIME_DIR"] = f"{self.dir}/runtime"
        for path, directories, files in os.walk(self.dir):
            for name in [path, *(f"{path}/{n}" for n in directories + files)]:
                os.chown(name, engine_account.ID, engine_account.ID)
        os.chmod(f"{self.dir}/runtime", 0o700)

    def container(self, verb, *arguments, network=("--network", "none"), cgroup=False, **more):
        return super().container(verb, *arguments, network=network, cgroup=cgroup, **more)

    def __exit__(self, problem, *_):
        self("pod", "rm", "--force", "--all", "--time", "0")
        left = self("rm", "--force", "--all", "--time", "0")
        self("system", "migrate")  # ends the process that keeps the user's namespaces
        host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")
        for directory in (*OWN, *(m for m in host.mount_points_below(self.dir))):
            host.detach(directory)
        engine_account.drop()
        if not problem:
            left.ok()
