# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: which processes have the filter, whoever they are: users, namespaces, terminals, hooks, exec."""
import json
import os

import host
from confined import USER_RUNS, in_user_namespace, of_a_user
from harness import same, test
from seccomp_probe import (OK, STATUS, probing, profile, put_probe, rule, status, told,
                           verdicts)

PROFILE = profile("ALLOW", rule("getppid", "ERRNO", errnoRet=44))
SEEN = ["errno 44", OK]  # what it says to these:
CALLS = ("probe", "getppid", "getsid")


def confined(box, program=CALLS, seccomp=PROFILE, **process):
    b = probing(box, seccomp)
    b.program(program)
    b.process.update(process)
    return b


# --- users

PROCESSES = {
    "root": {},
    "another user": {"user": {"uid": 1000, "gid": 1000}},
    "a user with groups": {"user": {"uid": 1000, "gid": 1000, "additionalGids": [5, 6], "umask": 63}},
    "root without capabilities": {"capabilities": {}},
    "root with all that matters": {"capabilities": {k: ["CAP_SYS_ADMIN"] for k in ("bounding", "effective", "permitted")}},
    "a user with a capability": {"user": {"uid": 1000, "gid": 1000}, "capabilities": {
        k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}},
}


@test(cases={f"{who}, {'no new privileges' if nnp else 'privileges may be gained'}": (process, nnp)
             for who, process in PROCESSES.items() for nnp in (True, False)})
def the_filter_holds_for(box, case):
    process, nnp = case
    b = confined(box, ["sh", "-c", f"{STATUS}; id -u; grep CapEff /proc/self/status"], **process, noNewPrivileges=nnp)
    lines = box.run(b).ok().out
    uid = process.get("user", {}).get("uid", 0)
    assert lines.startswith(f"{status(nnp=int(nnp))}{uid}\n"), lines
    same(int(host.status_field(lines, "CapEff"), 16), capabilities(process, uid))
    b.program(list(CALLS))
    same(verdicts(box.run(b)), SEEN)


def capabilities(process, uid):
    bits = {"CAP_KILL": 5, "CAP_NET_BIND_SERVICE": 10, "CAP_SYS_ADMIN": 21, "CAP_AUDIT_WRITE": 29}
    sets = process.get("capabilities", {"effective": ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]})
    return sum(1 << bits[c] for c in sets.get("ambient" if uid else "effective", []))


@test
def privileges_can_be_gained_under_it_where_that_is_asked_for(box):
    for nnp, uid in ((False, 0), (True, 1000)):
        b = confined(box, ["probe", "geteuid", "getppid"], user={"uid": 1000, "gid": 1000}, noNewPrivileges=nnp)
        os.chmod(f"{b.rootfs}/bin/probe", 0o4755)
        same(told(box.run(b)), [f"= {uid}", "errno 44"])


@test
def the_call_that_changes_capabilities_is_filtered_if_privileges_may_be_gained(box):
    """The filter is installed while there is the right to: a profile has to permit what follows."""
    forbids = profile("ALLOW", rule("capset", "ERRNO", errnoRet=77))
    user = {"uid": 1000, "gid": 1000}
    same(box.run(confined(box, ["id", "-u"], forbids, user=user)).ok().out, "1000\n", "with noNewPrivileges it comes last")
    box.create(confined(box, ["id", "-u"], forbids, user=user, noNewPrivileges=False)).fails("process.capabilities")
    box.unknown()
    box.nothing_left()


# --- namespaces

@test(cases={"no new privileges": True, "privileges may be gained": False})
def in_a_user_namespace(box, nnp):
    b = in_user_namespace(confined(box, noNewPrivileges=nnp))
    same(verdicts(box.run(b)), SEEN)
    b.program(STATUS)
    same(box.run(b).ok().out, status(nnp=int(nnp)))


@test(cases={"no new privileges": True, "privileges may be gained": False})
def for_an_ordinary_user(box, nnp):
    b = of_a_user(box, confined(box, "sleep 100", noNewPrivileges=nnp))
    pid = box.running(b, **USER_RUNS)
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Seccomp"), "2")
    same(verdicts(box.exec(*CALLS, **USER_RUNS)), SEEN)
    box.hozo("delete", "--force", "c1", **USER_RUNS).ok()


@test
def with_the_namespaces_of_the_host(box):
    b = confined(box)
    b.namespaces("mount")
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("sysfs", "cgroup", "mqueue")]
    del b.config["hostname"]
    same(verdicts(box.run(b)), SEEN)


@test
def with_the_processes_of_another_container(box):
    pid = box.running("sleep 100", id="other")
    b = confined(box)
    b.without_namespace("pid")
    b.linux["namespaces"].append({"type": "pid", "path": f"/proc/{pid}/ns/pid"})
    same(verdicts(box.run(b)), SEEN)
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Seccomp"), "0")


# --- terminals

