# SPDX-License-Identifier: Apache-2.0
"""pause and resume: when they return the processes have stopped, or go on; what others may do meanwhile."""
import fcntl
import os
import time

import freezing
import host
from freezing import LAYOUTS
from harness import same, test
from made_plugins import MadePlugins

COUNT = "n=0; while :; do echo $n; n=$((n+1)); sleep 0.01; done"


def moving(out):
    """Whether the container goes on writing."""
    before = len(out.out)
    time.sleep(0.2)
    return len(out.out) > before


@test(cases=LAYOUTS)
def its_processes_stop_and_go_on(box, layout):
    layout()
    out = box.create(COUNT).ok()
    box.hozo("start", "c1").ok()
    box.exec("sh", "-c", COUNT, options=("--detach",)).ok()
    host.eventually(lambda: out.out)
    box.hozo("pause", "c1").ok().silent()
    same(box.state()["status"], "paused")
    same(freezing.state(freezing.group(box.state()["pid"])), "FROZEN")
    assert not moving(out)
    box.hozo("resume", "c1").ok().silent()
    same(box.state()["status"], "running")
    host.eventually(lambda: moving(out), what="the container goes on")


@test(cases=LAYOUTS)
def what_lies_below_its_group_stops_too(box, layout):
    layout()
    pid = box.running()
    group = freezing.group(pid)
    os.mkdir(f"{group}/below")
    box.exec("sleep", "99", options=("--detach", "--pid-file", f"{box.dir}/pid")).ok()
    with open(f"{box.dir}/pid") as f, open(f"{group}/below/cgroup.procs", "w") as t:
        t.write(f.read())
    box.hozo("pause", "c1").ok()
    # On cgroup v2 a frozen process that a signal wakes stands still again a moment later.
    host.eventually(lambda: freezing.state(f"{group}/below") == "FROZEN", what="the group below is frozen")
    box.hozo("resume", "c1").ok()
    same(freezing.state(f"{group}/below"), "THAWED")


@test(cases=LAYOUTS)
def a_created_container_is_paused_and_is_created_again(box, layout):
    layout()
    box.created("echo ran")
    box.hozo("pause", "c1").ok().silent()
    same(box.state()["status"], "paused")
    box.hozo("start", "c1").fails("cannot start a container in the paused state")
    box.hozo("delete", "c1").fails("cannot delete container c1 that is not stopped: paused")
    box.hozo("resume", "c1").ok().silent()
    same(box.state()["status"], "created")
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")


@test(cases=LAYOUTS)
def only_what_runs_is_paused_and_only_what_is_paused_is_resumed(box, layout):
    layout()
    box.hozo("pause", "c1").fails("container does not exist")
    box.hozo("resume", "c1").fails("container does not exist")
    box.running()
    box.hozo("resume", "c1").fails("container not paused")
    box.hozo("pause", "c1").ok()
    box.hozo("pause", "c1").fails("cannot pause a container in the paused state")
    same(box.state()["status"], "paused")
    box.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    box.hozo("pause", "c1").fails("container not running")
    box.hozo("resume", "c1").fails("container not running")


@test
def a_container_without_a_group_cannot_be_paused(box):
    b = box.bundle("sleep 100")
    del b.linux["resources"], b.linux["cgroupsPath"]
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    box.hozo("pause", "c1").fails("the container has no control group that can be frozen")
    box.hozo("resume", "c1").fails("container not paused")
    same(box.state()["status"], "created")


@test(cases=LAYOUTS)
def exec_waits_for_nobody_unless_it_is_told_to(box, layout):
    layout()
    box.running()
    box.hozo("pause", "c1").ok()
    box.exec("true").fails("cannot exec in a paused container (use --ignore-paused to override)", code=255)
    inside = box.spawn("exec", "--ignore-paused", "c1", "sh", "-c", "exit 3")
    time.sleep(0.5)
    assert inside.poll() is None
    box.hozo("resume", "c1").ok()
    same(inside.wait(10), 3)


@test(cases=LAYOUTS)
def a_signal_arrives_when_it_is_resumed(box, layout):
    layout()
    out = box.create("trap 'echo arrived; exit 5' TERM; echo up; while :; do sleep 0.02; done").ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out == "up\n")
    box.hozo("pause", "c1").ok()
    box.hozo("kill", "c1", "TERM").ok().silent()
    time.sleep(0.2)
    same(out.out, "up\n")
    same(box.state()["status"], "paused")
    box.hozo("resume", "c1").ok()
    host.eventually(lambda: out.out == "up\narrived\n")
    box.wait_status("stopped")


@test(cases=LAYOUTS)
def sigkill_does_not_wait_for_resume(box, layout):
    layout()
    b = box.bundle("sleep 100 & wait")
    b.without_namespace("pid")
    pid = box.running(b)
    [child] = host.eventually(lambda: host.children(pid))
    box.hozo("pause", "c1").ok()
    box.hozo("kill", "c1", "KILL").ok().silent()
    host.eventually(lambda: not host.alive(pid) and not host.alive(child))
    same(box.state()["status"], "stopped")
    box.hozo("resume", "c1").fails("container not running")
    box.hozo("delete", "c1").ok()
    box.nothing_left()


