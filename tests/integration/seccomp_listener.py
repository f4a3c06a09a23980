# SPDX-License-Identifier: Apache-2.0
"""SCMP_ACT_NOTIFY: what the agent is told, how, and where it may listen."""
import os
import socket

import host
from harness import same, test
from seccomp_agent import Agent, agent, notifying, value
from seccomp_probe import OK, STATUS, probing, profile, rule, status, told, verdicts

# --- what the agent is told

def connection(a):
    """The only one: the state, as it came in one piece with one descriptor, and nothing behind it."""
    host.eventually(lambda: a.connections, what="a connection")
    same(len(a.connections), 1)
    c = a.connections[0]
    same([n for _, n in c.pieces], [1], "descriptors with each piece")
    assert c.ended
    return c.state


@test
def of_a_container_that_is_created(box):
    b = notifying(box, listenerMetadata='MKNOD=/dev/null; "quoted"\n\u00fc')
    b.config["annotations"] = {"org.test.a": "1", "org.test.\u00fc": "x y"}
    with agent(box) as a:
        pid = box.created(b, id="c-1")
        state = connection(a)
        box.hozo("start", "c-1").ok()
        box.wait_status("stopped", "c-1")
        same(len(a.connections), 1)
        same([c.pid for c in a.calls] != [], True)
    same(state, {
        "ociVersion": b.config["ociVersion"], "fds": ["seccompFd"], "pid": pid, "metadata": 'MKNOD=/dev/null; "quoted"\n\u00fc',
        "state": {"ociVersion": b.config["ociVersion"], "id": "c-1", "status": "creating", "pid": pid, "bundle": b.path,
                  "annotations": {"org.test.a": "1", "org.test.\u00fc": "x y"}}})


@test
def without_metadata_and_annotations(box):
    with agent(box) as a:
        pid = box.created(notifying(box, program="true"))
        state = connection(a)
        same(sorted(state), ["fds", "ociVersion", "pid", "state"])
        same((state["pid"], state["state"]["pid"], state["state"]["status"]), (pid, pid, "creating"))
        assert not state["state"].get("annotations"), state


@test
def of_a_process_that_is_executed(box):
    b = notifying(box, program="sleep 100", listenerMetadata="m")
    b.config["annotations"] = {"org.test.a": "1"}
    with agent(box) as a:
        pid = box.running(b)
        same(told(box.exec("probe", "getpriority"))[0], "= 4242")
        host.eventually(lambda: len(a.connections) == 2)
        second = a.connections[1]
        same([n for _, n in second.pieces], [1])
        state = second.state
        executed = state.pop("pid")
        same(state, {"ociVersion": b.config["ociVersion"], "fds": ["seccompFd"], "metadata": "m",
                     "state": {"ociVersion": b.config["ociVersion"], "id": "c1", "status": "running", "pid": pid, "bundle": b.path,
                               "annotations": {"org.test.a": "1"}}})
        assert executed != pid and executed > 1, executed
        same(len(a.calls), 1)


@test
def the_executed_process_is_the_one_that_is_told(box):
    with agent(box) as a:
        box.running(notifying(box, program="sleep 100"))
        box.exec("sleep", "100", options=("--detach", "--pid-file", f"{box.dir}/pid")).ok()
        host.eventually(lambda: len(a.connections) == 2)
        with open(f"{box.dir}/pid") as f:
            same(a.connections[1].state["pid"], int(f.read()))


@test
def the_descriptor_is_one_of_the_containers_filter(box):
    with agent(box) as a:
        box.running(notifying(box, program="sleep 100"))
        box.running(notifying(box, program="sleep 100"), id="c2")
        host.eventually(lambda: len(a.connections) == 2)
        names = {os.readlink(f"/proc/self/fd/{c.fds[0]}") for c in a.connections}
        same((len(a.connections), names), (2, {"anon_inode:seccomp notify"}))
        box.exec("probe", "getpriority", id="c2").ok()
        same([c.listener for c in a.calls], [a.connections[2].fds[0]], "a listener for each filter")


@test
def it_is_not_in_the_container(box):
    with agent(box) as a:
        pid = box.running(notifying(box, program="sleep 100"))
        host.eventually(lambda: a.connections, what="a connection")
        kinds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not [k for k in kinds if "seccomp" in k or "socket" in k], kinds
        same(len(kinds), 3)


@test
def one_filter_and_no_more(box):
    with agent(box):
        same(box.run(notifying(box, program=STATUS)).ok().out, status())


# --- where it listens

@test
def a_path_of_any_length(box):
    directory = f"{box.dir}/{'d' * 100}/{'e' * 100}"
    os.makedirs(directory)
    path = f"{directory}/agent"
    with Agent(path, lambda call: value(7)):
        same(told(box.run(notifying(box, path=path)))[0], "= 7")


@test(cases={"there is nothing": None, "there is a file": "file", "nobody listens": "bound", "it is of datagrams": "datagram"})
def where_no_agent_is_nothing_runs(box, kind):
    path = f"{box.dir}/agent"
    if kind == "file":
        open(path, "w").close()
    elif kind:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
        s.bind(path)
    box.create(notifying(box)).fails("linux.seccomp", path)
    box.unknown()
    box.nothing_left()


@test
def an_exec_without_the_agent_fails_and_the_container_lives(box):
    with agent(box):
        box.running(notifying(box, program="sleep 100"))
    box.exec("true").fails("linux.seccomp", f"{box.dir}/agent", code=255)
    same(box.state()["status"], "running")
    with agent(box):
        box.exec("true").ok()


@test
def the_path_is_ignored_if_no_rule_notifies(box):
    p = profile("ALLOW", rule("getpriority", "ERRNO"), listenerPath="/nowhere/at/all")
    same(verdicts(box.run(probing(box, p, "getpriority", "getsid"))), ["errno 1", OK])
    p["listenerMetadata"] = "m"
    with Agent(f"{box.dir}/agent") as a:
        p["listenerPath"] = f"{box.dir}/agent"
        same(verdicts(box.run(probing(box, p, "getpriority", "getsid"))), ["errno 1", OK])
        same(a.connections, [])
