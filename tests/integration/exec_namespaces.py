# SPDX-License-Identifier: Apache-2.0
"""exec into a container whose init has other namespaces than those it was created with."""
import os

import host
from harness import same, test
from neighbour import CAPABILITIES


def moved(box, options, script):
    """The pid of an init that has left for namespaces of its own, and which they are."""
    b = box.bundle(["unshare", *options, "sh", "-c", f"{script}; exec sleep 100"])
    b.capabilities(*CAPABILITIES)
    b.process["noNewPrivileges"] = False
    before = host.namespace(pid := box.created(b), "uts")
    box.hozo("start", "c1").ok()
    host.eventually(lambda: host.namespace(pid, "uts") != before and host.command_line(pid).startswith("sleep"))
    return pid


def namespaces(pid):
    return {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in os.listdir(f"/proc/{pid}/ns")}


SHOW = "for n in /proc/self/ns/*; do echo ${n##*/}=$(readlink $n); done"


@test
def it_joins_those_that_init_has_now(box):
    pid = moved(box, ["-u", "-m", "-i", "-n"], "hostname other; mount -t tmpfs own /tmp")
    r = box.exec("sh", "-c", f"{SHOW}; hostname; grep -c '^own /tmp' /proc/self/mounts").ok()
    *seen, name, mounted = r.out.split()
    same(dict(line.split("=") for line in seen), namespaces(pid))
    same((name, mounted), ("other", "1"))


@test
def also_a_user_namespace(box):
    pid = moved(box, ["-U", "-r", "-u"], "hostname inner")
    r = box.exec("sh", "-c", f"{SHOW}; hostname; id -u; cat /proc/self/uid_map").ok()
    *seen, name, user, inside, outside, count = r.out.split()
    same(dict(line.split("=") for line in seen), namespaces(pid))
    same((name, user, inside, outside, count), ("inner", "0", "0", "0", "1"))
