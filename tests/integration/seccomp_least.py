# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: profiles that permit almost nothing, and what hozo itself needs under them."""
import os
import subprocess

import host
from compiled import compiled
from harness import Skip, same, test
from seccomp_probe import MACHINE, profile, rule

# Without a library, so that nothing but this makes a call. It prints its arguments and its environment; or, as the
# first argument says, ends with the status of the second, or waits for the end of its input or makes another call
# before that.
TINY = r"""
__asm__(".globl _start\n_start: mov %rsp, %rdi\n call begin\n");

static long call(long number, long a, long b, long c)
{
    long r;

    __asm__ volatile("syscall" : "=a"(r) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static void line(const char *text)
{
    unsigned long n = 0;

    while (text[n])
        n++;
    call(1, 1, (long)text, n);
    call(1, 1, (long)"\n", 1);
}

__attribute__((noreturn, used)) void begin(long *stack)
{
    char **argv = (char **)stack + 1, buffer[512];
    long argc = *stack, status = 0;

    if (argc > 2 && (argv[1][0] == 'E' || argv[1][0] == 'W' || argv[1][0] == 'C')) {
        while (argv[1][0] == 'W' && call(0, 0, (long)buffer, sizeof buffer) > 0)
            ;
        if (argv[1][0] == 'C')
            call(39, 0, 0, 0);
        status = argv[2][0] - '0';
    } else {
        for (; *argv; argv++)
            line(*argv);
        for (argv++; *argv; argv++)
            line(*argv);
    }
    for (;;)
        call(231, status, 0, 0);
}
"""

LEAST = "read write close execve exit_group"
# What docs/seccomp.md says that a startContainer hook needs beside them.
HOOK = "clone pipe2 dup3 setpgid wait4 poll kill"


def tiny(box, seccomp, *arguments):
    if MACHINE != "x86_64":
        raise Skip("the program without a library is one for x86-64")
    b = box.bundle(["/bin/tiny", *arguments])
    compiled(box, TINY, f"{b.rootfs}/bin/tiny", "-nostdlib", "-static", "-O1", "-fno-stack-protector", "-fno-pie", "-no-pie",
             "-fno-builtin")
    b.linux["seccomp"] = seccomp
    b.process["env"] = ["A=1", "HOME=/x"]
    return b


def least(*more):
    return profile("KILL_PROCESS", rule(" ".join((LEAST, *more)), "ALLOW"))


@test(cases={"KILL_PROCESS": "KILL_PROCESS", "KILL": "KILL", "ERRNO": "ERRNO", "TRAP": "TRAP", "TRACE": "TRACE"})
def a_program_runs_that_may_read_write_close_execute_and_end(box, default):
    b = tiny(box, {**least(), "defaultAction": f"SCMP_ACT_{default}"}, "x", "y z")
    same(box.run(b).ok().out, "/bin/tiny\nx\ny z\nA=1\nHOME=/x\n")
    box.created(b)
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")
    box.hozo("delete", "c1").ok()
    b.process["args"][1:] = ["C", "5"]
    box.run(b).ends(5 if default in ("ERRNO", "TRACE") else 128 + 31)


@test
def whoever_it_is(box):
    for process in ({"user": {"uid": 1000, "gid": 1000, "additionalGids": [7]}}, {"capabilities": {}}, {"cwd": "/tmp"},
                    {"rlimits": [{"type": "RLIMIT_CORE", "hard": 0, "soft": 0}]}, {"oomScoreAdj": 10}):
        b = tiny(box, least(), "x")
        b.process.update(process)
        same(box.run(b).ok().out.splitlines()[:2], ["/bin/tiny", "x"], process)


@test
def on_a_terminal(box):
    socket = host.ConsoleSocket(f"{box.dir}/console")
    b = tiny(box, least(), "x")
    b.process["terminal"] = True
    box.created(b, "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"HOME=/x\r\n")


@test
def in_a_user_namespace(box):
    b = tiny(box, least(), "x")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    same(box.run(b).ok().out.splitlines()[:2], ["/bin/tiny", "x"])


@test
def exec_runs_it_too(box):
    b = tiny(box, least(), "W", "4")
    process = box.spawn_run(b, stdin=subprocess.PIPE)
    host.eventually(lambda: os.path.exists(f"{box.root}/c1") and box.hozo("state", "c1").code == 0
                    and box.state()["status"] == "running")
    same(box.exec("/bin/tiny", "x", options=("--env", "B=2")).ok().out, "/bin/tiny\nx\nA=1\nHOME=/x\nB=2\n")
    box.exec("/bin/tiny", "E", "6").ends(6)
    box.exec("/bin/tiny", "C", "6").ends(128 + 31)
    process.stdin.close()
    same(process.wait(10), 4)


@test(cases={"that reads its input": "W", "that does not": "E"})
def a_start_container_hook_runs_with_what_is_documented(box, how):
    b = tiny(box, least(HOOK, *(["rt_sigreturn"] if how == "E" else [])), "x")
    b.hook("startContainer", "/bin/tiny", ["tiny", how, "0"])
    b.hook("startContainer", "/bin/tiny", ["tiny", how, "0"], timeout=5)
    same(box.run(b).ok().out.splitlines()[:2], ["/bin/tiny", "x"])
    b.hook("startContainer", "/bin/tiny", ["tiny", how, "7"])
    r = box.run(b)
    assert r.code == 1 and "hooks.startContainer[2]" in r.err and "7" in r.err and "tiny" not in r.out, r
    box.nothing_left()


@test
def the_state_for_a_hook_may_be_long(box):
    """No memory has to be asked for when it is written."""
    b = tiny(box, least(HOOK), "x")
    b.config["annotations"] = {f"org.test.a{n}": "x" * 1000 for n in range(300)}
    for n in range(20):
        b.hook("startContainer", "/bin/tiny", ["tiny", "W", "0", *(["word" * 100] * 20)])
    same(box.run(b).ok().out.splitlines()[:2], ["/bin/tiny", "x"])


# --- what cannot run

@test(cases={f"{names}: {do}": (names, do) for names in ("write", "write writev") for do in
             ("ERRNO", "KILL", "KILL_PROCESS", "TRAP", "TRACE")})
def a_profile_without_write_is_an_error_of_create(box, case):
    names, do = case
    box.create(tiny(box, profile("ALLOW", rule(names, do)))).fails("linux.seccomp")
    box.unknown()
    box.nothing_left()


@test(cases={"KILL": "KILL", "KILL_PROCESS": "KILL_PROCESS", "ERRNO": "ERRNO", "TRAP": "TRAP", "TRACE": "TRACE"})
def a_profile_that_permits_nothing_is_an_error_of_create(box, default):
    box.create(tiny(box, profile(default))).fails("linux.seccomp")
    box.unknown()
    box.nothing_left()
    box.run(tiny(box, profile(default, rule("exit_group", "ALLOW")))).fails("linux.seccomp")
    box.nothing_left()


@test(cases={f"{name}: {do}": (name, do) for name in ("read", "execve") for do in ("ERRNO", "KILL", "KILL_PROCESS")})
def a_profile_without_what_the_start_needs_runs_nothing(box, case):
    name, do = case
    r = box.run(tiny(box, profile("ALLOW", rule(name, do)), "x"))
    assert r.code != 0 and r.out == "", r
    # Who is killed for execve(2) itself cannot tell; its end does.
    assert r.err or (name, r.code) == ("execve", 128 + 31), r
    box.nothing_left()
    box.unknown()

