# SPDX-License-Identifier: Apache-2.0
"""Additional groups that the caller has, and the container must not."""
import ctypes

import host
from harness import same, test

PR_CAPBSET_DROP, CAP_SETGID = 24, 6


def without_setgid():
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SETGID, 0, 0, 0)


@test
def they_are_dropped(box):
    pid = box.running("sleep 100", extra_groups=[54322])
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Groups"), "")


@test
def where_they_cannot_be_dropped_there_is_no_container(box):
    """Only a user namespace in which nobody may call setgroups(2) is an excuse."""
    box.create("true", extra_groups=[54322], preexec_fn=without_setgid).fails(
        "process.user", "setgroups", "operation not permitted")
    box.nothing_left()
