# SPDX-License-Identifier: Apache-2.0
"""spec --rootless: a configuration that an ordinary user can run. (spec itself: cli.py.)"""
import json
import os
import subprocess

import host
from harness import same, test

UID, GID = 4711, 4712


def written(box, *options, ids=(UID, GID)):
    """What `spec` writes for this user."""
    directory = f"{box.dir}/bundle-{len(os.listdir(box.dir))}"
    os.mkdir(directory)
    os.chmod(box.dir, 0o755)
    os.chown(directory, *ids)
    r = subprocess.run([box.runtime, "spec", *options], cwd=directory, capture_output=True, text=True, timeout=20,
                       stdin=subprocess.DEVNULL, user=ids[0], group=ids[1], extra_groups=[], env={"PATH": "/bin"})
    assert (r.returncode, r.stdout, r.stderr) == (0, "", ""), r
    with open(f"{directory}/config.json") as f:
        return json.load(f)


def kinds(config):
    return {n["type"] for n in config["linux"]["namespaces"]}


def mounts(config):
    return {m["destination"]: m for m in config["mounts"]}


@test
def the_caller_is_root_in_a_user_namespace(box):
    linux = written(box, "--rootless")["linux"]
    same(linux["uidMappings"], [{"containerID": 0, "hostID": UID, "size": 1}])
    same(linux["gidMappings"], [{"containerID": 0, "hostID": GID, "size": 1}])
    assert {"type": "user"} in linux["namespaces"]


@test
def it_keeps_the_network_of_the_host_and_makes_all_other_namespaces(box):
    same(kinds(written(box, "--rootless")) - {"cgroup"}, {"pid", "ipc", "uts", "mount", "user"})


@test
def no_mount_asks_for_what_an_ordinary_user_may_not_do(box):
    all = mounts(written(box, "--rootless"))
    for m in all.values():
        assert not any(o.startswith(("uid=", "gid=")) for o in m.get("options", [])), m
        assert m["type"] != "sysfs", "a sysfs is for the owner of the network namespace"
    assert "newinstance" in all["/dev/pts"]["options"]
    same(all["/sys"]["source"], "/sys")
    assert {"rbind", "rro", "nosuid", "noexec", "nodev"} <= set(all["/sys"]["options"])


@test
def it_sets_no_limit(box):
    assert "resources" not in written(box, "--rootless")["linux"]


@test
def control_groups_are_mounted_where_they_can_be(box):
    config = written(box, "--rootless")
    v2 = "" in host.hierarchies().get("/sys/fs/cgroup", set())
    same("cgroup" in kinds(config), v2)
    same("/sys/fs/cgroup" in mounts(config), v2)


@test
def on_cgroup_v2_control_groups_are_mounted(box):
    host.cgroup_v2_only()
    config = written(box, "--rootless")
    assert "cgroup" in kinds(config) and "/sys/fs/cgroup" in mounts(config)


@test
def all_else_is_as_without_the_option(box):
    rootless, plain = written(box, "--rootless"), written(box)
    for config in (rootless, plain):
        for name in ("namespaces", "uidMappings", "gidMappings", "resources"):
            config["linux"].pop(name, None)
        config["mounts"] = [m for m in config["mounts"]
                            if m["destination"] not in ("/sys", "/sys/fs/cgroup", "/dev/pts")]
    same(rootless, plain)


@test
def without_the_option_it_is_for_root(box):
    config = written(box)
    assert kinds(config) >= {"pid", "network", "ipc", "uts", "mount"} and "user" not in kinds(config)
    assert "uidMappings" not in config["linux"] and "gid=5" in mounts(config)["/dev/pts"]["options"]
    same(mounts(config)["/sys"]["type"], "sysfs")


@test
def root_may_ask_for_it_too(box):
    same(written(box, "--rootless", ids=(0, 0))["linux"]["uidMappings"],
         [{"containerID": 0, "hostID": 0, "size": 1}])


# --- and it runs

def as_user(box, b):
    """The configuration that `spec --rootless` writes for this user, in this bundle, which is then the user's."""
    b.config = written(box, "--rootless")
    b.config["process"]["terminal"] = False
    subprocess.run(["chown", "-R", f"{UID}:{GID}", box.dir], check=True)
    return b


USER_RUNS = {"user": UID, "group": GID, "extra_groups": []}


@test
def an_ordinary_user_runs_it(box):
    b = as_user(box, box.bundle())
    b.program("id -u; cat /proc/self/uid_map; touch /sys/fs/cgroup/x; touch /sys/x; stat -f -c %T /sys; exit 3")
    r = box.run(b, **USER_RUNS).ends(3)
    same(r.out.split(), ["0", "0", str(UID), "1", "sysfs"])
    same(r.err.count("Read-only file system"), 2)


@test
def an_ordinary_user_sees_its_processes(box):
    b = as_user(box, box.bundle())
    b.program("sleep 100 & sleep 100")
    pid = box.running(b, **USER_RUNS)
    found = host.eventually(lambda: len(p := json.loads(box.hozo("ps", "-f", "json", "c1", **USER_RUNS).ok().out)) == 2
                            and p)
    assert pid in found, (pid, found)
