# SPDX-License-Identifier: Apache-2.0
"""Whole lives of containers of FreeBSD, by the command line, against a simulated kernel."""
import json
import os
import signal

import host
from harness import same, test
from jails import Jails

DEV = {"destination": "/dev", "type": "devfs", "options": ["ruleset=4"]}


@test(sanitized=False)
def it_is_created_runs_and_ends(box):
    jails = Jails(box)
    id = jails.created()
    state = jails.state(id)
    same(state["status"], "created")
    assert host.alive(state["pid"])
    assert f"jail {id} " in jails.show(), jails.show()
    jails.hozo("start", id).ok()
    same(jails.status(id), "running")
    jails.hozo("start", id).fails("cannot start an already running container")
    jails.hozo("delete", id).fails("that is not stopped: running")
    jails.hozo("kill", id, "KILL").ok()
    host.eventually(lambda: jails.status(id) == "stopped")
    same(jails.state(id)["pid"], 0)
    jails.hozo("kill", id).fails("container not running")
    jails.hozo("start", id).fails("cannot start a container that has stopped")
    jails.hozo("delete", id).ok()
    jails.hozo("state", id).fails("container does not exist")
    jails.nothing_left()


@test(sanitized=False)
def a_created_one_can_be_deleted(box):
    jails = Jails(box)
    id = jails.created("true")
    pid = jails.state(id)["pid"]
    jails.hozo("delete", id).ok()
    host.eventually(lambda: not host.alive(pid))
    jails.nothing_left()


@test(sanitized=False)
def run_gives_the_exit_status_of_the_program(box):
    jails = Jails(box)
    r = jails.hozo("run", "--bundle", jails.bundle("echo out; echo err >&2; exit 7"), jails.id()).ends(7)
    same((r.out, r.err), ("out\n", "err\n"))
    jails.hozo("run", "--bundle", jails.bundle("kill -TERM $$"), jails.id()).ends(128 + 15)
    jails.nothing_left()


