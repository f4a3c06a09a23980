# SPDX-License-Identifier: Apache-2.0
"""What a seccomp filter does to system calls, observed from inside of a container: a program that makes them, each in
a process of its own, and the words for profiles."""
import os
import subprocess

from compiled import compiled
from harness import Skip

# Each word is a call: [HOW/]NAME[:ARGUMENT,…]. A line each: "= 5", "errno 1", "signal 31", and what HOW adds:
#   trap    with a handler of SIGSYS: "trap NUMBER DATA ARCHITECTURE here" with si_syscall, si_errno, si_arch, and whether
#           si_call_addr is the address at which the program was interrupted
#   thread  in a second thread; "thread gone" if it ends alone
#   traced  under a tracer: "event DATA"
#   usr1    with a handler of SIGUSR1, which a line "handled" tells of before that of the result
#   i386    by int $0x80, with the number of that architecture as a name
#   x32     with the bit that makes it one of that architecture
SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static const struct { const char *name; long number; } names[] = {
#define CALL(name) {#name, SYS_##name}
    CALL(getppid), CALL(geteuid), CALL(getpgid), CALL(getsid), CALL(getpriority), CALL(mkdirat), CALL(chroot), CALL(setns),
    CALL(keyctl), CALL(unshare), CALL(personality), CALL(umask), CALL(mount), CALL(bpf), CALL(ptrace), CALL(acct),
};

struct call { const char *how; long number; unsigned long a[6]; };

static volatile struct answer { int done, trapped, number, data, here, handled; unsigned architecture; long value; } *answer;

static struct call call_of(char *word)
{
    struct call c = {"", -1, {0}};
    char *name = strchr(word, '/'), *arguments = strchr(word, ':');

    if (name) {
        c.how = word;
        *name++ = '\0';
    } else {
        name = word;
    }
    if (arguments)
        *arguments++ = '\0';
    for (unsigned n = 0; arguments && *arguments && n < 6; n++) {
        c.a[n] = strtoul(arguments, &arguments, 0);
        arguments += *arguments == ',';
    }
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        if (!strcmp(name, names[n].name))
            c.number = names[n].number;
    if (c.number < 0)
        c.number = strtol(name, NULL, 10);
    return c;
}

static void make(const struct call *c)
{
    long r;

#ifdef __x86_64__
    if (!strcmp(c->how, "i386")) {
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(c->number), "b"(c->a[0]), "c"(c->a[1]), "d"(c->a[2])
                         : "memory", "r8", "r9", "r10", "r11");
        answer->value = (int)r;
        answer->done = 1;
        return;
    }
#endif
    r = syscall(c->number | (strcmp(c->how, "x32") ? 0 : 0x40000000), c->a[0], c->a[1], c->a[2], c->a[3], c->a[4], c->a[5]);
    answer->value = r == -1 ? -errno : r;
    answer->done = 1;
}

static void *make_in_thread(void *c)
{
    make(c);
    return NULL;
}

static void on_sys(int signal, siginfo_t *info, void *context)
{
#if defined __x86_64__
    void *at = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    void *at = (void *)((ucontext_t *)context)->uc_mcontext.pc;
#else
    void *at = info->si_call_addr;
#endif
    answer->trapped = 1;
    answer->number = info->si_syscall;
    answer->data = info->si_errno;
    answer->architecture = info->si_arch;
    answer->here = info->si_call_addr == at;
    _exit(0);
}

static void on_usr1(int signal)
{
    answer->handled++;
}

static void child(struct call *c)
{
    if (!strcmp(c->how, "trap")) {
        sigaction(SIGSYS, &(struct sigaction){.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO}, NULL);
    } else if (!strcmp(c->how, "usr1")) {
        sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_usr1, .sa_flags = SA_RESTART}, NULL);
    } else if (!strcmp(c->how, "traced")) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
    } else if (!strcmp(c->how, "thread")) {
        pthread_t thread;

        pthread_create(&thread, NULL, make_in_thread, c);
        pthread_join(thread, NULL);
        if (!answer->done)
            answer->value = 1000000;
        answer->done = 1;
        _exit(0);
    }
    make(c);
    _exit(0);
}

static int trace(pid_t pid, int status)
{
    unsigned long message;

    if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP) < 0)
        kill(pid, SIGKILL);
    while (WIFSTOPPED(status)) {
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) && !ptrace(PTRACE_GETEVENTMSG, pid, 0, &message))
            printf("event %lu\n", message);
        ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGSYS ? SIGSYS : 0);
        waitpid(pid, &status, 0);
    }
    return status;
}

