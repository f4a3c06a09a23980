# SPDX-License-Identifier: Apache-2.0
"""The measures: figures by measure and runtime, one for each round."""
import collections
import json
import os
import re
import shlex
import time
from pathlib import Path

import seccomp_profile
from runtimes import Failure, Runtime, call

FILTERED, COMPILED = "run with a seccomp profile", "the same, the filter not kept"
RUN, CYCLE, EXEC = "run /bin/true", "create + start + delete", "exec /bin/true"
PEAK, RESIDENT = "peak memory of run", "memory of a created container"
KERNEL = "the kernel's memory for it"


class Bench:
    def __init__(self, rig):
        self.rig = rig
        quick = rig.arguments.quick
        self.rounds = 10 if quick else 30
        self.runs = rig.arguments.runs or 5
        self.results = collections.defaultdict(dict)  # measure, runtime: one figure for each round

    def attempt(self, measure, name, action):
        """hozo and the floor must not fail. A peer that does is reported and left out."""
        try:
            return action()
        except Failure as error:
            if name == "hozo" or "floor" in name:
                raise
            self.rig.notes.append(f"{name}: left out of “{measure}”: {error}")
            return None

    def others(self):
        return {n: r for n, r in self.rig.runtimes.items() if "floor" not in n}

    def hyperfine(self, commands, prepare):
        """Median seconds of each command; a status other than 0 ends the benchmark."""
        output = self.rig.work / "hyperfine.json"
        named = [argument for name, command in commands
                 for argument in ("--command-name", name, shlex.join(command))]
        before = [argument for name, _ in commands if name in prepare
                  for argument in ("--prepare", shlex.join(prepare[name]))]
        call("hyperfine", "--shell=none", "--style=none", "--warmup=1", f"--runs={self.runs}",
             f"--export-json={output}", *before, *named)
        return {r["command"]: r["median"] for r in json.loads(output.read_text())["results"]}

    def time(self, measure, commands, prepare={}):
        """Rounds with a changing order: whatever drifts meets all of them. `prepare`: a command for each, or none."""
        tried = [(n, c) for n, c in commands.items()
                 if self.attempt(measure, n, lambda c=c: call(*c) or True)]
        for number in range(self.rounds if tried else 0):
            turn = number % len(tried)
            for name, seconds in self.hyperfine(tried[turn:] + tried[:turn], prepare).items():
                self.results[measure].setdefault(name, []).append(seconds * 1000)

    def time_all(self):
        self.time(RUN, {n: r.run() for n, r in self.rig.runtimes.items()})
        if all("seccomp" in r.bundles for r in self.others().values()):
            filtered = {n: r.run_filtered() for n, r in self.others().items()}
            self.time(FILTERED, filtered)
            self.time(COMPILED, filtered, {n: r.forget() for n, r in self.others().items()})
        else:
            self.rig.notes.append(f"no seccomp profile: {seccomp_profile.PACKAGE} is not installed")
        self.time(CYCLE, {n: r.create_start_delete() for n, r in self.others().items()})
        running = {n: r for n, r in self.others().items()
                   if self.attempt(EXEC, n, lambda r=r: r.begin() or True)}
        self.time(EXEC, {n: r.exec() for n, r in running.items()})
        for name, runtime in running.items():
            self.attempt("delete --force", name, runtime.end)

    def peak_all(self):
        for name, runtime in self.others().items():
            text = self.attempt(PEAK, name, lambda r=runtime: call(
                self.rig.tools / "launcher", 20, *r.run()))
            if text:
                self.results[PEAK][name] = [json.loads(text)["maxrss_kb"]["median"]]

    def resident_all(self):
        pid_file = self.rig.work / "pid"
        for name, runtime in self.others().items():
            if self.attempt(RESIDENT, name, lambda r=runtime: call(
                    *r.create("pause", "--pid-file", str(pid_file))) or True):
                self.results[RESIDENT][name] = [resident(int(pid_file.read_text()))]
                self.attempt("delete --force", name, runtime.end)

    def kernel_all(self, count=20):
        """Namespaces, mounts, cgroup: the same for all, but stated beside what they add to it."""
        for name, runtime in self.others().items():
            copies = [Runtime(f"{name}.{i}", runtime.program, runtime.options, self.rig)
                      for i in range(count)]
            time.sleep(1)  # the kernel frees earlier containers in the background
            before = kernel_memory()
            created = [c for c in copies if self.attempt(
                KERNEL, name, lambda c=c: call(*c.create("pause")) or True)]
            after = kernel_memory()
            for copy in created:
                self.attempt("delete --force", name, copy.end)
            if len(created) == count:
                self.results[KERNEL][name] = [(after - before) // count]


def kernel_memory():
    """kB of slabs, stacks, page tables and per-CPU memory of the whole machine."""
    wanted = ("Slab", "KernelStack", "PageTables", "Percpu")
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return sum(int(words[1]) for words in lines if words[0].rstrip(":") in wanted)


def resident(pid):
    """kB that this process costs: its PSS, and whole every memfd that it executes, maps or holds."""
    process, shared, memfds = Path(f"/proc/{pid}"), 0, {}
    links = [process / "exe", *(process / "fd").iterdir(), *(process / "map_files").iterdir()]
    for link in links:
        if os.readlink(link).startswith("/memfd:"):
            st = os.stat(link)
            memfds[st.st_dev, st.st_ino] = st.st_blocks // 2
    name = ""
    for line in (process / "smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            name = line.split(maxsplit=5)[5:] or [""]
        elif line.startswith("Pss:") and not name[0].startswith("/memfd:"):
            shared += int(line.split()[1])
    return shared + sum(memfds.values())


def system_calls(rig, runtime):
    """How often each system call is made, by all processes of a run."""
    output = rig.work / "strace"
    call("strace", "--follow-forks", "--summary-only", "--summary-columns=calls,name",
         f"--output={output}", *runtime.run())
    counts = collections.Counter()
    for line in output.read_text().splitlines():
        words = line.split()
        if len(words) == 2 and words[0].isdigit() and words[1] != "total":
            counts[words[1]] = int(words[0])
    return counts
