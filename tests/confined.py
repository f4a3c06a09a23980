# SPDX-License-Identifier: Apache-2.0
"""What tests of what a process gets on its way have in common: whose containers they are, what hooks see."""
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


OUTSIDE = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")


def hooks_that_show(b, show):
    """Each hook writes what the command `show` prints into a file of its name, below the directory that is returned:
    those OUTSIDE, and startContainer."""
    log = f"{b.path}/log"
    os.mkdir(log)
    b.bind(log, "/log")
    for kind in (*OUTSIDE, "startContainer"):
        directory = "/log" if kind == "startContainer" else log
        b.hook(kind, "/bin/sh", ["sh", "-c", f"{show} > {directory}/{kind}"], env=["PATH=/usr/bin:/bin"])
    return log


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
