# SPDX-License-Identifier: Apache-2.0
"""SCMP_ACT_NOTIFY: an agent answers for system calls of a container, and for those of hozo before it."""
import errno
import os
import signal
import subprocess
import time

import harness
import host
from confined import USER_RUNS, in_user_namespace, of_a_user
from harness import same, test
from seccomp_agent import agent, carry_on, error, notifying, value
from seccomp_probe import (GETPRIORITY, OK, probing, profile, rule, told, verdicts)

# --- what the agent says

@test(cases={"a value": (value(4242), "= 4242"), "the largest value": (value((1 << 63) - 1), f"= {(1 << 63) - 1}"),
             "an errno": (error(errno.EXDEV), f"errno {errno.EXDEV}"), "that it goes on": (carry_on(), OK)})
def the_agent_answers_with(box, case):
    answer, expected = case
    with agent(box, lambda call: answer) as a:
        lines = told(box.run(notifying(box)))
        if expected == OK:
            lines[0] = OK if lines[0].startswith(OK) else lines[0]
        same((lines[0], lines[1][:2]), (expected, OK))
        same(a.numbers(), [GETPRIORITY])


@test
def it_sees_the_arguments(box):
    arguments = [1 << 40, 2, 0xffffffffffffffff, 1 << 32, 5, 6]
    with agent(box) as a:
        same(told(box.run(notifying(box, program=["probe", "getpriority:" + ",".join(map(str, arguments))]))), ["= 4242"])
        same(a.calls[0].arguments, arguments)


@test
def only_what_a_rule_is_about_is_asked(box):
    p = profile("ALLOW", rule("getpriority", "NOTIFY", [(0, "EQ", 1 << 32)]), rule("getsid", "ERRNO", errnoRet=9),
                listenerPath=f"{box.dir}/agent")
    with agent(box) as a:
        same(verdicts(box.run(probing(box, p, "getpriority:0", "getpriority:0x100000000", "getsid", "getpgid")))[0::2], [OK, "errno 9"])
        same([c.arguments[0] for c in a.calls], [1 << 32])


@test
def what_a_shell_does_is_answered(box):
    b = notifying(box, "mkdir mkdirat", "mkdir /var/x; echo $?; mkdir /tmp/y; echo $?; ls -d /tmp/y")
    b.mount("/tmp")
    answers = [error(errno.EDQUOT), carry_on()]
    with agent(box, lambda call: answers.pop(0)):
        r = box.run(b).ok()
    same(r.out, "1\n0\n/tmp/y\n")
    assert "uota" in r.err, r


@test
def many_calls_of_many_processes(box):
    script = "for n in 1 2 3 4 5; do probe getpriority getpriority getpriority & done; wait"
    with agent(box) as a:
        same(box.run(notifying(box, program=script)).ok().out, "= 4242\n" * 15)
        same((len(a.calls), len({c.pid for c in a.calls}), len(a.connections)), (15, 15, 1))


@test
def without_an_agent_any_more_the_call_is_unknown(box):
    b = notifying(box, program="read x; probe getpriority")
    with agent(box):
        process = box.spawn_run(b, stdin=subprocess.PIPE)
        host.eventually(lambda: box.hozo("state", "c1").code == 0 and box.state()["status"] == "running")
    process.stdin.close()
    process.wait(10)
    same(process.output.out, "errno 38\n")


# --- when

@test
def calls_between_the_filter_and_the_program_are_answered(box):
    """Without noNewPrivileges the capabilities change under the filter, before create ends."""
    b = notifying(box, "getpriority capset", "id -u; probe getpriority")
    b.process.update(noNewPrivileges=False, user={"uid": 1000, "gid": 1000})
    with agent(box, lambda call: value(4242) if call.number == GETPRIORITY else carry_on()) as a:
        box.created(b)
        assert len(a.calls) >= 1 and GETPRIORITY not in a.numbers(), a.numbers()
        same(a.connections[0].state["state"]["status"], "creating")
    box.hozo("delete", "--force", "c1").ok()
    with agent(box, lambda call: value(4242) if call.number == GETPRIORITY else carry_on()) as a:
        same(box.run(b).ok().out, "1000\n= 4242\n")


@test
def an_agent_that_refuses_the_change_of_capabilities(box):
    b = notifying(box, "capset", "id -u")
    b.process.update(noNewPrivileges=False, user={"uid": 1000, "gid": 1000})
    with agent(box, lambda call: error(errno.EPERM)):
        box.create(b).fails("process.capabilities")
        box.unknown()
    box.nothing_left()