@test(sanitized=False)
def a_detached_run_goes_on_without_hozo(box):
    jails = Jails(box)
    id = jails.id()
    jails.hozo("run", "--detach", "--pid-file", f"{box.dir}/pid", "--bundle", jails.bundle(), id).ok()
    with open(f"{box.dir}/pid") as f:
        same(int(f.read()), jails.state(id)["pid"])
    same(jails.status(id), "running")
    jails.hozo("delete", "--force", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def the_process_is_as_it_is_configured(box):
    jails = Jails(box)
    bundle = jails.bundle("id -u; id -g; id -G; umask; pwd; ulimit -n; ulimit -Hn; echo $A; grep NoNewPrivs /proc/self/status",
                          process={"cwd": "/tmp", "env": ["PATH=/bin", "A=b c"], "noNewPrivileges": True,
                                   "user": {"uid": 1000, "gid": 100, "umask": 0o27, "additionalGids": [5, 6]},
                                   "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]},
                          mounts=[{"destination": "/proc", "type": "procfs"}])
    r = jails.hozo("run", "--bundle", bundle, jails.id()).ok()
    same(r.out.split("\n"), ["1000", "100", "100 5 6", "0027", "/tmp", "100", "200", "b c", "NoNewPrivs:\t1", ""])
    jails.nothing_left()


@test(sanitized=False)
def no_descriptor_of_hozos_gets_into_the_jail(box):
    jails = Jails(box)
    bundle = jails.bundle("ls /proc/self/fd", mounts=[{"destination": "/proc", "type": "procfs"}])
    same(jails.hozo("run", "--bundle", bundle, jails.id()).ok().out.split(), ["0", "1", "2", "3"])  # 3 is of ls
    id = jails.running(mounts=[{"destination": "/proc", "type": "procfs"}])
    same(jails.hozo("exec", id, "ls", "/proc/self/fd").ok().out.split(), ["0", "1", "2", "3"])
    with open(f"/proc/{jails.state(id)['pid']}/stat") as f:
        same(f.read().rsplit(")", 1)[1].split()[3], str(jails.state(id)["pid"]), "a session of its own")
    jails.hozo("delete", "--force", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def a_program_that_is_missing_fails_start_or_run(box):
    jails = Jails(box)
    config = {"process": {"args": ["/no/such"]}}
    id = jails.created("", **config)
    jails.hozo("start", id).fails("process.args: /no/such: no such file")
    host.eventually(lambda: jails.status(id) == "stopped")
    jails.hozo("delete", id).ok()
    jails.hozo("run", "--bundle", jails.bundle("", **config), jails.id()).fails("/no/such")
    jails.nothing_left()


# --- exec

@test(sanitized=False)
def exec_is_in_the_jail_and_gives_its_status(box):
    jails = Jails(box)
    id = jails.running("echo main > /tmp/main; sleep 1000")
    host.eventually(lambda: jails.hozo("exec", id, "test", "-s", "/tmp/main").code == 0)
    r = jails.hozo("exec", "--user", "5:6", "--cwd", "/tmp", "--env", "X=y", id, "sh", "-c",
                   "cat main; id -u; id -g; pwd; echo $X; exit 9").ends(9)
    same(r.out.split(), ["main", "5", "6", "/tmp", "y"])
    jails.hozo("exec", id, "/no/such").ends(255).says("/no/such")
    jails.hozo("exec", "--cgroup", "x", id, "true").ends(255).says("only Linux has control groups")
    jails.hozo("exec", "--cap", "CAP_KILL", id, "true").ends(255).says("process.capabilities")
    jails.hozo("exec", "--detach", "--pid-file", f"{box.dir}/pid", id, "sleep", "1000").ok()
    with open(f"{box.dir}/pid") as f:
        pid = int(f.read())
    assert host.alive(pid)
    jails.hozo("kill", "--all", id, "KILL").ok()
    host.eventually(lambda: not host.alive(pid) or host.process_state(pid) == "Z")
    host.eventually(lambda: jails.status(id) == "stopped")
    jails.hozo("exec", id, "true").ends(255).says("cannot exec in a stopped container")
    jails.hozo("delete", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def exec_in_a_created_one_and_descriptors_that_are_passed_on(box):
    jails = Jails(box)
    id = jails.created()
    r, w = os.pipe()
    jails.hozo("exec", "--preserve-fds", "1", id, "sh", "-c", "echo through >&3",
               close_fds=False, preexec_fn=host.place_descriptors([w])).ok()
    os.close(w)
    same(os.read(r, 100), b"through\n")
    os.close(r)
    jails.hozo("delete", id).ok()
    jails.nothing_left()


# --- kill

@test(sanitized=False)
def kill_sends_any_signal(box):
    jails = Jails(box)
    id = jails.running("trap 'echo got > /tmp/got; exit 0' USR1; while :; do sleep 0.05; done")
    jails.hozo("kill", id, "USR1").ok()
    host.eventually(lambda: jails.status(id) == "stopped")
    jails.hozo("delete", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def a_created_one_can_be_killed(box):
    jails = Jails(box)
    id = jails.created()
    jails.hozo("kill", id, "KILL").ok()
    host.eventually(lambda: jails.status(id) == "stopped")
    jails.hozo("kill", "--all", id, "KILL").ok()
    jails.hozo("delete", id).ok()
    jails.nothing_left()


# --- hooks

@test(sanitized=False)
def hooks_run_in_their_order_with_the_state(box):
    jails = Jails(box)
    log = f"{box.dir}/log"
    hooks, script = {}, f"{box.dir}/hook"
    with open(script, "w") as f:
        f.write(f'#!/bin/sh\necho "$1 $(cat)" >> {log}\n')
    os.chmod(script, 0o755)
    for kind in "prestart", "createRuntime", "createContainer", "poststart", "poststop":
        hooks[kind] = [{"path": script, "args": ["hook", kind], "env": ["PATH=/bin:/usr/bin"]}]
    hooks["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /inside"], "env": ["PATH=/bin"]}]
    bundle = jails.bundle(hooks=hooks)
    id = jails.id()
    jails.hozo("create", "--bundle", bundle, id).ok()
    pid = jails.state(id)["pid"]
    assert not os.path.exists(f"{bundle}/rootfs/inside")
    jails.hozo("start", id).ok()
    with open(f"{bundle}/rootfs/inside") as f:
        inside = json.load(f)
    same((inside["id"], inside["status"], inside["pid"], inside["bundle"]), (id, "created", pid, bundle))
    jails.hozo("delete", "--force", id).ok()
    with open(log) as f:
        lines = [line.split(" ", 1) for line in f]
    seen = [(kind, json.loads(state)["status"], json.loads(state).get("pid")) for kind, state in lines]
    same(seen, [("prestart", "creating", pid), ("createRuntime", "creating", pid), ("createContainer", "creating", pid),
                ("poststart", "running", pid), ("poststop", "stopped", 0)])
    jails.nothing_left()


FAILING = {kind: (kind, "start" if kind in ("startContainer", "poststart") else "create")
           for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart")}


@test(sanitized=False, cases=FAILING)
def a_hook_that_fails_ends_it(box, case):
    kind, verb = case
    jails = Jails(box)
    id = jails.id()
    create = jails.hozo("create", "--bundle", jails.bundle(hooks={kind: [{"path": "/bin/false"}]}), id)
    if verb == "create":
        create.fails(f"hooks.{kind}")
    else:
        create.ok()
        jails.hozo("start", id).fails(f"hooks.{kind}")
        same(jails.status(id), "stopped")
        jails.hozo("delete", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def a_poststop_hook_that_fails_does_not_keep_it(box):
    jails = Jails(box)
    id = jails.created(hooks={"poststop": [{"path": "/bin/false"}]})
    jails.hozo("delete", id).ok()
    jails.nothing_left()


# --- terminals

@test(sanitized=False)
def the_console_socket_receives_the_master(box):
    jails = Jails(box)
    socket = host.ConsoleSocket(f"{box.dir}/console")
    id = jails.id()
    bundle = jails.bundle("tty; stty size; read x; echo got $x; sleep 1000", mounts=[DEV],
                          process={"terminal": True, "consoleSize": {"width": 123, "height": 42},
                                   "user": {"uid": 1000, "gid": 1000}})
    jails.hozo("create", "--bundle", bundle, "--console-socket", socket.path, id).ok()
    terminal = socket.receive()
    same(terminal.size(), (42, 123))
    jails.hozo("start", id).ok()
    seen = terminal.read_until(b"42 123")
    assert seen.startswith(b"/dev/pts/"), seen
    terminal.write(b"word\n")
    terminal.read_until(b"got word")
    jails.hozo("delete", "--force", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def a_terminal_needs_a_devfs(box):
    jails = Jails(box)
    socket = host.ConsoleSocket(f"{box.dir}/console")
    bundle = jails.bundle(process={"terminal": True})
    jails.hozo("create", "--bundle", bundle, "--console-socket", socket.path, jails.id()).fails(
        "process.terminal: no devfs is mounted on /dev")
    jails.hozo("create", "--bundle", bundle, jails.id()).fails("process.terminal: cannot allocate tty")
    jails.nothing_left()


@test(sanitized=False)
def exec_has_a_terminal_of_its_own(box):
    jails = Jails(box)
    socket = host.ConsoleSocket(f"{box.dir}/console")
    id = jails.running(mounts=[DEV])
    jails.hozo("exec", "--tty", "--detach", "--console-socket", socket.path, id, "sh", "-c",
               "tty; echo over; sleep 1000").ok()
    seen = socket.receive().read_until(b"over")
    assert seen.startswith(b"/dev/pts/"), seen
    jails.hozo("delete", "--force", id).ok()
    jails.nothing_left()


# --- the environment

@test(sanitized=False)
def mounts_are_seen_and_go(box):
    jails = Jails(box)
    os.makedirs(f"{box.dir}/data")
    with open(f"{box.dir}/data/file", "w") as f:
        f.write("content\n")
    bundle = jails.bundle("cat /data/file /one; touch /tmp/x && echo written; touch /data/y || echo refused",
                          mounts=[{"destination": "/tmp", "type": "tmpfs"},
                                  {"destination": "/data", "source": f"{box.dir}/data", "options": ["ro"]},
                                  {"destination": "/one", "source": f"{box.dir}/data/file"}])
    r = jails.hozo("run", "--bundle", bundle, jails.id()).ok()
    same(r.out, "content\ncontent\nwritten\nrefused\n")
    same(os.listdir(f"{bundle}/rootfs/tmp"), [])
    jails.nothing_left()


@test(sanitized=False)
def a_root_that_is_read_only(box):
    jails = Jails(box)
    bundle = jails.bundle("touch /x || echo refused; touch /new/place/x && echo written", root={"path": "rootfs", "readonly": True},
                          mounts=[{"destination": "/new/place", "type": "tmpfs"}])
    same(jails.hozo("run", "--bundle", bundle, jails.id()).ok().out, "refused\nwritten\n")
    jails.nothing_left()


LINKS = {"a link on the way": ("/link/place", "link"), "a link at the end": ("/link", "link")}


@test(sanitized=False, cases=LINKS)
def a_link_where_a_mount_goes_is_refused(box, case):
    destination, name = case
    jails = Jails(box)
    bundle = jails.bundle(mounts=[{"destination": destination, "type": "tmpfs"}])
    os.makedirs(f"{box.dir}/outside")
    os.symlink(f"{box.dir}/outside", f"{bundle}/rootfs/{name}")
    jails.hozo("create", "--bundle", bundle, jails.id()).fails(f"mounts[0]: making {destination}", "symbolic links")
    same(os.listdir(f"{box.dir}/outside"), [])
    jails.nothing_left()


@test(sanitized=False)
def a_jail_below_another_and_two_at_once(box):
    jails = Jails(box).has("jail - web 0", "interface em0", "address em0 192.0.2.9", "interface epair0b")
    jail = {"parent": "web", "ip4Addr": ["192.0.2.1", "192.0.2.9"], "interface": "em0"}
    one = jails.running(jail=jail)
    two = jails.running(jail={"vnet": "new", "vnetInterfaces": ["epair0b"]})
    seen = jails.show()
    assert f"jail web.{one} " in seen and f"jail {two} " in seen and "jail web max=1" in seen, seen
    assert "address em0 192.0.2.1\n" in seen and "interface epair0b in 0\n" not in seen, seen
    listed = {c["id"]: c["status"] for c in json.loads(jails.hozo("list", "--format", "json").ok().out)}
    same(listed, {one: "running", two: "running"})
    jails.hozo("kill", one, "KILL").ok()
    host.eventually(lambda: jails.status(one) == "stopped")
    same(jails.status(two), "running")
    jails.hozo("delete", one).ok()
    jails.hozo("delete", "--force", two).ok()
    jails.nothing_left()


@test(sanitized=False)
def what_the_kernel_refuses_leaves_nothing(box):
    jails = Jails(box).has("jail - web 0")
    taken = jails.id()
    jails.has(f"jail - {taken} 0")
    bundle = jails.bundle
    jails.hozo("create", "--bundle", bundle(jail={"parent": "no"}), jails.id()).fails("freebsd.jail.parent: looking for jail no")
    jails.hozo("create", "--bundle", bundle(), taken).fails(f"jail {taken}: file exists")
    jails.hozo("create", "--bundle", bundle(jail={"parent": "web", "allow": {"mlock": True}}), jails.id()).fails(
        "peration not permitted")
    jails.hozo("create", "--bundle", bundle(jail={"vnet": "new", "vnetInterfaces": ["em9"]}), jails.id()).fails("moving em9")
    jails.hozo("create", "--bundle", bundle(linux={"namespaces": [{"type": "mount"}]}), jails.id()).fails("the configuration is one of Linux as well")
    jails.nothing_left()


@test(sanitized=False)
def an_id_that_is_taken_in_another_place_of_states(box):
    jails = Jails(box)
    id = jails.running()
    other = f"{box.dir}/other"
    jails.hozo("--root", other, "create", "--bundle", jails.bundle(), id).fails("file exists")
    same(jails.status(id), "running")
    jails.hozo("exec", id, "true").ok()
    jails.hozo("delete", "--force", id).ok()
    same(os.listdir(other), [])
    jails.nothing_left()


NOT_THERE = {"pause": ["pause"], "resume": ["resume"], "ps": ["ps"], "events": ["events", "--stats"],
             "update": ["update", "--pids-limit", "5"]}


@test(sanitized=False)
def what_a_jail_has_not_is_refused(box):
    jails = Jails(box)
    id = jails.running()
    for verb, words in NOT_THERE.items():
        jails.hozo(*words, id).fails(f"plugin freebsd, which runs the container, has no {verb}")
    jails.hozo("delete", "--force", id).ok()
    jails.nothing_left()


@test(sanitized=False)
def check_says_that_the_plugin_applies_the_process_and_the_mounts(box):
    jails = Jails(box)
    bundle = jails.bundle(jail={"vnet": "new"}, mounts=[DEV], hooks={"poststop": [{"path": "/bin/true"}]})
    rows = {line.split()[0]: line.split()[1] for line in jails.hozo("check", "--bundle", bundle).ok().out.splitlines()}
    for name in "process.args", "process.cwd", "mounts", "root.path", "freebsd.jail.vnet":
        same((name, rows[name]), (name, "freebsd"))


# --- failures

WHOLE = {"root": {"path": "rootfs", "readonly": True}, "hostname": "box",
         "hooks": {k: [{"path": "/bin/true"}] for k in ("prestart", "createRuntime", "createContainer")},
         "mounts": [DEV, {"destination": "/tmp", "type": "tmpfs"}]}
JAIL = {"parent": "web", "ip4Addr": ["192.0.2.1"], "interface": "em0"}


@test(sanitized=False, timeout=120)
def a_create_that_fails_at_any_call_leaves_nothing(box):
    jails = Jails(box).has("jail - web 0", "interface em0")
    bundle, at, reached = jails.bundle("true", jail=JAIL, **WHOLE), 0, True
    while reached:
        at += 1
        id = jails.id()
        r = jails.hozo("create", "--bundle", bundle, id, fail=at)
        reached = r.code != 0
        if reached:
            r.ends(1)
            host.reap()
            jails.nothing_left()
    assert at > 20, at
    jails.hozo("delete", id).ok()
    jails.nothing_left()


@test(sanitized=False, timeout=120)
def a_start_that_fails_at_any_call_can_be_deleted(box):
    jails = Jails(box)
    at, reached = 0, True
    while reached:
        at += 1
        id = jails.created()
        reached = jails.hozo("start", id, fail=at).code != 0
        jails.hozo("delete", "--force", id).ok()
        jails.nothing_left()
    assert at > 3, at


@test(sanitized=False, timeout=120)
def a_delete_that_fails_at_any_call_goes_on_when_repeated(box):
    jails = Jails(box).has("jail - web 0", "interface em0")
    bundle, at, reached = jails.bundle("true", jail=JAIL, **WHOLE), 0, True
    while reached:
        at += 1
        id = jails.id()
        jails.hozo("create", "--bundle", bundle, id).ok()
        reached = jails.hozo("delete", id, fail=at).code != 0
        if reached:
            jails.hozo("delete", "--force", id).ok()
        jails.nothing_left()
    assert at > 15, at


@test(sanitized=False, timeout=120)
def a_create_that_is_killed_is_deleted_by_force(box):
    jails = Jails(box).has("jail - web 0", "interface em0")
    wait = f"{box.dir}/wait"
    os.mkfifo(wait)
    for kind in "prestart", "createRuntime", "createContainer":
        id = jails.id()
        members = {**WHOLE, "hooks": {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"read x < {wait}"]}]}}
        process = jails.spawn("create", "--bundle", jails.bundle("true", jail=JAIL, **members), id)
        with open(wait, "w"):  # the hook is there
            same(jails.status(id), "creating")
            jails.hozo("kill", id).fails("still being created")
            process.send_signal(signal.SIGKILL)
            process.wait()
        jails.hozo("delete", "--force", id).ok()
        host.reap()
        jails.nothing_left()


@test(sanitized=False)
def what_cannot_be_undone_is_left_behind_by_force_and_said(box):
    jails = Jails(box)
    id = jails.running()
    pid = jails.state(id)["pid"]
    jails.plugins.without("freebsd", "annotations.org.freebsd")
    jails.hozo("state", id).fails("the container uses plugin freebsd")
    jails.hozo("delete", id).fails("the container uses plugin freebsd")
    jails.hozo("delete", "--force", id).ok().says("left behind for container", "freebsd")
    assert host.alive(pid)
    import shutil
    shutil.copy(f"{box.build}/plugins/freebsd/freebsd-simulated.so", f"{jails.plugins.path}/freebsd.so")
    jails.hozo("plugin", "clean").ok()
    host.eventually(lambda: not host.alive(pid) or host.process_state(pid) == "Z")
    same(jails.show(), jails.clean)


# --- other plugins

WATCHER = r"""
#include <hozo/plugin.h>
#include <stdio.h>
#include <sys/syscall.h>

static const char *const names[] = {"process@com.acme.watch"};
static const struct hozo_field fields[] = {
    {"process", HOZO_OBJECT, HOZO_READ, 0, 0, 0, 0, "The process."},
};

static int plan(struct hozo_ctx *ctx)
{
#ifdef OF_LINUX
    const struct hozo_syscall call = {sizeof(call), HOZO_PHASE_PROCESS, "process", "setpriority", SYS_setpriority,
                                      {0, 0, 7}, 0, 0, 0};
    return hozo_plan_syscall(ctx, &call);
#else
    const struct hozo_work work = {sizeof(work), HOZO_PHASE_ATTACH, "process", "look", "at it", 0, 0};
    return hozo_plan_work(ctx, &work);
#endif
}

static int attach(struct hozo_ctx *ctx)
{
    char text[40];
    int32_t pid;
    int pidfd;

    if (hozo_process(ctx, &pid, &pidfd) < 0)
        return -1;
    return hozo_state_set(ctx, text, (size_t)snprintf(text, sizeof(text), "{\"saw\":%d}", (int)pid));
}

static int stopped(struct hozo_ctx *ctx)
{
    hozo_log(ctx, HOZO_LOG_WARNING, "it is over");
    return 0;
}

HOZO_PLUGIN(watch) = {
    HOZO_HEADER, .state_version = 1, .name = "com.acme.watch", .version = "1", .package = "p", .summary = "A test.",
    .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields), .plan = plan, .attach = attach, .stopped = stopped,
};
"""


@test(sanitized=False)
def another_plugin_is_asked_as_for_any_container(box):
    jails = Jails(box)
    jails.plugins.add("process@com.acme.watch.so", source=WATCHER)
    id = jails.running()
    with open(f"{box.root}/{id}/state.json") as f:
        kept = {p["name"]: p.get("value") for p in json.load(f)["plugins"]}
    same(json.loads(kept["com.acme.watch"]), {"saw": jails.state(id)["pid"]})
    jails.hozo("--debug", "--log", f"{box.dir}/log", "delete", "--force", id).ok()
    with open(f"{box.dir}/log") as f:
        text = f.read()
    assert "it is over" in text, text
    jails.nothing_left()


@test(sanitized=False)
def one_that_plans_what_only_linux_does_is_refused(box):
    jails = Jails(box)
    jails.plugins.add("process@com.acme.watch.so", "OF_LINUX", source=WATCHER)
    for verb in "create", "plan":
        jails.hozo(verb, "--bundle", jails.bundle(), jails.id()).fails(
            'process: plugin com.acme.watch plans "syscall", which only Linux carries out')
    jails.nothing_left()
