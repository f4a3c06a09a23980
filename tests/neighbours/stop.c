/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command, and stops each process that it makes at birth, before and after each system call, and
 * at exec. While it stands still a neighbour is asked to look.
 *
 *     stop SOCKET COMMAND…        SOCKET: the number of the descriptor that leads to the neighbour
 *
 *     stop PID POINT NUMBER       birth, entry, exit, clone or exec; for entry, of which system call
 *     …                           what the neighbour answered
 *     ended STATUS                the command itself; what it made may go on
 *
 * The command's children are followed until they end, their children until they execute a program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 64
#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_TRACEEXEC)

static struct process {
    pid_t pid;
    int generation; /* 0: the command, 1: its children, 2: theirs */
} processes[PROCESSES_MAX];

static FILE *neighbour;

static void __attribute__((noreturn)) give_up(const char *what)
{
    fprintf(stderr, "stop: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* A new process may be seen before the event that tells whose it is. */
static struct process *find(pid_t pid)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        if (!processes[i].pid)
            processes[i] = (struct process){pid, 1};
        if (processes[i].pid == pid)
            return processes + i;
    }
    errno = ENOMEM;
    give_up("processes");
}

/* Whoever was killed meanwhile is told by the next wait. */
static void trace(int request, pid_t pid, unsigned long data)
{
    if (ptrace(request, pid, NULL, data) < 0 && errno != ESRCH)
        give_up("ptrace");
}

static void ask(void)
{
    char line[8192];

    if (write(fileno(neighbour), "l", 1) != 1)
        give_up("ask the neighbour");
    while (fgets(line, sizeof line, neighbour)) {
        if (!strcmp(line, ".\n"))
            return;
        fputs(line, stdout);
    }
    give_up("the neighbour's answer");
}

static void look(pid_t pid, int event)
{
    struct __ptrace_syscall_info info;
    const char *point = "clone";
    long number = -1;

    memset(&info, 0, sizeof info);
    if (!event && ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
        return; /* killed */
    if (event == PTRACE_EVENT_STOP)
        point = "birth";
    else if (event == PTRACE_EVENT_EXEC)
        point = "exec";
    else if (!event)
        point = info.op == PTRACE_SYSCALL_INFO_ENTRY ? "entry" : "exit";
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        number = (long)info.entry.nr;
    printf("stop\t%d\t%s\t%ld\n", (int)pid, point, number);
    ask();
}

static void stopped(struct process *p, int signal, int event)
{
    bool at_call = signal == (SIGTRAP | 0x80);
    int generation = p->generation;
    unsigned long child;

    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
        if (!ptrace(PTRACE_GETEVENTMSG, p->pid, NULL, &child))
            find((pid_t)child)->generation = generation + 1;
    if (generation && (event || at_call))
        look(p->pid, event);
    if (generation > 1 && event == PTRACE_EVENT_EXEC)
        trace(PTRACE_DETACH, p->pid, 0);
    else
        trace(generation ? PTRACE_SYSCALL : PTRACE_CONT, p->pid,
              event || at_call ? 0 : (unsigned long)signal);
}

static pid_t run(char **command)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        give_up("fork");
    if (!pid) {
        close(ready[1]);
        if (read(ready[0], &byte, 1) == 1)
            execv(command[0], command);
        _exit(127);
    }
    find(pid)->generation = 0;
    if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0 || write(ready[1], "", 1) != 1)
        give_up("trace");
    close(ready[0]);
    close(ready[1]);
    return pid;
}

int main(int argc, char **argv)
{
    int status, socket = argc > 2 ? atoi(argv[1]) : -1;
    pid_t command, pid;

    if (socket < 3 || fcntl(socket, F_SETFD, FD_CLOEXEC) < 0 || !(neighbour = fdopen(socket, "r+")))
        give_up("usage: stop SOCKET COMMAND…");
    command = run(argv + 2);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            stopped(find(pid), WSTOPSIG(status), status >> 16);
        } else if (pid == command) {
            printf("ended\t%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
            fflush(stdout);
        }
    }
    return 0;
}
