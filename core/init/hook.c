/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hook inside: createContainer before the pivot, so that its path still is one of the host, and
 * startContainer after it. A seccomp profile may be in force then: only read, write, close, execve, exit_group,
 * clone, pipe2, dup3, setpgid, wait4, poll and kill are used; and rt_sigreturn, if the hook does not read its
 * input. dup3(3) of musl would call dup2.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/init/interpreter.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

struct run {
    const struct plan_op *op;
    const char *path;
    char *state, **args, **env;
    int64_t deadline; /* -1: none */
    uint32_t preserved;
};

/* Every other descriptor is close-on-exec. The end of `alive` is open as long as the hook's program or
 * this process before it is: it also carries the errno of a failed execve. */
static void __attribute__((noreturn)) child(const struct run *h, int input, int alive)
{
    char *argv0[] = {(char *)h->path, NULL};
    int errnum;

    setpgid(0, 0);
    for (int fd = 3; fd < 3 + (int)h->preserved; fd++)
        close(fd); /* those are the user program's */
    if (h->path && syscall(SYS_dup3, input, 0, 0) >= 0)
        execve(h->path, h->args[0] ? h->args : argv0, h->env);
    errnum = errno;
    if (write(alive, &errnum, sizeof errnum) < 0)
        leave(126);
    leave(127);
}

/* A piece of the state. A hook may leave its input unread: then the pipe breaks, which is no error.
 * A pipe that can be written at all takes 4096 bytes (PIPE_BUF) without blocking. */
static void feed(int *fd, const char **state, int ms)
{
    struct pollfd p = {*fd, POLLOUT, 0};
    size_t left = strlen(*state);
    ssize_t n = 0;

    if (left && poll(&p, 1, ms) <= 0)
        return;
    if (left && (n = write(*fd, *state, left < 4096 ? left : 4096)) > 0)
        *state += n;
    else if (!left || errno != EINTR)
        close(steal_fd(*fd));
}

/* Its input is written while it is waited for: what it leaves behind may hold the pipe open and never
 * read it. No pidfd and no timer signal here: the process is looked at again and again. */
static int attend(struct interpreter *in, const struct run *h, pid_t pid, int *feeder)
{
    const char *state = h->state;
    bool late = false;
    int status, pause = 1;
    pid_t r;

    while ((r = waitpid(pid, &status, late || (*feeder < 0 && h->deadline < 0) ? 0 : WNOHANG)) <=
           0) {
        if (r < 0 && errno != EINTR)
            return -1;
        if (r < 0)
            continue;
        if (h->deadline >= 0 && !left_ms(h->deadline)) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL); /* it may have left its group */
            late = true;
            continue;
        }
        if (*feeder >= 0)
            feed(feeder, &state, pause);
        else
            poll(NULL, 0, pause);
        pause = pause < 8 ? 2 * pause : 8;
    }
    if (late) {
        in->step = STEP_TIMEOUT;
        return refuse(0);
    }
    if (WIFSIGNALED(status)) {
        in->step = STEP_SIGNALED;
        return refuse(WTERMSIG(status));
    }
    if (WEXITSTATUS(status)) {
        in->step = STEP_EXIT_STATUS;
        return refuse(WEXITSTATUS(status));
    }
    return 0;
}

/* fork(3) changes the signal mask as well. */
static pid_t new_process(void)
{
#ifdef __s390x__
    return (pid_t)syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static void nothing(int signal)
{
    (void)signal;
}

/* A handler, unlike SIG_IGN, is gone with execve(2). */
static void catch_pipe(void)
{
    struct sigaction catch = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    sigaction(SIGPIPE, &catch, NULL);
}

static int run(struct interpreter *in, const struct run *h)
{
    auto_close int input = -1, feeder = -1, report = -1, alive = -1;
    int fds[2], errnum;
    pid_t pid;

    in->step = STEP_FORK;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    input = fds[0];
    feeder = fds[1];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    report = fds[0];
    alive = fds[1];
    if ((pid = new_process()) < 0)
        return -1;
    if (!pid)
        child(h, input, alive);
    close(steal_fd(input));
    close(steal_fd(alive));
    setpgid(pid, pid);
    if (read(report, &errnum, sizeof errnum) == (ssize_t)sizeof errnum) {
        waitpid(pid, NULL, 0);
        in->step = STEP_EXECVE;
        return refuse(errnum);
    }
    return attend(in, h, pid, &feeder);
}

static int make_run(struct interpreter *in, const struct plan_op *op, struct run *h)
{
    in->step = STEP_MEMORY;
    *h = (struct run){.op = op,
                      .path = plan_string(in->plan, op->arg[0]),
                      .args = vector(in, op->arg[1], false),
                      .env = vector(in, op->arg[2], false),
                      .state = expand(in, plan_string(in->plan, op->arg[4])),
                      .preserved = in->plan->preserve_fds};
    return h->args && h->env && h->state ? 0 : -1;
}

static void free_run(struct run *h)
{
    free(h->args);
    free(h->env);
    free(h->state);
}

static bool is_to_come(const struct interpreter *in, const struct plan_op *op)
{
    return op > in->op && op->kind == OP_HOOK && op->phase == PHASE_START_CONTAINER;
}

/* What takes memory, which a filter may forbid to ask for. */
int hooks_prepare(struct interpreter *in)
{
    size_t n = 0;

    plan_for_each (op, in->plan)
        n += is_to_come(in, op);
    in->step = STEP_MEMORY;
    if (!(in->hooks = calloc(n + 1, sizeof *in->hooks)))
        return -1;
    n = 0;
    plan_for_each (op, in->plan)
        if (is_to_come(in, op) && make_run(in, op, &in->hooks[n++]) < 0)
            return -1;
    catch_pipe();
    return 0;
}

static int run_until(struct interpreter *in, struct run *h)
{
    uint64_t seconds = h->op->arg[3];

    h->deadline = !seconds               ? -1
                  : seconds < UINT32_MAX ? now_ms() + (int64_t)seconds * 1000
                                         : INT64_MAX;
    return run(in, h);
}

int op_hook(struct interpreter *in, const struct plan_op *op)
{
    __attribute__((cleanup(free_run))) struct run own = {0};

    for (struct run *h = in->hooks; h && h->op; h++)
        if (h->op == op)
            return run_until(in, h);
    if (make_run(in, op, &own) < 0)
        return -1;
    catch_pipe();
    return run_until(in, &own);
}