@test
def with_a_terminal(box):
    socket = host.ConsoleSocket(f"{box.dir}/console")
    b = confined(box, f"test -t 0 && {STATUS}; sleep 100", terminal=True)
    box.created(b, "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"Seccomp_filters:\t1\r\n")
    assert b"Seccomp:\t2\r\n" in terminal.seen, terminal.seen


# --- hooks

@test(cases={"no new privileges": True, "privileges may be gained": False})
def of_hooks_only_start_container_runs_under_it(box, nnp):
    b = confined(box, "true", noNewPrivileges=nnp)
    log = f"{b.path}/log"
    os.mkdir(log)
    b.bind(log, "/log")
    kinds = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
    for kind in kinds:
        directory = "/log" if kind == "startContainer" else log
        b.hook(kind, "/bin/sh", ["sh", "-c", f"grep Seccomp: /proc/self/status > {directory}/{kind}"],
               env=["PATH=/usr/bin:/bin"])
    box.run(b).ok()
    seen = {kind: open(f"{log}/{kind}").read().split()[1] for kind in kinds}
    same(seen, {kind: "2" if kind == "startContainer" else "0" for kind in kinds})


# --- exec

@test(cases={"no new privileges": True, "privileges may be gained": False})
def exec_has_the_filter_of_the_container(box, nnp):
    box.running(confined(box, "sleep 100", noNewPrivileges=nnp))
    same(verdicts(box.exec(*CALLS)), SEEN)
    same(box.exec("sh", "-c", STATUS).ok().out, status(nnp=int(nnp)))
    same(verdicts(box.exec(*CALLS, options=("--user", "1000:1000"))), SEEN)
    same(verdicts(box.exec(*CALLS, options=("--cap", "CAP_SYS_ADMIN"))), SEEN)


@test(cases={"no new privileges": True, "privileges may be gained": False})
def a_process_of_exec_has_it_whatever_its_own_privileges(box, nnp):
    box.running(confined(box, "sleep 100", noNewPrivileges=not nnp))
    path = f"{box.dir}/process.json"
    for user in ({"uid": 0, "gid": 0}, {"uid": 1000, "gid": 1000}):
        with open(path, "w") as f:
            json.dump({"user": user, "cwd": "/", "args": list(CALLS), "env": ["PATH=/bin"], "noNewPrivileges": nnp}, f)
        same(verdicts(box.hozo("exec", "--process", path, "c1")), SEEN)
        with open(path, "w") as f:
            json.dump({"user": user, "cwd": "/", "args": ["sh", "-c", STATUS], "env": ["PATH=/bin"], "noNewPrivileges": nnp}, f)
        same(box.hozo("exec", "--process", path, "c1").ok().out, status(nnp=int(nnp)))


@test
def the_filter_is_that_of_create(box):
    b = confined(box, "sleep 100")
    box.running(b)
    b.linux["seccomp"] = profile("ALLOW", rule("getppid", "ERRNO", errnoRet=45))
    b.write()
    same(verdicts(box.exec(*CALLS)), SEEN)
    del b.linux["seccomp"]
    b.write()
    same(verdicts(box.exec(*CALLS)), SEEN)


@test
def exec_into_a_container_without_a_profile_has_none(box):
    b = box.bundle("sleep 100")
    put_probe(box, b)
    box.running(b)
    same(verdicts(box.exec(*CALLS)), [OK, OK])
    same(box.exec("sh", "-c", STATUS).ok().out.splitlines()[1:], ["Seccomp:\t0", "Seccomp_filters:\t0"])
    b.linux["seccomp"] = PROFILE
    b.write()
    same(verdicts(box.exec(*CALLS)), [OK, OK])


@test
def what_exec_runs_may_be_killed_by_it(box):
    box.running(confined(box, "sleep 100", profile("ALLOW", rule("chroot", "KILL_PROCESS"))))
    box.exec("chroot", "/", "true").ends(128 + 31)
    same(box.state()["status"], "running")


@test
def exec_on_a_terminal_in_the_background(box):
    box.running(confined(box, "sleep 100"))
    socket = host.ConsoleSocket(f"{box.dir}/console")
    box.exec("sh", "-c", f"{STATUS}; sleep 100", options=("--tty", "--detach", "--console-socket", socket.path)).ok()
    terminal = socket.receive()
    terminal.read_until(b"Seccomp_filters:\t1\r\n")
    assert b"Seccomp:\t2\r\n" in terminal.seen, terminal.seen


@test
def other_containers_have_filters_of_their_own(box):
    first = confined(box, "sleep 100")
    second = box.bundle_beside(first, "sleep 100")
    second.linux["seccomp"] = profile("ALLOW", rule("getppid", "ERRNO", errnoRet=45))
    box.running(first)
    box.running(second, id="c2")
    same(verdicts(box.exec(*CALLS)), SEEN)
    same(verdicts(box.exec(*CALLS, id="c2")), ["errno 45", OK])
