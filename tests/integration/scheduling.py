# SPDX-License-Identifier: Apache-2.0
"""process.scheduler, ioPriority, execCPUAffinity, linux.personality: what the kernel says of the program."""
import json
import os

import host
from compiled import compiled
from harness import Skip, libc, same, test

OTHER, FIFO, RR, BATCH, IDLE, DEADLINE = 0, 1, 2, 3, 5, 6
RESET, RECLAIM, OVERRUN = 1, 2, 4
RT, BE = 1, 2
CAP_SYS_NICE, PR_CAPBSET_DROP, PER_LINUX32, ADDR_NO_RANDOMIZE = 23, 24, 8, 0x40000

# Of itself: the policy with its parameters, class and level of I/O, the CPUs, the personality, fork's errno.
GUEST = r"""
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a;
    unsigned long mask[128] = {0};
    long io = syscall(SYS_ioprio_get, 1, 0);
    pid_t pid;

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) || io < 0 ||
        syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) < 0)
        return 1;
    errno = 0;
    if (!(pid = fork()))
        return 0;
    printf("{\"policy\": %u, \"flags\": %lu, \"nice\": %d, \"priority\": %u, \"deadline\": [%lu, %lu, %lu],"
           " \"io\": [%ld, %ld], \"cpus\": %lu, \"personality\": %d, \"fork\": %d}\n",
           a.policy, a.flags, a.nice, a.priority, a.runtime, a.deadline, a.period, io >> 13, io & 7, mask[0],
           personality(-1), pid < 0 ? errno : 0);
    return 0;
}
"""


def bundle(box, program=("guest",), **process):
    """With the guest in it; in real-time groups of cgroup v1 no real-time policy is had without time for it."""
    host.cgroup_v2_only()
    b = box.bundle(program)
    compiled(box, GUEST, f"{b.rootfs}/bin/guest", "-static", "-O1")
    b.process.update(process)
    return b


def told(output, *names):
    """What the guest printed of itself."""
    said = json.loads(output.ok().out)
    return tuple(said[n] for n in names) if len(names) > 1 else said[names[0]]


def needs_right():
    with open("/proc/self/status") as f:
        if not int(host.status_field(f.read(), "CapEff"), 16) >> CAP_SYS_NICE & 1:
            raise Skip("CAP_SYS_NICE is missing")


def policy(name, *flags, **parameters):
    return {"policy": f"SCHED_{name}", "flags": [f"SCHED_FLAG_{f}" for f in flags], **parameters}


EVEN = dict(runtime=1000000, deadline=10000000, period=20000000)


@test(cases={
    "SCHED_OTHER": (policy("OTHER", nice=7), (OTHER, 0, 7, 0)),
    "SCHED_OTHER with more than nice 0": (policy("OTHER", nice=-7), (OTHER, 0, -7, 0)),
    "SCHED_FIFO": (policy("FIFO", priority=11), (FIFO, 0, 0, 11)),
    "SCHED_RR, reset on fork": (policy("RR", "RESET_ON_FORK", priority=1), (RR, RESET, 0, 1)),
    "SCHED_BATCH": (policy("BATCH", nice=19), (BATCH, 0, 19, 0)),
    "SCHED_IDLE": (policy("IDLE"), (IDLE, 0, 0, 0)),
    "SCHED_DEADLINE": (policy("DEADLINE", **EVEN), (DEADLINE, 0, 0, 0)),
    "SCHED_DEADLINE with flags": (policy("DEADLINE", "RECLAIM", "DL_OVERRUN", "RESET_ON_FORK", **EVEN),
                                  (DEADLINE, RESET | RECLAIM | OVERRUN, 0, 0)),
})
def the_program_has_the_policy(box, case):
    needs_right()
    scheduler, expected = case
    said = box.run(bundle(box, scheduler=scheduler))
    same(told(said, "policy", "flags", "nice", "priority"), expected)
    if expected[0] == DEADLINE:
        same(told(said, "deadline"), list(EVEN.values()))
        same(told(said, "fork"), 0 if expected[1] & RESET else 11, "EAGAIN where it is not reset")


@test
def what_is_not_said_is_zero_and_not_inherited(box):
    b = bundle(box, scheduler=policy("OTHER"))
    same(told(box.run(b, preexec_fn=lambda: os.nice(5)), "nice"), 0)
    b = bundle(box)
    same(told(box.run(b, preexec_fn=lambda: os.nice(5)), "nice"), 5, "without a scheduler")


