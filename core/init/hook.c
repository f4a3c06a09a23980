/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hook inside: createContainer before the pivot, so that its path still is one of the host, and
 * startContainer after it. Only read, write, close, execve, exit_group, clone, pipe2, dup3, setpgid, wait4,
 * poll and kill are used: a seccomp profile may be in force already.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
    int64_t left = deadline < 0 ? -1 : deadline - now_ms();

    return deadline < 0 ? -1 : left > 0 ? (int)left : 0;
}

/* Every other descriptor is close-on-exec. The end of `alive` is open as long as the hook's program or
 * this process before it is: it also carries the errno of a failed execve. */
static void __attribute__((noreturn)) child(const char *path, char **args, char **env, int input,
                                            int alive)
{
    char *argv0[] = {(char *)path, NULL};
    int errnum;

    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    if (dup3(input, 0, 0) >= 0)
        execve(path, args[0] ? args : argv0, env);
    errnum = errno;
    if (write(alive, &errnum, sizeof errnum) < 0)
        _exit(126);
    _exit(127);
}

/* A hook may leave its input unread: then the pipe breaks, which is no error. */
static void feed(int fd, const char *state, int64_t deadline)
{
    size_t left = strlen(state);

    while (left) {
        struct pollfd p = {fd, POLLOUT, 0};
        ssize_t n;

        if (poll(&p, 1, left_ms(deadline)) <= 0)
            break;
        n = write(fd, state, left < 4096 ? left : 4096);
        if (n <= 0 && errno != EINTR && errno != EAGAIN)
            break;
        if (n > 0) {
            state += n;
            left -= (size_t)n;
        }
    }
}

/* No pidfd and no timer signal here: with a limit, the process is looked at every 10 ms. */
static int wait_for(struct interpreter *in, pid_t pid, int64_t deadline)
{
    bool late = false;
    int status;
    pid_t r;

    while ((r = waitpid(pid, &status, deadline < 0 || late ? 0 : WNOHANG)) <= 0) {
        if (r < 0 && errno != EINTR)
            return -1;
        if (r < 0)
            continue;
        if (!left_ms(deadline)) {
            kill(-pid, SIGKILL);
            late = true;
        } else {
            poll(NULL, 0, 10);
        }
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

static int run(struct interpreter *in, const char *path, char **args, char **env, const char *state,
               int64_t deadline)
{
    auto_close int input = -1, feeder = -1, report = -1, alive = -1;
    int fds[2], errnum;
    long pid;

    in->step = STEP_FORK;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    input = fds[0];
    feeder = fds[1];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    report = fds[0];
    alive = fds[1];
    fcntl(feeder, F_SETFL, O_NONBLOCK);
    if ((pid = fork()) < 0)
        return -1;
    if (!pid)
        child(path, args, env, input, alive);
    close(steal_fd(input));
    close(steal_fd(alive));
    setpgid((pid_t)pid, (pid_t)pid);
    if (read(report, &errnum, sizeof errnum) == (ssize_t)sizeof errnum) {
        waitpid((pid_t)pid, NULL, 0);
        in->step = STEP_EXECVE;
        return refuse(errnum);
    }
    feed(feeder, state, deadline);
    close(steal_fd(feeder));
    return wait_for(in, (pid_t)pid, deadline);
}

int op_hook(struct interpreter *in, const struct plan_op *op)
{
    auto_free char **args = vector(in, op->arg[1], false), **env = vector(in, op->arg[2], false);
    auto_free char *state = expand(in, plan_string(in->plan, op->arg[4]));
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    int r;

    in->step = STEP_MEMORY;
    if (!args || !env || !state)
        return -1;
    sigaction(SIGPIPE, &ignore, &before);
    r = run(in, plan_string(in->plan, op->arg[0]), args, env, state,
            op->arg[3] ? now_ms() + (int64_t)op->arg[3] * 1000 : -1);
    sigaction(SIGPIPE, &before, NULL);
    return r;
}
