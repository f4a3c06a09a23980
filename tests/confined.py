# SPDX-License-Identifier: Apache-2.0
"""What tests of labels of security modules have in common."""
import json
import os
import subprocess

USER = 54321
USER_RUNS = {"user": USER, "group": USER, "extra_groups": []}


def process_file(box, script, **members):
    """A file for exec --process."""
    path = f"{box.dir}/process.json"
    with open(path, "w") as f:
        json.dump({"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/sh", "-c", script],
                   "env": ["PATH=/bin"], **members}, f)
    return path


def in_user_namespace(b, host=100000, size=65536):
    b.linux["namespaces"].append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        b.linux[kind] = [{"containerID": 0, "hostID": host, "size": size}]
    return b


def of_a_user(box, b):
    """To be run with **USER_RUNS: what an ordinary user may not do is not in it."""
    in_user_namespace(b, USER, 1)
    del b.linux["resources"], b.linux["cgroupsPath"]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    subprocess.run(["chown", "-R", f"{USER}:{USER}", box.dir], check=True)
    return b


def nothing_runs(box, b):
    """Makes the bundle tell whether its program or a hook of the host has run; returns who asks."""
    b.program("touch /ran")
    b.config["root"]["readonly"] = False
    b.hook("createRuntime", "/bin/touch", ["touch", f"{b.path}/hooked"])

    def ask():
        box.unknown()
        box.nothing_left()
        assert not os.path.exists(f"{b.path}/hooked") and not os.path.exists(f"{b.rootfs}/ran")
    return ask