@test
def what_is_kept_is_inherited(box):
    b = bundle(box, scheduler=policy("BATCH", "KEEP_POLICY", "KEEP_PARAMS"))
    same(told(box.run(b, preexec_fn=lambda: os.nice(5)), "policy", "nice"), (OTHER, 5))
    b.process["scheduler"] = policy("BATCH", "KEEP_POLICY", nice=7)
    same(told(box.run(b, preexec_fn=lambda: os.nice(5)), "policy", "nice"), (OTHER, 7))


@test
def a_user_without_privilege_has_it_too(box):
    needs_right()
    b = bundle(box, scheduler=policy("FIFO", priority=3), user={"uid": 1000, "gid": 1000}, capabilities={},
               ioPriority={"class": "IOPRIO_CLASS_RT", "priority": 2})
    same(told(box.run(b), "policy", "priority", "io"), (FIFO, 3, [RT, 2]))


@test(cases={"IOPRIO_CLASS_RT": ("RT", [RT, 0]), "IOPRIO_CLASS_BE": ("BE", [BE, 7]), "IOPRIO_CLASS_IDLE": ("IDLE", [3, 4])})
def the_program_has_the_io_priority(box, case):
    name, expected = case
    if name == "RT":
        needs_right()
    b = bundle(box, ioPriority={"class": f"IOPRIO_CLASS_{name}", "priority": expected[1]})
    same(told(box.run(b), "io"), expected)


