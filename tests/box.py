# SPDX-License-Identifier: Apache-2.0
"""What each test of real containers is given: the runtime, a directory, a state root, and afterwards
the proof that nothing is left."""
import json
import os
import shutil
import subprocess
import time

import harness
import host
import units
from bundle import Bundle

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", **SANITIZER_OPTIONS}


class Output:
    """How a command ended. Its output lies in files, as a created container keeps them open."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self._out, self._err = command, code, out, err

    @property
    def bytes(self):
        with open(self._out, "rb") as f:
            return f.read()

    @property
    def out(self):
        return self.bytes.decode(errors="replace")

    @property
    def err(self):
        with open(self._err, "rb") as f:
            return f.read().decode(errors="replace")

    def ok(self):
        return self.ends(0)

    def ends(self, code):
        assert self.code == code, f"exit status {self.code}, not {code}\n{self}"
        return self

    def fails(self, *texts, code=1):
        """The exit status, and one line on standard error with all the texts; nothing else."""
        self.ends(code)
        assert self.err.count("\n") == 1 and self.err.endswith("\n"), f"not one line\n{self}"
        assert self.out == "", f"something on standard output\n{self}"
        return self.says(*texts)

    def says(self, *texts):
        for text in texts:
            assert text in self.err, f"standard error does not say {text!r}\n{self}"
        return self

    def silent(self):
        assert self.out == "" and self.err == "", f"not silent\n{self}"
        return self

    def __str__(self):
        return f"$ {' '.join(self.command)}\nstdout: {self.out!r}\nstderr: {self.err!r}"


# Whether containers are units of systemd: tests/run --systemd-cgroup.
systemd = False


class Box:
    def __init__(self, runtime, directory, cgroup, build=None):
        self.systemd = systemd
        self.runtime, self.dir, self.build = runtime, directory, build
        self.cgroup, self.root = cgroup, f"{directory}/state"
        self.count, self.processes, self.rootfs = 0, [], None
        self.machine = None  # the kernel that every container gets a machine with
        self.undo = []  # what has to be called, also if the test fails, before anything can be deleted
        os.makedirs(directory)

    # --- commands

    def hozo(self, *arguments, timeout=25, stdin=subprocess.DEVNULL, **options):
        """Runs the runtime and waits. Global options go first: box.hozo("--debug", "state", "c1")."""
        process, out, err = self._start(arguments, stdin, options)
        timeout *= harness.patience
        output, deadline = Output(process.args, None, out, err), time.monotonic() + timeout
        # As every engine does: a pid namespace cannot end before its last member is reaped, and those
        # that came by `exec` are our children.
        reaps = "delete" in arguments
        while (code := process.poll()) is None:
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise AssertionError(f"still running after {timeout} s\n{output}")
            if reaps:
                self._reap(process)
            host.await_end(process.pid, 0.002 * harness.patience if reaps else 1)
        if reaps:
            self._reap(process)  # who has ended since: a zombie is still listed where it was
        output.code = code
        return output

    def _reap(self, process):
        """But for those that somebody waits for."""
        host.reap(but=[p.pid for p in [process, *self.processes]])

    def spawn(self, *arguments, stdin=subprocess.DEVNULL, **options):
        """Runs the runtime in the background; `process.output` tells what it wrote."""
        process, out, err = self._start(arguments, stdin, options)
        process.output = Output(process.args, None, out, err)
        self.processes.append(process)
        return process

    def _start(self, arguments, stdin, options):
        self.count += 1
        out, err = f"{self.dir}/{self.count}.out", f"{self.dir}/{self.count}.err"
        options.setdefault("env", ENVIRONMENT)
        words = list(map(str, arguments))
        # As engines do: who has made a container needs no option later.
        if self.systemd and {"create", "run"} & set(words) and "--cgroup-manager" not in words:
            words.insert(0, "--systemd-cgroup")
        command = [self.runtime, "--root", self.root, *words]
        with open(out, "wb") as o, open(err, "wb") as e:
            options.setdefault("stdout", o)
            options.setdefault("stderr", e)
            return subprocess.Popen(command, stdin=stdin, **options), out, err

    # --- containers

    def bundle(self, program="true", rootfs=None):
        self.count += 1
        group = f"{self.cgroup}-{self.count}" + (".scope" if self.systemd else "")
        b = Bundle(f"{self.dir}/b{self.count}", program, group, rootfs or self.rootfs)
        b.kernel = self.machine
        return b

    def bundle_beside(self, other, program="true"):
        """Another container around the same root file system."""
        return self.bundle(program, other.rootfs)

    def _bundled(self, verb, bundle, options, id, more):
        if not isinstance(bundle, Bundle):
            bundle = self.bundle(bundle)
        return (verb, "--bundle", bundle.write().path, *options, id), more

    def run(self, bundle, *options, id="c1", **more):
        """`run` with a bundle, or a script to make one around."""
        arguments, more = self._bundled("run", bundle, options, id, more)
        return self.hozo(*arguments, **more)

    def spawn_run(self, bundle, *options, id="c1", **more):
        arguments, more = self._bundled("run", bundle, options, id, more)
        return self.spawn(*arguments, **more)

    def create(self, bundle, *options, id="c1", **more):
        arguments, more = self._bundled("create", bundle, options, id, more)
        return self.hozo(*arguments, **more)

    def created(self, bundle, *options, id="c1", **more):
        """A container that waits for its start; its pid."""
        self.create(bundle, *options, id=id, **more).ok()
        return self.state(id)["pid"]

    def running(self, bundle="sleep 100", *options, id="c1", **more):
        """A container whose program runs; its pid."""
        pid = self.created(bundle, *options, id=id, **more)
        self.hozo("start", id).ok()
        return pid

    def stopped(self, bundle="true", id="c1"):
        """A container whose program has ended."""
        pid = self.running(bundle, id=id)
        self.wait_status("stopped", id)
        return pid

    def state(self, id="c1"):
        result = self.hozo("state", id).ok()
        assert result.err == "", f"engines parse both streams together\n{result}"
        return json.loads(result.out)

    def wait_status(self, status, id="c1"):
        host.eventually(lambda: self.state(id)["status"] == status, 10, f"status {status}")

    def exec(self, *arguments, id="c1", options=(), **more):
        return self.hozo("exec", *options, id, *arguments, **more)

    def unknown(self, id="c1"):
        self.hozo("state", id).fails("does not exist")

    # --- what is left

    def leftovers(self):
        """All that containers of this test left on the host, as a list of texts."""
        states = self.states()
        return ([f"state of {s}" for s in states]
                + [f"control group {d}" for d in host.cgroup_directories(self.cgroup + "-")]
                + [f"unit {u}" for u in units.transient(self.cgroup.strip("/") + "-")]
                + [f"mount {m}" for m in host.mount_points_below(self.dir)]
                + [f"process {p}: {host.command_line(p)}" for p in host.living_children()])

    def states(self):
        """The containers that there are; what plugins have worked out may stay."""
        return [s for s in os.listdir(self.root) if s != ".cache"] if os.path.isdir(self.root) else []

    def nothing_left(self):
        """Processes that were killed just now get a moment to be gone."""
        deadline = time.monotonic() + 5 * harness.patience
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left, f"left behind: {left}"

    def close(self):
        """Ends what the test left running on purpose, and then tells what is left all the same."""
        for undo in self.undo:
            undo()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        problems = []
        for id in self.states():
            result = self.hozo("delete", "--force", id)
            if result.code != 0:
                problems.append(f"delete --force {id} failed\n{result}")
        try:
            self.nothing_left()
        except AssertionError as e:
            problems.append(str(e))
        self.sweep()
        assert not problems, "\n".join(problems)

    def sweep(self):
        """Removes everything by hand, so that one defect spoils one test only."""
        for pid in host.living_children():
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        for directory in host.cgroup_directories(self.cgroup + "-"):
            host.remove_cgroup(directory)
        for point in reversed(host.mount_points_below(self.dir)):
            host.detach(point)
        host.reap()
        if not host.mount_points_below(self.dir):
            shutil.rmtree(self.dir, ignore_errors=True)