int main(int argc, char **argv)
{
    answer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1; n < argc; n++) {
        struct call c = call_of(argv[n]);
        int status;
        pid_t pid;

        memset((void *)answer, 0, sizeof *answer);
        if (!(pid = fork()))
            child(&c);
        waitpid(pid, &status, WUNTRACED);
        if (!strcmp(c.how, "traced") && WIFSTOPPED(status))
            status = trace(pid, status);
        for (int h = 0; h < answer->handled; h++)
            puts("handled");
        if (WIFSIGNALED(status))
            printf("signal %d\n", WTERMSIG(status));
        else if (answer->trapped)
            printf("trap %d %d %#x %s\n", answer->number, answer->data, answer->architecture,
                   answer->here ? "here" : "elsewhere");
        else if (!answer->done)
            puts("no answer");
        else if (answer->value == 1000000)
            puts("thread gone");
        else if (answer->value < 0)
            printf("errno %ld\n", -answer->value);
        else
            printf("= %ld\n", answer->value);
    }
    return 0;
}
"""

# What the program itself needs, and the shell's simplest commands.
NEEDED = ("access arch_prctl brk clock_nanosleep clone clone3 close dup2 dup3 execve exit exit_group faccessat faccessat2 fcntl fstat futex "
          "getcwd getegid geteuid getgid getpgrp getpid getrandom gettid getuid ioctl lseek lstat madvise mmap mprotect "
          "mremap munmap nanosleep newfstatat openat open poll pread64 prlimit64 ptrace read readlink readlinkat rseq rt_sigaction "
          "rt_sigprocmask rt_sigreturn rt_sigsuspend sched_getaffinity set_robust_list set_tid_address setpgid sigaltstack "
          "stat statx sysinfo tgkill uname vfork wait4 write writev").split()

MACHINE = os.uname().machine
NATIVE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}.get(MACHINE)
# enum of linux/audit.h, and the number of getppid(2): what a trap tells.
AUDIT = {"x86_64": 0xc000003e, "aarch64": 0xc00000b7}.get(MACHINE)
GETPPID = {"x86_64": 110, "aarch64": 173}.get(MACHINE)
# A call that no shell makes.
GETPRIORITY = {"x86_64": 140, "aarch64": 141}.get(MACHINE)

OK, KILLED = "= ", "signal 31"


def action(name):
    return f"SCMP_ACT_{name}"


def rule(names, do, args=(), **more):
    """`args` is a list of (index, operator, value) or (index, operator, value, valueTwo)."""
    made = {"names": names.split(), "action": action(do), **more}
    if args:
        made["args"] = [{**dict(zip(("index", "op", "value", "valueTwo"), a)), "op": f"SCMP_CMP_{a[1]}"} for a in args]
    return made


def profile(default, *rules, **more):
    return {"defaultAction": action(default), "syscalls": list(rules), **more}


def allowing(*rules, **more):
    """A profile that forbids all but these rules and what the program needs."""
    more.setdefault("defaultErrnoRet", 99)
    return profile("ERRNO", rule(" ".join(NEEDED), "ALLOW"), *rules, **more)


def probing(box, seccomp, *calls):
    """A bundle with the program in it, that makes these calls."""
    if not NATIVE:
        raise Skip("the test knows no numbers of system calls for this machine")
    b = box.bundle(["probe", *calls])
    put_probe(box, b)
    if seccomp is not None:
        b.linux["seccomp"] = seccomp
    return b


def put_probe(box, b):
    compiled(box, SOURCE, f"{b.rootfs}/bin/probe", "-static", "-O1", "-pthread")


def told(output):
    """A line for each call."""
    return output.ok().out.splitlines()


def verdicts(output):
    """The same, with OK for all that was carried out."""
    return [OK if line.startswith(OK) else line for line in told(output)]


def verdict(box, seccomp, *calls, **more):
    return verdicts(box.run(probing(box, seccomp, *calls), **more))


STATUS = "grep -E '^(NoNewPrivs|Seccomp|Seccomp_filters):' /proc/self/status"


def status(nnp=1, mode=2, filters=1):
    """What STATUS prints."""
    return f"NoNewPrivs:\t{nnp}\nSeccomp:\t{mode}\nSeccomp_filters:\t{filters}\n"
