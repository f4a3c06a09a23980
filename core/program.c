/* SPDX-License-Identifier: Apache-2.0 */
#include "core/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "core/pidfd.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -1: no limit. */
static int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return deadline < 0 ? -1 : left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

/* Descriptors that are not close-on-exec may be those of a vendor's library: they are closed. */
static int spawn(const struct program *p, int input, int output, pid_t *pid)
{
    const char *const argv0[] = {p->path, NULL}, *const nothing[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all, none;
    int r;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (output >= 0) {
        posix_spawn_file_actions_adddup2(&actions, output, 1);
        posix_spawn_file_actions_adddup2(&actions, output, 2);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETSIGMASK);
    r = posix_spawn(pid, p->path, &actions, &attr,
                    (char *const *)(p->args && p->args[0] ? p->args : argv0),
                    (char *const *)(p->env ? p->env : nothing));
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return r;
}

/* --- while it runs ---------------------------------------------------------------------------- */

struct talk {
    const struct program *p;
    int in, out; /* our ends; -1 once they are closed */
    size_t written;
};

static void shut(int *fd)
{
    if (*fd >= 0)
        close(steal_fd(*fd));
}

/* It may not read at all: a closed pipe is no error. */
static void feed(struct talk *t)
{
    size_t left = t->p->input_size - t->written;
    ssize_t n = left ? write(t->in, (const char *)t->p->input + t->written, left) : 0;

    if (n > 0)
        t->written += (size_t)n;
    if (t->written == t->p->input_size || (n < 0 && errno != EAGAIN && errno != EINTR))
        shut(&t->in);
}

/* All that is there by now: who writes on and on keeps nobody here. What there is no room for is thrown away. */
static void drain(struct talk *t)
{
    char buffer[4096];
    int there = 0;
    ssize_t n, left;

    if (t->out >= 0)
        ioctl(t->out, FIONREAD, &there);
    left = there;
    while (t->out >= 0 && (n = read(t->out, buffer, sizeof buffer)) != 0) {
        struct text *to = t->p->output;
        size_t room = t->p->output_max - to->length;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        text_append(to, buffer, (size_t)n < room ? (size_t)n : room);
        if ((left -= n) <= 0)
            return;
    }
    shut(&t->out);
}

/* Until it has ended: its children may hold the pipes open for longer. */
static void converse(struct talk *t, pid_t pid, int pidfd, struct program_end *end)
{
    int64_t deadline = t->p->timeout ? now_ms() + t->p->timeout : -1;
    int interrupt = t->p->interrupt;

    end->how = PROGRAM_ENDED;
    for (;;) {
        struct pollfd on[] = {
            {pidfd, POLLIN, 0}, {interrupt, POLLIN, 0}, {t->in, POLLOUT, 0}, {t->out, POLLIN, 0}};
        int r = poll(on, 4, left_ms(deadline));

        if (on[2].revents)
            feed(t);
        if (on[3].revents)
            drain(t);
        if (on[0].revents)
            return;
        if (!on[1].revents && (r || left_ms(deadline)))
            continue;
        end->how = on[1].revents ? PROGRAM_INTERRUPTED : PROGRAM_TIMED_OUT;
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* it may have left its group */
        deadline = interrupt = -1;
    }
}

static int pipes(struct talk *t, int theirs[2], struct error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return fail(err, errno, NULL, "pipe");
    theirs[0] = fds[0];
    t->in = fds[1];
    /* Only this end: the flag belongs to the open file, and the program's end is another. */
    fcntl(t->in, F_SETFL, O_NONBLOCK);
    if (!t->p->output)
        return 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return fail(err, errno, NULL, "pipe");
    t->out = fds[0];
    theirs[1] = fds[1];
    fcntl(t->out, F_SETFL, O_NONBLOCK);
    return 0;
}

static int run(struct talk *t, int theirs[2], struct program_end *end, struct error *err)
{
    auto_close int pidfd = -1;
    pid_t pid;
    int r;

    if (pipes(t, theirs, err) < 0)
        return -1;
    if ((r = spawn(t->p, theirs[0], theirs[1], &pid)))
        return fail(err, r, NULL, "%s", t->p->path);
    shut(&theirs[0]);
    shut(&theirs[1]);
    pidfd = pidfd_of(pid);
    if (pidfd < 0) {
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return fail(err, errno, NULL, "pidfd_open");
    }
    feed(t);
    converse(t, pid, pidfd, end);
    if (waitpid(pid, &end->status, 0) < 0)
        return fail(err, errno, NULL, "wait");
    drain(t);
    return 0;
}

int program_run(const struct program *p, struct program_end *end, struct error *err)
{
    struct talk t = {.p = p, .in = -1, .out = -1};
    int theirs[2] = {-1, -1};
    int r = run(&t, theirs, end, err);

    shut(&t.in);
    shut(&t.out);
    shut(&theirs[0]);
    shut(&theirs[1]);
    return r;
}
