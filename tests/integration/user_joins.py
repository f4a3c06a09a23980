# SPDX-License-Identifier: Apache-2.0
"""User namespaces that are joined: one that an ordinary user has made, together with what is the host's, together with
what only its root may join."""
import subprocess

import host
from harness import same, test

USER, ANOTHER = 54321, 54322
MAPPINGS = {kind: [{"containerID": 0, "hostID": 100000, "size": 65536}] for kind in ("uidMappings", "gidMappings")}
FILES = {"network": "net"}


def made_by_a_user(box):
    """A process in one with a map of one id, in which nobody may call setgroups(2); and a network namespace of its
    own."""
    process = subprocess.Popen(["unshare", "--map-root-user", "--net", "sleep", "100"], user=USER, group=USER,
                               extra_groups=[], stdin=subprocess.DEVNULL)
    box.processes.append(process)
    host.eventually(lambda: host.command_line(process.pid).startswith("sleep"))
    return process.pid


def joined(box, program, **pids):
    """A container in these namespaces of others."""
    b = box.bundle(program)
    b.linux["namespaces"] = [{"type": t} for t in ("mount", "pid", "uts", "ipc", "network") if t not in pids] + [
        {"type": kind, "path": f"/proc/{pid}/ns/{FILES.get(kind, kind)}"} for kind, pid in pids.items()]
    return b


def of_one_id(b):
    """Without the group of terminals; and whoever sets a limit of another user's process needs CAP_SYS_RESOURCE."""
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    del b.process["rlimits"]
    return b


def in_user_namespace(b, mappings=None):
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update(mappings or MAPPINGS)
    return b


def status(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return host.status_field(f.read(), field).split()


@test
def groups_of_root_do_not_get_in(box):
    """Nobody can drop them in there."""
    other = made_by_a_user(box)
    pid = box.running(of_one_id(joined(box, "sleep 100", user=other, network=other)), extra_groups=[ANOTHER])
    same(status(pid, "Uid"), [str(USER)] * 4)
    same(status(pid, "Groups"), [])
    same(box.exec("grep", "Groups", "/proc/self/status", extra_groups=[ANOTHER]).ok().out.split(), ["Groups:"])


@test(cases={"first": ("network", "user"), "last": ("user", "network")})
def a_network_of_the_host_beside_it_is_named(box, order):
    """Its root may not join that one: hozo does before."""
    pids = {"network": box.running("sleep 100", id="network"),
            "user": box.running(in_user_namespace(box.bundle("sleep 100")), id="user")}
    b = joined(box, "sleep 100", **{kind: pids[kind] for kind in order})
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("sysfs", "cgroup")]
    pid = box.running(b)
    for kind, other in pids.items():
        same(host.namespace(pid, FILES.get(kind, kind)), host.namespace(other, FILES.get(kind, kind)), kind)
    same(box.exec("sh", "-c", "id -u; for n in /proc/self/ns/net; do readlink $n; done").ok().out.split(),
         ["0", host.namespace(pid, "net")])


@test(cases={"first": ("network", "ipc", "pid", "user"), "last": ("user", "pid", "ipc", "network")})
def what_only_its_root_may_join_is_named(box, order):
    """The rights of an ordinary user are none outside, and all inside."""
    def of_the_user(b):
        of_one_id(b)
        del b.linux["resources"], b.linux["cgroupsPath"]
        b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("cgroup", "sysfs")]
        subprocess.run(["chown", "-R", f"{USER}:{USER}", box.dir], check=True)
        return b
    runs = {"user": USER, "group": USER, "extra_groups": []}
    one = {k: [{"containerID": 0, "hostID": USER, "size": 1}] for k in MAPPINGS}
    other = box.running(of_the_user(in_user_namespace(box.bundle("sleep 100"), one)), id="other", **runs)
    pid = box.running(of_the_user(joined(box, "sleep 100", **{kind: other for kind in order})), **runs)
    for kind in order:
        same(host.namespace(pid, FILES.get(kind, kind)), host.namespace(other, FILES.get(kind, kind)), kind)
    same(box.exec("id", "-u", **runs).ok().out, "0\n")


def extents(*all):
    return [dict(zip(("containerID", "hostID", "size"), e)) for e in all]


FIRST, SECOND = (0, 100000, 1000), (1000, 300000, 64536)


@test(cases={"the same": ([FIRST, SECOND], True), "in another order": ([SECOND, FIRST], True),
             "a part of them": ([FIRST], False), "more": ([FIRST, SECOND, (70000, 400000, 1)], False),
             "others": ([FIRST, (1000, 300001, 64536)], False)})
def mappings_that_are_named_must_be_those_of_the_namespace(box, case):
    named, good = case
    other = box.running(in_user_namespace(box.bundle("sleep 100"), {k: extents(SECOND, FIRST) for k in MAPPINGS}), id="other")
    b = joined(box, "sleep 100", user=other, network=other)
    b.linux.update({k: extents(*named) for k in MAPPINGS})
    if good:
        box.run(b, "--detach").ok()
    else:
        box.create(b).fails("linux.uidMappings", "maps other ids")
        box.unknown()
