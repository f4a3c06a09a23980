# SPDX-License-Identifier: Apache-2.0
"""A kernel with its modules for containers that are machines: that of the guests in which tests run."""
import fcntl
import glob
import json
import os
import shutil

import host
from agent_machine import debugfs, guest_image
from made_plugins import empty_directory

SLOW = 100  # seconds that a container may take that is a machine


def kernel():
    """The path of an image that lies beside its modules, as a package has it; kept with the image of the guest."""
    directory = guest_image()
    kept = f"{directory}/modules"
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(kept):
            shutil.rmtree(f"{kept}.new", ignore_errors=True)
            os.makedirs(f"{kept}.new")
            release = next(line.split("/")[5] for line in debugfs(directory, "ls -p /usr/lib/modules").decode().split()
                           if line.split("/")[5][0] != ".")
            debugfs(directory, f"rdump /usr/lib/modules/{release} {kept}.new")
            os.rename(f"{kept}.new", kept)
    image, = glob.glob(f"{kept}/*/vmlinuz")
    return image


def release():
    return os.path.basename(os.path.dirname(kernel()))


def machine(box, program="true", **vm):
    """A bundle whose program runs in a machine; `vm` are members of the section beside the kernel."""
    bundle = box.bundle(program)
    bundle.config["vm"] = {"kernel": {"path": kernel()}, **vm}
    return bundle


def settings(box, **members):
    """The administrator's file for the plugin, in a mount namespace of the test's own."""
    host.private_mounts()
    directory = box.hozo("plugin", "dir", "--settings").ok().out.strip()
    empty_directory(directory, f"{box.dir}/settings")
    with open(f"{directory}/vm.json", "w") as f:
        json.dump(members, f)
