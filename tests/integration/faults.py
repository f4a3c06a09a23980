# SPDX-License-Identifier: Apache-2.0
"""Every system call of the runtime fails once, and the runtime is killed at every one: what is there
afterwards is a container, or nothing."""
import collections
import os
import subprocess

import host
from box import ENVIRONMENT
from harness import test
from traced import strace

# Those that do not fail, that only free something, or of which nobody needs the result.
OMITTED = {"brk", "close", "execve", "exit_group", "getpid", "geteuid", "getuid", "munmap",
           "rt_sigaction", "rt_sigprocmask"}


def calls(box, *arguments):
    """What a command that goes well calls behind the dynamic linker: (name, how often before and now)."""
    strace(box, [], *arguments).ok()
    with open(f"{box.dir}/trace") as f:
        lines = [line.split("(")[0] for line in f if "(" in line and not line.startswith(("---", "+++"))]
    seen, result, begun = collections.Counter(), [], False
    for name in lines:
        seen[name] += 1
        begun = begun or name == "rt_sigaction"
        if begun and name not in OMITTED:
            result.append((name, seen[name]))
    assert len(result) > 20, lines
    return result


def failing(name, number):
    errno = "ENOMEM" if name == "mmap" else "EIO"
    return [f"-einject={name}:error={errno}:when={number}"]


def killing(name, number):
    return [f"-einject={name}:signal=KILL:when={number}"]


def gone(box):
    """Zombies are the engine's affair, which is here us."""
    host.reap()
    box.nothing_left()


def delete(box):
    box.hozo("delete", "--force", "c1").ok().silent()
    gone(box)


def create_arguments(box, *verb, users=False):
    b = box.bundle("sleep 100")
    if users:
        in_user_namespace(box, b)
    b.hook("createRuntime", "/bin/true")
    b.hook("poststop", "/bin/true")
    return [*verb, "--bundle", b.write().path, "--pid-file", f"{box.dir}/pid", "c1"]


def in_user_namespace(box, b):
    """With a helper, a process for a mapping, maps."""
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    os.mkdir(f"{box.dir}/source")
    b.bind(f"{box.dir}/source", "/tmp", "idmap")
    b.config["mounts"][-1].update({k: [{"containerID": 0, "hostID": 1000, "size": 1}]
                                   for k in ("uidMappings", "gidMappings")})


@test(timeout=240, sanitized=False, cases={"create": (["create"], "created"),
                                         "run": (["run", "--detach"], "running"),
                                         "create with a user namespace": (["create"], "created", True)})
def where_a_call_fails_nothing_is_left(box, case):
    verb, status, *users = case
    arguments = create_arguments(box, *verb, users=bool(users))
    points = calls(box, *arguments)
    delete(box)
    os.unlink(f"{box.dir}/pid")
    failures = 0
    for point in points:
        r = strace(box, failing(*point), *arguments)
        try:
            if r.code == 0:
                assert box.state()["status"] == status
                r.silent()
                delete(box)
                os.unlink(f"{box.dir}/pid")
                continue
            failures += 1
            r.fails()
            gone(box)
            assert not os.path.exists(f"{box.dir}/pid"), "the pid file"
        except AssertionError as e:
            raise AssertionError(f"{point} failed: {e}\n{r}") from None
    assert failures > 50


@test(sanitized=False)
def a_create_that_lost_its_new_directory_to_another_leaves_that_alone(box):
    """A delete may take the new directory for the rest of a crash before it is locked, and another create
    the id: the first then finds a directory of that name, but not its own."""
    box.hozo("list").ok()
    os.makedirs(box.root, exist_ok=True)
    b = box.bundle("sleep 100").write()
    slow = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-einject=mkdirat:delay_exit=1000000:when=1",
                             box.runtime, "--root", box.root, "create", "--bundle", b.path, "c1"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            env=ENVIRONMENT, text=True)
    host.eventually(lambda: os.path.isdir(f"{box.root}/c1"))
    os.rmdir(f"{box.root}/c1")
    pid = box.running(box.bundle_beside(b, "sleep 100"))
    assert slow.communicate(timeout=10)[1] == "hozo: container with given ID already exists: c1\n"
    assert slow.returncode == 1 and host.alive(pid)
    assert box.state()["status"] == "running"


@test(timeout=240, sanitized=False, cases={"as root": False, "with a user namespace": True})
def a_create_that_is_killed_anywhere_can_be_deleted(box, users):
    arguments = create_arguments(box, "create", users=users)
    points = calls(box, *arguments)
    delete(box)
    for point in points:
        strace(box, killing(*point), *arguments)
        try:
            delete(box)
        except AssertionError as e:
            raise AssertionError(f"killed at {point}: {e}") from None


@test(timeout=240, sanitized=False)
def a_start_in_which_a_call_fails_can_be_deleted(box):
    points = None
    b = box.bundle("sleep 100")
    while points is None or points:
        box.created(b)
        if points is None:
            points = calls(box, "start", "c1")
        else:
            point = points.pop()
            r = strace(box, failing(*point), "start", "c1")
            if r.code:
                r.fails()
            status = box.state()["status"]
            assert status == "running" if r.code == 0 else status in ("created", "running", "stopped"), \
                f"{point}: {status}\n{r}"
        delete(box)


@test(timeout=240, sanitized=False, cases={"a call fails": failing, "it is killed": killing})
def a_delete_that_does_not_end_can_be_repeated_where(box, injection):
    b, points = box.bundle("sleep 100"), None
    while points is None or points:
        box.running(b)
        if points is None:
            points = calls(box, "delete", "--force", "c1")
        else:
            point = points.pop()
            r = strace(box, injection(*point), "delete", "--force", "c1")
            if r.code == 1:
                r.fails()
            elif r.code == 0:
                try:
                    if "left behind" in r.err:
                        box.hozo("plugin", "clean").ok()
                    gone(box)
                except AssertionError as e:
                    raise AssertionError(f"{point} failed: {e}\n{r}") from None
        try:
            delete(box)
        except AssertionError as e:
            raise AssertionError(f"{point}: {e}\n{r}") from None


@test(timeout=240, sanitized=False)
def an_exec_in_which_a_call_fails_leaves_no_process(box):
    box.running()
    pid_file = f"{box.dir}/pid"
    arguments = ["exec", "--detach", "--pid-file", pid_file, "c1", "sleep", "100"]
    points = calls(box, *arguments)
    before = len(host.living_children())
    for point in points:
        with open(pid_file) as f:
            os.kill(int(f.read()), 9)
        os.unlink(pid_file)
        host.eventually(lambda: len(host.living_children()) == before - 1)
        r = strace(box, failing(*point), *arguments)
        if r.code:
            r.fails(code=r.code)
            assert r.code in (1, 255), r
            host.eventually(lambda: len(host.living_children()) == before - 1, what=f"{point}: the end of the process\n{r}")
            assert not os.path.exists(pid_file), point
            strace(box, [], *arguments).ok()
