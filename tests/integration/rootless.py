# SPDX-License-Identifier: Apache-2.0
"""hozo as an ordinary user, without any right to control groups."""
import json
import os
import subprocess

import host
from box import ENVIRONMENT
from harness import Skip, same, test

USER = 54321
USER_RUNS = {"user": USER, "group": USER, "extra_groups": []}


def ranges(*extents):
    return [dict(zip(("containerID", "hostID", "size"), e)) for e in extents]


def owned(box, program="true", **options):
    """A bundle of the user: what he may not do is not in it."""
    b = box.bundle(program)
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = ranges((0, USER, 1))
    del b.linux["resources"], b.linux["cgroupsPath"]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    return give(box, b)


def give(box, b):
    subprocess.run(["chown", "-R", f"{USER}:{USER}", box.dir], check=True)
    return b


@test
def a_container_runs_as_root_of_its_own(box):
    b = owned(box, "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; exit 7")
    r = box.run(b, **USER_RUNS).ends(7)
    same(r.out.split(), ["0", "0", "0", str(USER), "1", "0", str(USER), "1", "deny"])
    box.nothing_left()


@test
def the_whole_life(box):
    b = owned(box, "echo started; sleep 100")
    pid = box.running(b, **USER_RUNS)
    same(os.stat(f"/proc/{pid}").st_uid, USER)
    state = json.loads(box.hozo("state", "c1", **USER_RUNS).ok().out)
    same((state["status"], state["pid"]), ("running", pid))
    assert "c1" in box.hozo("list", "-q", **USER_RUNS).ok().out
    same(box.exec("sh", "-c", "id -u; cat /proc/self/uid_map; exit 3", **USER_RUNS).ends(3).out.split(),
         ["0", "0", str(USER), "1"])
    box.hozo("delete", "c1", **USER_RUNS).fails("is not stopped")
    box.hozo("kill", "c1", "KILL", **USER_RUNS).ok()
    box.wait_status("stopped")
    box.hozo("delete", "c1", **USER_RUNS).ok()
    box.nothing_left()


@test
def delete_force_ends_it(box):
    box.running(owned(box, "sleep 100"), **USER_RUNS)
    box.hozo("delete", "--force", "c1", **USER_RUNS).ok()
    box.nothing_left()