@test
def what_joins_later_has_it_too(box):
    """exec falls back to the container's process where its own says nothing."""
    needs_right()
    b = bundle(box, "sleep 100", scheduler=policy("FIFO", priority=3),
               ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    box.running(b)
    same(told(box.exec("guest"), "policy", "priority", "io"), (FIFO, 3, [BE, 6]))
    file = f"{box.dir}/process.json"
    for own, expected in (({}, (FIFO, 3, [BE, 6])),
                          ({"scheduler": policy("RR", priority=1)}, (RR, 1, [BE, 6])),
                          ({"ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0}}, (FIFO, 3, [3, 0]))):
        with open(file, "w") as f:
            json.dump({"cwd": "/", "args": ["/bin/guest"], **own}, f)
        same(told(box.exec(options=("--process", file)), "policy", "priority", "io"), expected)
    with open(file, "w") as f:
        json.dump({"cwd": "/", "args": ["/bin/guest"], "scheduler": {"policy": "SCHED_RR"}}, f)
    box.exec(options=("--process", file)).fails("process.scheduler.priority: ", code=255)


@test
def only_the_program_and_its_hooks_have_it(box):
    """Neither hozo nor what it runs for the container; startContainer runs in the container's process."""
    needs_right()
    b = bundle(box, "sleep 100", scheduler=policy("FIFO", priority=3))
    log = f"{b.path}/log"
    os.mkdir(log)
    b.bind(log, "/log")
    outside = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    show = "read -r line < /proc/self/stat; set -- $line; shift 40; echo $1"
    for kind in (*outside, "startContainer"):
        directory = "/log" if kind == "startContainer" else log
        b.hook(kind, "/bin/sh", ["sh", "-c", f"{{ {show}; }} > {directory}/{kind}"], env=["PATH=/usr/bin:/bin"])
    hozo = box.spawn_run(b)
    host.eventually(lambda: os.path.exists(f"{log}/poststart"), 10, "the start")
    same(os.sched_getscheduler(hozo.pid), OTHER)
    box.hozo("delete", "--force", "c1").ok()
    hozo.wait()
    for kind in (*outside, "startContainer"):
        with open(f"{log}/{kind}") as f:
            same(f.read(), f"{FIFO if kind == 'startContainer' else OTHER}\n", kind)


def without(capability):
    return lambda: same(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), 0)


@test(cases={
    "scheduler": ({"scheduler": policy("FIFO", priority=3)}, "process.scheduler: set SCHED_FIFO: "),
    "nice": ({"scheduler": policy("OTHER", nice=-3)}, "process.scheduler: set SCHED_OTHER: "),
})
def the_kernels_no_is_an_error(box, case):
    process, text = case
    # The bounding set is what a program of root gets.
    box.create(bundle(box, **process), preexec_fn=without(CAP_SYS_NICE)).fails(
        text, "operation not permitted")
    box.nothing_left()
    box.unknown()


# --- CPUs

def two_cpus():
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Skip("needs two CPUs")
    return cpus[:2]


def exec_affinity(box, **affinity):
    file = f"{box.dir}/affinity.json"
    with open(file, "w") as f:
        json.dump({"cwd": "/", "args": ["/bin/guest"], "execCPUAffinity": affinity}, f)
    return box.exec(options=("--process", file))


@test
def exec_runs_on_the_cpus_that_it_shall(box):
    first, second = two_cpus()
    every = sum(1 << n for n in os.sched_getaffinity(0))
    box.running(bundle(box, "sleep 100"))
    same(told(box.exec("guest"), "cpus"), every, "nothing is asked")
    same(told(exec_affinity(box, initial=str(second)), "cpus"), 1 << second, "kept, as no control group changes it")
    same(told(exec_affinity(box, final=str(first)), "cpus"), 1 << first)
    same(told(exec_affinity(box, initial=str(first), final=str(second)), "cpus"), 1 << second)
    same(told(exec_affinity(box, initial=str(first), final=f"{second}, {first}"), "cpus"), 1 << first | 1 << second)
    same(told(exec_affinity(box, initial="", final=""), "cpus"), every)


@test
def exec_falls_back_to_the_affinity_of_create_which_is_not_the_containers(box):
    first, second = two_cpus()
    b = bundle(box, "true", execCPUAffinity={"initial": str(first), "final": str(second)})
    b.program(["guest"])
    same(told(box.run(b), "cpus"), sum(1 << n for n in os.sched_getaffinity(0)))
    b.program("sleep 100")
    box.running(b, id="c2")
    same(told(box.exec("guest", id="c2"), "cpus"), 1 << second)


@test
def the_program_of_exec_is_born_on_the_initial_cpus(box):
    """Before the process exists the runtime is there: its plugins and it run nowhere else."""
    first, second = two_cpus()
    b = bundle(box, "sleep 100", execCPUAffinity={"initial": str(first), "final": str(second)})
    box.running(b)
    hozo = box.spawn("exec", "c1", "sh", "-c", "grep Cpus_allowed_list /proc/self/status; sleep 100")
    host.eventually(lambda: hozo.output.out, 10, "the program")
    same(hozo.output.out.split(), ["Cpus_allowed_list:", str(second)])
    same(os.sched_getaffinity(hozo.pid), {first})


@test
def the_initial_cpus_need_not_be_the_control_groups(box):
    first, second = two_cpus()
    host.controller_directory("cpuset", "/")
    b = box.bundle("sleep 100")
    b.linux["resources"]["cpu"] = {"cpus": str(first)}
    b.process["execCPUAffinity"] = {"initial": str(second)}
    box.running(b)
    show = ("grep", "Cpus_allowed_list", "/proc/self/status")
    same(box.exec(*show).ok().out.split()[1], str(first))
    file = f"{box.dir}/process.json"
    for final, expected in ((f"{first},{second}", str(first)), (str(second), None)):
        with open(file, "w") as f:
            json.dump({"cwd": "/", "args": list(show), "env": ["PATH=/bin"],
                       "execCPUAffinity": {"final": final}}, f)
        said = box.exec(options=("--process", file))
        if expected:
            same(said.ok().out.split()[1], expected)
        else:
            said.fails(f"process.execCPUAffinity.final: set CPU affinity {final}: invalid argument", code=255)


@test
def cpus_that_the_host_has_not_are_refused(box):
    box.running(bundle(box, "sleep 100"))
    for member in ("initial", "final"):
        exec_affinity(box, **{member: "8191"}).fails(
            f"process.execCPUAffinity.{member}: set CPU affinity 8191: invalid argument", code=255)
    exec_affinity(box, final="0-").fails("process.execCPUAffinity.final: ", "is not a list of CPUs", code=255)


# --- personality

@test
def the_program_has_the_personality(box):
    b = bundle(box)
    b.linux["personality"] = {"domain": "LINUX32"}
    same(told(box.run(b), "personality") & 0xff, PER_LINUX32)
    b.program("uname -m; sleep 100")
    if os.uname().machine == "x86_64":
        hozo = box.spawn_run(b)
        host.eventually(lambda: hozo.output.out, 10, "the program")
        same(hozo.output.out, "i686\n")
        same(box.exec("uname", "-m").ok().out, "i686\n", "what joins later")


@test
def the_domain_linux_ends_what_hozo_was_started_with(box):
    def other():
        libc.personality(ADDR_NO_RANDOMIZE | PER_LINUX32)

    b = bundle(box)
    same(told(box.run(b, preexec_fn=other), "personality"), ADDR_NO_RANDOMIZE | PER_LINUX32)
    b.linux["personality"] = {"domain": "LINUX"}
    same(told(box.run(b, preexec_fn=other), "personality"), 0)