@test(cases=LAYOUTS)
def a_paused_container_is_deleted_by_force_only(box, layout):
    layout()
    box.running("sleep 100 & sleep 101 & wait")
    box.hozo("pause", "c1").ok()
    box.hozo("delete", "c1").fails("cannot delete container c1 that is not stopped: paused")
    box.hozo("delete", "--force", "c1").ok().silent()
    box.nothing_left()


@test(cases=LAYOUTS, sanitized=False)
def a_container_that_forks_all_the_time_stops(box, layout):
    layout()
    pid = box.running("while :; do (:) & (:) & (:) & wait; done")
    for _ in range(20):
        box.hozo("pause", "c1").ok()
        same(freezing.state(freezing.group(pid)), "FROZEN")
        box.hozo("resume", "c1").ok()


@test(cases=LAYOUTS, sanitized={"as the host is"})
def what_does_not_stop_is_an_error_and_all_goes_on(box, layout):
    layout()
    out = box.create(COUNT).ok()
    box.hozo("start", "c1").ok()
    group = freezing.group(box.state()["pid"])
    stuck = freezing.Unfreezable(group)
    begin = time.monotonic()
    box.hozo("pause", "c1").fails("some of the container's processes do not freeze: all run again")
    assert time.monotonic() - begin < 15
    same(freezing.state(group), "THAWED")
    same(box.state()["status"], "running")
    host.eventually(lambda: moving(out), what="the container goes on")
    stuck.end()
    box.hozo("pause", "c1").ok()


@test(cases=LAYOUTS)
def a_pause_that_was_broken_off_is_resumed(box, layout):
    layout()
    pid = box.running()
    group = freezing.group(pid)
    stuck = freezing.Unfreezable(group)
    hung = box.spawn("pause", "c1")
    host.eventually(lambda: freezing.state(group) == "FREEZING")
    hung.kill()
    hung.wait()
    freezing.order(group, True)
    box.hozo("resume", "c1").ok().silent()
    same(freezing.state(group), "THAWED")
    stuck.end()


@test(cases=LAYOUTS)
def resume_does_not_wait_for_who_holds_the_lock(box, layout):
    """It may be an exec whose process was frozen."""
    layout()
    box.running()
    box.hozo("pause", "c1").ok()
    lock = os.open(f"{box.root}/c1", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    box.hozo("resume", "c1", timeout=5).ok().silent()
    os.close(lock)
    same(box.state()["status"], "running")


# --- plugins

FAILS = 'return hozo_error(ctx, EBUSY, "org.test", "does not like it");'
# Notes what the container's freezer was told last: the file is linked beside the directory.
ORDER = r"""
    char text[16] = "";
    int fd = open(beside("order"), O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return hozo_error(ctx, errno, 0, "order");
    text[strcspn(text, "\n")] = 0;
    note("order %s", text);
    close(fd);
"""
THAWED = {"freezer.state": "order THAWED", "cgroup.freeze": "order 0"}


def with_plugins(box, **callbacks):
    """Plugins a, b and c around a container that runs; `callbacks` are those of b."""
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.watcher("b", trace=True, **callbacks)
    plugins.watcher("c", trace=True)
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.notes()
    return plugins, freezing.group(pid)


@test(sanitized=False)
def plugins_are_asked_before_and_after_the_processes(box):
    plugins, group = with_plugins(box, pause=ORDER, resume=ORDER)
    name = "freezer.state" if os.path.exists(f"{group}/freezer.state") else "cgroup.freeze"
    os.symlink(f"{group}/{name}", f"{box.dir}/order")
    plugins.hozo("pause", "c1").ok().silent()
    same(plugins.notes(), ["a pause", "b pause", THAWED[name], "c pause"])
    same(freezing.state(group), "FROZEN")
    plugins.hozo("resume", "c1").ok().silent()
    same(plugins.notes(), ["a resume", "b resume", THAWED[name], "c resume"])
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_plugin_that_does_not_pause_leaves_all_as_it_was(box):
    plugins, group = with_plugins(box, pause=FAILS)
    plugins.hozo("pause", "c1").fails("org.test: does not like it")
    same(plugins.notes(), ["a pause", "b pause", "a resume"])
    same(freezing.state(group), "THAWED")
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def processes_that_do_not_freeze_let_the_plugins_go_on(box):
    plugins, group = with_plugins(box)
    stuck = freezing.Unfreezable(group)
    plugins.hozo("pause", "c1").fails("do not freeze")
    same(plugins.notes(), ["a pause", "b pause", "c pause", "c resume", "b resume", "a resume"])
    stuck.end()
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_plugin_that_does_not_resume_leaves_all_paused(box):
    plugins, group = with_plugins(box, resume=f'if (access(beside("fine"), F_OK)) {FAILS}')
    plugins.hozo("pause", "c1").ok()
    plugins.notes()
    plugins.hozo("resume", "c1").fails("org.test: does not like it")
    same(plugins.notes(), ["a resume", "b resume", "a pause"])
    same(freezing.state(group), "FROZEN")
    open(f"{box.dir}/fine", "w").close()
    plugins.hozo("resume", "c1").ok()
    same(plugins.notes(), ["a resume", "b resume", "c resume"])
    same(box.state()["status"], "running")
    plugins.hozo("delete", "--force", "c1").ok()