@test
def its_states_lie_in_the_users_runtime_directory(box):
    b = owned(box).write()
    os.mkdir(f"{box.dir}/run")
    os.chown(f"{box.dir}/run", USER, USER)

    def hozo(*words, **env):
        return subprocess.run([box.runtime, *words], env={**ENVIRONMENT, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=open(f"{box.dir}/said", "w"), timeout=20, **USER_RUNS).returncode

    def said():
        with open(f"{box.dir}/said") as f:
            return f.read()
    own = {"XDG_RUNTIME_DIR": f"{box.dir}/run"}
    same((hozo("create", "--bundle", b.path, "c1", **own), said()), (0, ""))
    same(os.listdir(f"{box.dir}/run/hozo"), ["c1"])
    same(hozo("delete", "--force", "c1", **own), 0)
    same((hozo("create", "--bundle", b.path, "c1"), "XDG_RUNTIME_DIR" in said()), (1, True))


@test
def groups_are_kept_since_none_can_be_dropped(box):
    b = owned(box, "sleep 100")
    pid = box.running(b, user=USER, group=USER, extra_groups=[54322])
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Groups").split(), ["54322"])
    b.process["user"] = {"uid": 0, "gid": 0, "additionalGids": [0]}
    box.create(b, id="c2", **USER_RUNS).fails("process.user", "setgroups", "operation not permitted")
    box.unknown("c2")


@test
def a_limit_is_refused_and_device_rules_are_not_missed(box):
    b = owned(box, "echo ran")
    b.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    same(box.run(b, **USER_RUNS).ok().out, "ran\n")
    b.linux["resources"] = {"pids": {"limit": 20}}
    box.run(b, **USER_RUNS).fails("linux.resources.pids", "right to make control groups")
    del b.linux["resources"]
    b.linux["cgroupsPath"] = box.cgroup + "-user"
    box.run(b, **USER_RUNS).fails("linux.cgroupsPath", "permission denied")
    box.nothing_left()


@test
def without_a_user_namespace_it_is_refused(box):
    b = owned(box)
    b.without_namespace("user")
    del b.linux["uidMappings"], b.linux["gidMappings"]
    box.create(b, **USER_RUNS).fails("linux.namespaces", "user namespace is needed")


@test
def a_bind_of_the_users_private_directory(box):
    b = owned(box, "cat /data/file; touch /data/new")
    os.makedirs(f"{b.path}/private")
    with open(f"{b.path}/private/file", "w") as f:
        f.write("mine\n")
    b.bind(f"{b.path}/private", "/data")
    os.chmod(f"{b.path}/private", 0o700)
    same(box.run(give(box, b), **USER_RUNS).ok().out, "mine\n")
    same(os.stat(f"{b.path}/private/new").st_uid, USER)


@test
def what_the_user_may_not_read_cannot_be_bound(box):
    b = owned(box)
    secret = f"{box.dir}/secret"
    os.mkdir(secret, 0o700)
    with open(f"{secret}/file", "w") as f:
        f.write("root's\n")
    b.bind(f"{secret}/file", "/data")
    box.create(b, **USER_RUNS).fails("mounts[6]", "open source", "permission denied")
    box.nothing_left()


@test
def hooks_run_as_the_user(box):
    b = owned(box, "sleep 100")
    for kind in ("createRuntime", "createContainer", "poststart"):
        b.hook(kind, "/bin/sh", ["sh", "-c", f"cat > {b.path}/{kind}; id -u >> {b.path}/{kind}"],
               env=["PATH=/bin:/usr/bin"])
    box.created(give(box, b), **USER_RUNS)
    box.hozo("start", "c1", **USER_RUNS).ok()
    last = {k: open(f"{b.path}/{k}").read().split("}")[-1].strip() for k in
            ("createRuntime", "createContainer", "poststart")}
    same(last, {"createRuntime": str(USER), "createContainer": "0", "poststart": str(USER)})


@test
def an_oom_score_may_be_raised(box):
    b = owned(box, "cat /proc/self/oom_score_adj")
    b.process["oomScoreAdj"] = 500
    same(box.run(b, **USER_RUNS).ok().out, "500\n")


@test
def a_terminal_for_exec(box):
    box.running(owned(box, "sleep 100"), **USER_RUNS)
    socket = host.ConsoleSocket(f"{box.dir}/console")
    os.chown(socket.path, USER, USER)
    with open(f"{box.dir}/process.json", "w") as f:
        json.dump({"terminal": True, "cwd": "/", "args": ["tty"]}, f)
    box.hozo("exec", "--process", f"{box.dir}/process.json", "--detach", "--console-socket", socket.path, "c1",
             **USER_RUNS).ok()
    assert b"/dev/pts/0" in socket.receive().read_until(b"\n")


# --- more than one id

def with_subordinate_ids(box, start, count):
    """/etc as newuidmap(1) reads it, in a mount namespace of the test's own."""
    if not os.path.exists("/usr/bin/newuidmap"):
        raise Skip("newuidmap is not installed")
    host.private_mounts()
    for name, line in (("passwd", f"ordinary:x:{USER}:{USER}::/:/bin/sh"), ("subuid", f"{USER}:{start}:{count}"),
                       ("subgid", f"{USER}:{start}:{count}")):
        copy = f"{box.dir}/{name}"
        with open(f"/etc/{name}") as f, open(copy, "w") as to:
            to.write(f"{f.read().rstrip()}\n{line}\n".lstrip())
        same(host.libc.mount(copy.encode(), f"/etc/{name}".encode(), None, 4096, None), 0)  # MS_BIND


@test
def newuidmap_maps_what_the_user_may_not(box):
    with_subordinate_ids(box, 700000, 1000)
    b = owned(box, "sleep 100")
    b.linux["uidMappings"] = b.linux["gidMappings"] = ranges((0, USER, 1), (1, 700000, 1000))
    b.process["user"] = {"uid": 5, "gid": 6, "additionalGids": [7]}
    pid = box.running(b, **USER_RUNS)
    with open(f"/proc/{pid}/status") as f:
        status = f.read()
    same([host.status_field(status, k).split()[0] for k in ("Uid", "Gid", "Groups")], ["700004", "700005", "700006"])
    same(box.exec("sh", "-c", "id -u; cat /proc/self/setgroups", **USER_RUNS).ok().out.split(), ["5", "allow"])
    box.hozo("delete", "--force", "c1", **USER_RUNS).ok()
    box.nothing_left()


@test
def ids_that_are_not_the_users_are_refused(box):
    with_subordinate_ids(box, 700000, 10)
    b = owned(box)
    b.linux["uidMappings"] = ranges((0, USER, 1), (1, 0, 1000))
    box.create(b, **USER_RUNS).fails("linux.uidMappings", "map ids", "newuidmap")
    box.nothing_left()


@test
def exec_waits_for_the_program(box):
    """A process that cannot be traced is the kernel's secret from an ordinary user."""
    box.created(owned(box, "sleep 100"), **USER_RUNS)
    box.exec("true", **USER_RUNS).fails("exec failed", "permission denied", code=255)
    box.hozo("start", "c1", **USER_RUNS).ok()
    box.exec("true", **USER_RUNS).ok()


@test
def a_time_namespace(box):
    b = owned(box, "cat /proc/self/timens_offsets; for n in /proc/self/ns/time; do readlink $n; done")
    b.linux["namespaces"].append({"type": "time"})
    r = box.run(b, **USER_RUNS).ok()
    assert os.readlink("/proc/self/ns/time") not in r.out, r
    b.linux["timeOffsets"] = {"monotonic": {"secs": 1000}}
    box.run(b, **USER_RUNS).fails("linux.namespaces", "unshare", "operation not permitted")
    box.nothing_left()


@test
def limits_that_the_user_may_not_raise(box):
    b = owned(box)
    b.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 1 << 30, "hard": 1 << 30}]
    box.create(b, **USER_RUNS).fails("process.rlimits[0]", "set RLIMIT_NOFILE", "operation not permitted")
    box.nothing_left()