@test
def execve_and_its_kin_may_be_asked_about(box):
    """The program itself is executed when the agent says so."""
    for nnp in (True, False):
        b = notifying(box, "execve", "/bin/true; echo $?")
        b.process["noNewPrivileges"] = nnp
        with agent(box, lambda call: carry_on()) as a:
            same(box.run(b).ok().out, "0\n")
            same(len(a.calls), 2)


@test(cases={"close": "close", "read": "read", "exit_group": "exit_group", "clone clone3": "clone clone3 fork vfork"})
def what_hozo_itself_calls_then_may_be_asked_about(box, names):
    with agent(box, lambda call: carry_on()) as a:
        same(box.run(notifying(box, names, "/bin/true; echo $?")).ok().out, "0\n")
        assert a.calls


@test
def start_container_hooks_are_asked_about_too(box):
    b = notifying(box, program="true")
    b.hook("startContainer", "/bin/sh", ["sh", "-c", "exec probe getpriority"], env=["PATH=/bin"])
    with agent(box) as a:
        box.created(b)
        same(a.calls, [])
        box.hozo("start", "c1").ok()
        same(a.numbers(), [GETPRIORITY])


@test
def an_agent_that_is_slow_is_waited_for(box):
    def slow(call):
        time.sleep(1)
        return carry_on()
    b = notifying(box, "setresuid setuid setreuid", "id -u")
    b.process.update(noNewPrivileges=False, user={"uid": 1000, "gid": 1000})
    with agent(box, slow) as a:
        same(box.run(b).ok().out, "1000\n")
        assert a.calls


@test(cases={"no new privileges": True, "privileges may be gained": False})
def a_user_of_the_host_has_an_agent_too(box, nnp):
    b = notifying(box, program=["probe", "getpriority"])
    b.process["noNewPrivileges"] = nnp
    of_a_user(box, b)
    with agent(box):
        same(told(box.run(b, **USER_RUNS)), ["= 4242"])


@test(cases={"no new privileges": True, "privileges may be gained": False})
def in_a_user_namespace(box, nnp):
    b = in_user_namespace(notifying(box, program=["probe", "getpriority"]))
    b.process["noNewPrivileges"] = nnp
    with agent(box):
        same(told(box.run(b)), ["= 4242"])


@test
def an_executed_user_without_privileges_has_it_too(box):
    with agent(box):
        box.running(notifying(box, program="sleep 100"))
        for options in (("--user", "1000:1000"), ("--user", "0:0", "--cap", "CAP_SYS_ADMIN"), ("--user", "7:7", "--no-new-privs")):
            same(told(box.exec("probe", "getpriority", options=options)), ["= 4242"])


# --- signals while it is asked

@test(cases={"signals interrupt the call": [], "only the last of signals does, with the flag": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]})
def once_the_agent_has_a_call(box, flags):
    """Linux 5.19 can wait for the agent, except where a signal ends the program."""
    seen = []

    def answer(call):
        if len(seen) < 1:
            os.kill(call.pid, signal.SIGUSR1)
            time.sleep(0.3 * harness.patience)
            seen.append(call.valid())
        return value(5)
    with agent(box, answer):
        b = notifying(box, program=["probe", "usr1/getpriority"], flags=flags)
        same(told(box.run(b)), ["handled", "= 5"])
    same(seen, [bool(flags)])


@test
def a_signal_that_ends_the_program_ends_the_call(box):
    seen = []

    def answer(call):
        os.kill(call.pid, signal.SIGKILL)
        host.eventually(lambda: not call.valid())
        seen.append(call.pid)
    with agent(box, answer):
        b = notifying(box, program=["probe", "getpriority"], flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
        same(told(box.run(b)), ["signal 9"])
    same(len(seen), 1)


@test
def the_flag_means_nothing_without_an_agent(box):
    p = profile("ALLOW", rule("getpriority", "ERRNO"), flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
    same(verdicts(box.run(probing(box, p, "getpriority", "getsid"))), ["errno 1", OK])


@test
def with_all_flags_at_once(box):
    flags = [f"SECCOMP_FILTER_FLAG_{f}" for f in ("TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")]
    with agent(box):
        same(told(box.run(notifying(box, flags=flags)))[0], "= 4242")
