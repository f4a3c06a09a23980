# SPDX-License-Identifier: Apache-2.0
"""How a function becomes a test, and how one test runs: in a process of its own, with a time limit.

    @test
    def the_exit_status_is_the_programs(box): ...

    @test(timeout=60, sanitized=False)      not run again with the sanitized build
    @test(cases=…, sanitized={"label"})     only this case is
    @test(cases={"label": value, ...})      one test a case: f(box, value)

The function's name, with blanks for underscores, is the test's name.
"""
import ctypes
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
import traceback

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36

# Seconds that only few jobs may take.
LONG = 1800

# How many times as long as on most machines everything may take here; what waits multiplies by it.
patience = 1


class Skip(Exception):
    """Raised with the reason why this host cannot run the test."""


class Test:
    def __init__(self, function, label=None, value=None, timeout=30, sanitized=True):
        sentence = function.__name__.strip("_").replace("_", " ")
        self.name = f"{sentence}: {label}" if label is not None else sentence
        self.function, self.timeout = function, timeout
        self.sanitized = sanitized if isinstance(sanitized, bool) else label in sanitized
        self.arguments = () if label is None else (value,)

    def __call__(self, box):
        self.function(box, *self.arguments)


_collected = []


def test(function=None, *, cases=None, **options):
    def register(f):
        for label, value in (cases or {None: None}).items():
            _collected.append(Test(f, label, value, **options))
        return f
    return register(function) if function else register


def load(path):
    """Imports a file of tests; its tests in the order in which they are written."""
    name = "tests_" + os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    _collected.clear()
    spec.loader.exec_module(module)
    return list(_collected)


class Result:
    """ok, failed or skipped; `detail` is the reason of a skip or the output of a failure."""

    def __init__(self, name, status, detail=""):
        self.name, self.status, self.detail = name, status, detail


class Job:
    """Something that yields results, running in a forked process.

    work() returns a list of (name, status, detail). The process is a subreaper, so that whatever a
    container runtime leaves behind becomes its child and can be found and ended.
    """

    def __init__(self, name, work, timeout):
        self.name, self.work, self.timeout = name, work, timeout
        self.results = None
        self.after = None  # another job, which makes what this one needs

    def idle(self):
        """Nothing to do, since what it needs was not made."""
        if not self.after or not any(r.status == "failed" for r in self.after.results):
            return False
        self.seconds = 0
        self.results = [Result(self.name, "skipped", f"what it needs is not there: {self.after.name}")]
        return True

    def start(self):
        self.output, self.answer = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.began = time.monotonic()
        self.deadline = self.began + self.timeout * patience
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._child()

    def _child(self):
        status = 1
        try:
            os.setpgid(0, 0)
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(self.output.fileno(), 1)
            os.dup2(self.output.fileno(), 2)
            answer = self.work()
            self.answer.write(json.dumps(answer).encode())
            self.answer.flush()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def ended(self, status):
        """Called with the wait status once the process has ended."""
        self.answer.seek(0)
        text = self.answer.read()
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 and text:
            self.results = [Result(*row) for row in json.loads(text)]
        else:
            self._failed(f"the test's process ended with wait status {status}")
        self._close()

    def expire(self):
        """Ends the process and all that descends from it."""
        kill_tree(self.pid)
        os.waitpid(self.pid, 0)
        self._failed(f"timed out after {self.timeout * patience} s")
        self._close()

    def _failed(self, reason):
        self.output.seek(0)
        said = self.output.read().decode(errors="replace")
        self.results = [Result(self.name, "failed", f"{reason}\n{said}")]

    def _close(self):
        self.seconds = time.monotonic() - self.began
        self.output.close()
        self.answer.close()


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        found = []
        for task in tasks:
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(p) for p in f.read().split()]
        return found
    except OSError:
        return []


def kill_tree(pid):
    """Stops a process before its children are listed, so that none is missed."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except OSError:
        return
    for child in children(pid):
        kill_tree(child)
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def run_jobs(jobs, parallel, report):
    """Runs jobs, `parallel` at a time, and reports their results in the order of `jobs`. Those that take longest by
    far are begun first."""
    waiting, running, unreported = sorted(jobs, key=lambda j: -j.timeout // LONG), {}, list(jobs)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        while unreported:
            while len(running) < parallel and (job := _next(waiting)):
                waiting.remove(job)
                if job.idle():
                    continue
                job.start()
                running[job.pid] = job
            _wait(running)
            while unreported and unreported[0].results is not None:
                for result in unreported.pop(0).results:
                    report(result)
    finally:
        for job in running.values():
            kill_tree(job.pid)


def _next(waiting):
    """The first that waits for no other one."""
    return next((j for j in waiting if not j.after or j.after.results is not None), None)


def _wait(running):
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid in running:
        running.pop(pid).ended(status)
    elif pid == 0:
        late = [j for j in running.values() if time.monotonic() > j.deadline]
        for job in late:
            del running[job.pid]
            job.expire()
        if not late:
            time.sleep(0.005 * patience)


def same(actual, expected, what=""):
    """assert actual == expected, telling both."""
    assert actual == expected, f"{what}{': ' if what else ''}{actual!r}\n    instead of {expected!r}"
