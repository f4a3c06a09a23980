# SPDX-License-Identifier: Apache-2.0
"""What a benchmark needs around it, and which runtimes take part."""
import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import peers
from runtimes import CGROUPS, Failure, Floor, Runtime, call

HERE = Path(__file__).resolve().parent
PROGRAMS = {"floor-init": "floor", "cycle": "cycle", "launcher": "launcher", "guest": "guest"}
FLOORS = {"floor": "floor", "static-floor": "floor-init"}


class Rig:
    """Directories, cgroup and runtimes of one benchmark, inside its own mount namespace."""

    def __init__(self, arguments):
        self.arguments, self.notes, self.versions = arguments, [], {}
        self.work = Path(arguments.inside)
        call("mount", "-t", "tmpfs", "-o", "mode=0755", "hozo-bench", self.work)
        if not (CGROUPS / "cgroup.controllers").exists():
            if os.path.ismount(CGROUPS):
                call("umount", "--recursive", CGROUPS)
            call("mount", "-t", "cgroup2", "cgroup2", CGROUPS)
        self.cgroup = CGROUPS / f"hozo-bench.{os.getpid()}"
        self.cgroup.mkdir()
        self.tools = Path(arguments.tools).resolve() if arguments.tools else self.build()
        self.runtimes = {n: Floor(n, self.tools / p, [], self) for n, p in FLOORS.items()}

    def build(self):
        """The same commands as meson.build's, for a run without a build directory."""
        tools, musl = self.work / "tools", shutil.which("musl-gcc")
        tools.mkdir()
        include = ["-idirafter", "/usr/include"]
        if musl:
            include += ["-idirafter", "/usr/include/" + call("cc", "-print-multiarch")]
        else:
            self.notes.append("no musl-gcc: the floor is linked with another C library and larger")
        for name, source in PROGRAMS.items():
            call(musl or "cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", "-s",
                 HERE / f"{source}.c", "-o", tools / name, *include)
        call("cc", "-std=gnu11", "-D_GNU_SOURCE", "-DFLOOR_SHARED", "-O2", "-s", HERE / "floor.c",
             "-o", tools / "floor")
        return tools

    def find_runtimes(self):
        hozo = self.arguments.hozo or shutil.which("hozo")
        if hozo:
            directory = self.arguments.plugin_dir
            options = ["--plugin-dir", str(Path(directory).resolve())] if directory else []
            self.add("hozo", Path(hozo).resolve(), options)
        else:
            self.notes.append("hozo: not found, not measured; name it with --hozo")
        candidates, reason = peers.candidates(self.arguments.fresh)
        if reason:
            self.notes.append(f"packages of Debian {peers.SUITE} not to be had, installed ones are "
                              f"tried instead: {reason}")
        for name, programs in candidates.items():
            for program, origin in programs:
                try:
                    self.add(name, program, [])
                    self.versions[name] += f" ({origin})"
                    break
                except (Failure, peers.Unavailable) as error:
                    self.notes.append(f"{name} ({origin}): left out: {error}")
                    self.clean_cgroup(self.cgroup / name)
                    shutil.rmtree(self.work / name, ignore_errors=True)
            if not programs:
                self.notes.append(f"{name}: left out: neither downloaded nor installed")

    def add(self, name, program, options):
        """A runtime takes part once it has run the container: a failing one would look fast."""
        runtime = Runtime(name, program, options, self)
        version = peers.version(program)
        call(*runtime.run())
        self.runtimes[name], self.versions[name] = runtime, version

    @staticmethod
    def clean_cgroup(directory):
        """Ends whatever a failed runtime has left in a cgroup of this benchmark."""
        if not directory.exists():
            return
        for procs in directory.rglob("cgroup.procs"):
            for pid in procs.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        below = sorted((p for p in directory.rglob("*") if p.is_dir()), reverse=True)
        for path in [*below, directory]:
            for _ in range(100):
                try:
                    path.rmdir()
                    break
                except OSError:
                    time.sleep(0.02)

    def close(self):
        self.clean_cgroup(self.cgroup)
