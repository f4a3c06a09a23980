# SPDX-License-Identifier: Apache-2.0
"""The runtime killed in the middle, and several of it at once."""
import json
import os
import signal

import harness
import host
from harness import same, test


def killed_in_hook(box, kind):
    """A create that is killed with SIGKILL while a hook of this kind sleeps; the bundle."""
    b = box.bundle("true")
    mark = f"{b.path}/mark"
    b.hook(kind, "/bin/sh", ["sh", "-c", f"echo > {mark}; exec sleep 30"])
    p = box.spawn("create", "--bundle", b.write().path, "--pid-file", f"{box.dir}/pid", "c1")
    host.eventually(lambda: os.path.exists(mark))
    p.send_signal(signal.SIGKILL)
    p.wait()
    return b


def end_hook():
    """A hook of the host outlives its runtime if nobody tells it to end."""
    for pid in host.living_children():
        if host.command_line(pid) == "sleep 30":
            os.kill(pid, signal.SIGKILL)


@test(cases={k: k for k in ("prestart", "createRuntime", "createContainer")})
def delete_removes_what_a_killed_create_left(box, kind):
    killed_in_hook(box, kind)
    assert not os.path.exists(f"{box.dir}/pid")
    box.hozo("delete", "--force", "c1").ok()
    end_hook()
    box.nothing_left()
    box.run("echo usable again").ok()


@test
def the_container_dies_with_a_create_that_is_killed(box):
    killed_in_hook(box, "createRuntime")
    host.eventually(lambda: all(host.command_line(p) == "sleep 30" for p in host.living_children()),
                    what="end of all but the hook")
    end_hook()


@test
def a_killed_create_blocks_its_id_until_it_is_deleted(box):
    killed_in_hook(box, "createRuntime")
    box.create("true").fails("container with given ID already exists")
    assert box.state()["status"] in ("creating", "stopped")
    box.hozo("start", "c1").ends(1)
    end_hook()


def stopped_before_its_process(box):
    """A create that stands still with a state that has no process yet."""
    for _ in range(100):
        process = box.spawn("create", "--bundle", box.bundle("true").write().path, "c1")
        while process.poll() is None and not os.path.exists(f"{box.root}/c1/state.json"):
            pass
        process.send_signal(signal.SIGSTOP)
        host.eventually(lambda: host.process_state(process.pid) in ("T", "Z"), what="the stop")
        try:
            with open(f"{box.root}/c1/state.json") as f:
                if json.load(f)["pid"] == 0:
                    return process
        except FileNotFoundError:
            pass
        process.send_signal(signal.SIGCONT)
        process.wait()
        box.hozo("delete", "--force", "c1").ok()
    raise AssertionError("create is never seen before its process is there")


@test
def a_create_whose_process_is_not_there_yet_has_not_stopped(box):
    process = stopped_before_its_process(box)
    state = box.state()
    assert state["status"] == "creating" and state["pid"] == 0, state
    same(json.loads(box.hozo("list", "-f", "json").ok().out)[0]["status"], "creating")
    box.hozo("kill", "c1").fails("still being created")
    same(box.hozo("ps", "-f", "json", "c1").ok().out, "[]\n")
    process.send_signal(signal.SIGCONT)
    same(process.wait(10 * harness.patience), 0)
    same(box.state()["status"], "created")


@test
def a_create_that_died_before_its_process_was_there_has_stopped(box):
    process = stopped_before_its_process(box)
    process.kill()
    process.wait()
    # Its process, if there is one already, has the lock a moment longer.
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
    box.nothing_left()


@test
def delete_cleans_up_after_a_killed_run(box):
    p = box.spawn_run("echo up; sleep 100")
    host.eventually(lambda: p.output.out == "up\n")
    pid = box.state()["pid"]
    p.send_signal(signal.SIGKILL)
    p.wait()
    box.hozo("delete", "--force", "c1").ok()
    assert not host.alive(pid)
    box.nothing_left()


@test
def of_several_create_with_one_id_exactly_one_succeeds(box):
    base = box.bundle("true")
    processes = []
    for _ in range(8):
        b = box.bundle_beside(base, "true").write()
        processes.append(box.spawn("create", "--bundle", b.path, "c1"))
    codes = [p.wait(25) for p in processes]
    same(sorted(codes), [0] + [1] * 7)
    for p in processes:
        if p.returncode:
            p.output.says("container with given ID already exists")
    same(box.state()["status"], "created")
    same(len(host.living_children()), 1)
    same(len({os.path.basename(d) for d in host.cgroup_directories(box.cgroup + "-")}), 1)


@test
def several_delete_at_once_remove_it_once(box):
    box.running()
    processes = [box.spawn("delete", "--force", "c1") for _ in range(6)]
    for p in processes:
        assert p.wait(25) == 0, p.output
    box.nothing_left()


@test
def of_several_start_exactly_one_succeeds(box):
    out = box.create("echo once; sleep 100").ok()
    processes = [box.spawn("start", "c1") for _ in range(6)]
    same(sorted(p.wait(25) for p in processes), [0] + [1] * 5)
    host.eventually(lambda: out.out == "once\n")


@test
def state_answers_while_create_is_busy(box):
    b = box.bundle("true")
    go = f"{box.dir}/go"
    b.hook("createRuntime", "/bin/sh", ["sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done"])
    p = box.spawn("create", "--bundle", b.write().path, "c1")
    host.eventually(lambda: os.path.isdir(f"{box.root}/c1"))
    for _ in range(5):
        r = box.hozo("state", "c1", timeout=5)
        assert r.code in (0, 1), r
    same(p.poll(), None)
    open(go, "w").close()
    same(p.wait(20), 0)
    same(box.state()["status"], "created")
