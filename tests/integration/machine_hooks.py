# SPDX-License-Identifier: Apache-2.0
"""Hooks of a virtual machine: those of the runtime see the host, startContainer the guest."""
import json
import os

import host
from harness import same, test
from machine_box import descendants, machine
from machines import LIMIT

HOST = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")


def noting(b, kind, log):
    """Notes its kernel and network namespace."""
    b.hook(kind, "/bin/sh", ["sh", "-c", f"echo {kind} $(uname -r) $(readlink /proc/self/ns/net) >> {log}"],
           env=["PATH=/usr/bin:/bin"])


@test(timeout=LIMIT)
def each_runs_where_the_specification_says(box):
    b = machine(box, "cat /log; echo program")
    log = f"{b.path}/log"
    b.config["root"]["readonly"] = False
    for kind in HOST:
        noting(b, kind, log if kind != "createContainer" else log)
    noting(b, "startContainer", "/log")
    out = box.run(b).ok().out.splitlines()
    same([line.split()[:2] for line in out], [["startContainer", b.kernel.release], ["program"]])
    lines = [line.split() for line in open(log).read().splitlines()]
    same([line[0] for line in lines], ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
    same({line[1] for line in lines}, {os.uname().release})
    own = os.readlink("/proc/self/ns/net")
    same([line[2] == own for line in lines], [True, True, False, True, True], "createContainer joins the monitor's")


@test(timeout=LIMIT, sanitized=False)
def the_state_names_the_process_that_has_the_network(box):
    """An engine's network hook goes by the pid to the container's network namespace."""
    b = machine(box, "sleep 1000")
    b.hook("createRuntime", b.script("hook", f"#!/bin/sh\ncat > {b.path}/state\n"), ["hook"])
    pid = box.created(b)
    state = json.load(open(f"{b.path}/state"))
    same((state["pid"], state["status"], state["id"]), (pid, "creating", "c1"))
    assert host.namespace(pid, "net") != host.namespace("self", "net")


@test(cases={k: k for k in ("createRuntime", "createContainer", "startContainer", "poststart")}, timeout=LIMIT,
      sanitized=False)
def one_that_fails_ends_the_machine(box, kind):
    b = machine(box, "sleep 1000")
    b.hook(kind, "/bin/sh", ["sh", "-c", "exit 3"])
    r = box.run(b).ends(1).says(f"hooks.{kind}[0]", "exited with", "status 3")
    assert "sleep" not in r.out
    box.nothing_left()


@test(timeout=LIMIT, sanitized=False)
def start_container_gets_the_state_and_waits_for_start(box):
    b = machine(box, "cat /state; sleep 1000")
    b.config["root"]["readonly"] = False
    b.hook("startContainer", "/bin/sh", ["sh", "-c", "cat > /state"])
    out = box.create(b).ok()
    assert not os.path.exists(f"{b.rootfs}/state")
    box.hozo("start", "c1").ok()
    host.eventually(lambda: out.out, 10, "the program")
    state = json.loads(out.out)
    same((state["id"], state["status"]), ("c1", "created"))
    assert descendants(box.state()["pid"])
