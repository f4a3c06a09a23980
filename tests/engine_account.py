# SPDX-License-Identifier: Apache-2.0
"""An ordinary account with subordinate ids, in files that only the test's mount namespace has as its /etc."""
import os
import shutil

import host
from harness import Skip

NAME, ID = "hozo-tester", 4711
SUBORDINATE = 200000  # and 65535 more


def make(directory):
    """Call it in a mount namespace of the test's own."""
    if not shutil.which("newuidmap"):
        raise Skip("newuidmap is not installed (package uidmap)")
    os.makedirs(directory, exist_ok=True)
    for file, line in (("passwd", f"{NAME}:x:{ID}:{ID}::{directory}:/bin/sh"), ("group", f"{NAME}:x:{ID}:"),
                       ("subuid", f"{NAME}:{SUBORDINATE}:65536"), ("subgid", f"{NAME}:{SUBORDINATE}:65536")):
        path = f"{directory}/{file}"
        if not os.path.exists(f"/etc/{file}"):
            raise Skip(f"there is no /etc/{file} (package uidmap)")
        with open(f"/etc/{file}") as old, open(path, "w") as f:
            # An id is given to one account only.
            f.write(line + "\n" if file.startswith("sub") else old.read().rstrip("\n") + "\n" + line + "\n")
        os.chmod(path, 0o644)
        if host.libc.mount(path.encode(), f"/etc/{file}".encode(), None, 4096, None):  # MS_BIND
            raise Skip(f"nothing can be mounted on /etc/{file}")


def drop():
    for file in ("passwd", "group", "subuid", "subgid"):
        host.detach(f"/etc/{file}")


AS_USER = ("setpriv", "--reuid", str(ID), "--regid", str(ID), "--clear-groups")
