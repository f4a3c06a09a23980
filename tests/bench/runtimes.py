# SPDX-License-Identifier: Apache-2.0
"""The command lines that are measured, with a bundle, a state directory and a cgroup for each."""
import os
import subprocess
import tempfile
from pathlib import Path

import bundle
import seccomp_profile

CGROUPS = Path("/sys/fs/cgroup")
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")}


class Failure(Exception):
    pass


def call(*command):
    """Runs a command that has to succeed; a container may keep its output, hence a file."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=output,
                              stderr=errors, env=ENVIRONMENT, timeout=300)
        output.seek(0)
        errors.seek(0)
        if done.returncode != 0:
            text = " ".join(errors.read().split())
            raise Failure(f"{Path(command[0]).name}: status {done.returncode}: {text}")
        return output.read().strip()


class Runtime:
    """One runtime with a bundle, a state directory and a cgroup of its own."""

    def __init__(self, name, program, options, rig):
        self.name, self.program, self.options = name, str(program), options
        self.directory = rig.work / name
        self.cgroup = rig.cgroup / name
        relative = "/" + str(self.cgroup.relative_to(CGROUPS))
        self.bundles = {
            program: bundle.make(self.directory / program, rig.tools / "guest",
                                 f"/bin/{program}", relative) for program in ("true", "pause")}
        if seccomp_profile.is_there():
            self.bundles["seccomp"] = bundle.make(self.directory / "seccomp", rig.tools / "guest", "/bin/true",
                                                  relative, seccomp_profile.default_profile(bundle.CAPABILITIES))
        self.cycle = str(rig.tools / "cycle")

    def verb(self, *arguments):
        return [self.program, "--root", str(self.directory / "state"), *self.options, *arguments]

    def create(self, program, *options):
        return self.verb("create", *options, "--bundle", str(self.bundles[program]), "bench")

    def run(self):
        return self.verb("run", "--bundle", str(self.bundles["true"]), "bench")

    def run_filtered(self):
        return self.verb("run", "--bundle", str(self.bundles["seccomp"]), "bench")

    def forget(self):
        """What was kept of a compiled filter."""
        return ["rm", "-rf", str(self.directory / "state" / ".cache")]

    def create_start_delete(self):
        return [self.cycle, *self.create("true"), "--", *self.verb("start", "bench"), "--",
                *self.verb("delete", "bench")]

    def exec(self):
        return self.verb("exec", "bench", "/bin/true")

    def begin(self):
        call(*self.create("pause"))
        call(*self.verb("start", "bench"))

    def end(self):
        call(*self.verb("delete", "--force", "bench"))


class Floor(Runtime):
    """floor.c: it only knows how to run its one container."""

    def run(self):
        return [self.program, str(self.bundles["true"] / "rootfs"), str(self.cgroup),
                str(self.bundles["true"] / "config.json"), str(self.directory / "state")]
