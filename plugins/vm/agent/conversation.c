/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hozo-init says, and what it is answered (core/sync.h). It may be in the hands of the container by then: any
 * other order is the end of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/descriptors.h"
#include "plugins/vm/agent/process.h"

static int go(const struct process *p)
{
    const struct sync_message m = {.type = SYNC_GO};

    return send(p->sync.fd, &m, sizeof m, MSG_NOSIGNAL) == (ssize_t)sizeof m ? 0 : -1;
}

/* A child that nobody else is. */
static bool is_new_child(const struct agent *a, pid_t pid)
{
    siginfo_t info;

    for (const struct process *p = a->processes; p; p = p->next)
        if (p->pid == pid || p->stage == pid)
            return false;
    return pid > 0 && !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
}

static int born(struct process *p, const struct sync_message *m, int *passed)
{
    (void)passed;
    if (p->pid || !is_new_child(p->agent, (pid_t)m->value))
        return -1;
    p->pid = (pid_t)m->value;
    if (phase_run(p, PHASE_ATTACH) < 0)
        return 0;
    return go(p);
}

static int phase(struct process *p, const struct sync_message *m, int *passed)
{
    (void)passed;
    if (!p->pid || p->phase == PHASE_COUNT || m->value != p->phase)
        return -1;
    if (phase_run(p, p->phase) < 0)
        return 0;
    p->phase = phase_next(p->plan, p->phase);
    return go(p);
}

static int console(struct process *p, const struct sync_message *m, int *passed)
{
    const struct winsize size = {.ws_row = p->spawn.rows, .ws_col = p->spawn.columns};
    int other;

    (void)m;
    if (!p->pid || !p->spawn.terminal || p->output[0].watch.fd >= 0 || p->output[0].ended)
        return -1;
    if (fcntl(*passed, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        return -1;
    if ((size.ws_row || size.ws_col) && ioctl(*passed, TIOCSWINSZ, &size) < 0)
        return -1;
    /* One for each direction, since each is waited for by itself. */
    if ((other = fcntl(*passed, F_DUPFD_CLOEXEC, 3)) < 0)
        return -1;
    output_open(p, 0, steal_fd(*passed));
    input_open(p, other);
    return 0;
}

static int created(struct process *p, const struct sync_message *m, int *passed)
{
    (void)m, (void)passed;
    if (!p->pid || p->created || p->phase != PHASE_COUNT ||
        (p->spawn.terminal && p->output[0].watch.fd < 0 && !p->output[0].ended))
        return -1;
    p->created = true;
    agent_send(p->agent, FRAME_CREATED, 0, p->number, NULL, 0);
    return 0;
}

static int failed(struct process *p, const struct sync_message *m, int *passed)
{
    (void)passed;
    if (m->value >= p->plan->n_ops)
        return -1;
    process_fail(p, plan_ops(p->plan) + m->value, m->errnum, m->step);
    return 0;
}

/* -1: it must not come, or not now. */
static const struct message {
    int (*take)(struct process *p, const struct sync_message *m, int *passed);
    bool descriptor;
} messages[] = {
    [SYNC_BORN] = {born, false},      [SYNC_PHASE] = {phase, false},
    [SYNC_CONSOLE] = {console, true}, [SYNC_CREATED] = {created, false},
    [SYNC_FAILED] = {failed, false},
};

/* 1: a message; 0: none now; -1: nobody is there any more; -2: nonsense. */
static int receive(int fd, struct sync_message *m, int *passed)
{
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {m, sizeof *m};
    struct msghdr h;
    size_t descriptors;
    ssize_t n;

    memset(&h, 0, sizeof h);
    h.msg_iov = &iov;
    h.msg_iovlen = 1;
    h.msg_control = control.buf;
    h.msg_controllen = sizeof control.buf;
    while ((n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    descriptors = descriptors_take(&h, passed, 1);
    if (!n)
        return -1;
    if (n != (ssize_t)sizeof *m || h.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
        m->type >= ARRAY_SIZE(messages) || !messages[m->type].take ||
        descriptors != messages[m->type].descriptor)
        return -2;
    return 1;
}

static void nonsense(struct process *p)
{
    process_fail(p, plan_find(p->plan, OP_CLONE), EPROTO, STEP_RECEIVE);
}

/* What a filter forbids hozo-init it cannot tell any more. */
void sync_ended(struct process *p)
{
    const struct plan_op *filter = plan_find(p->plan, OP_SECCOMP);

    watch_close(p->agent, &p->sync);
    if (!p->created)
        process_fail(p, filter ? filter : plan_find(p->plan, OP_CLONE), 0, STEP_EXIT_STATUS);
    else if (!plan_find(p->plan, OP_WAIT_START))
        agent_send(p->agent, FRAME_EXECUTED, 0, p->number, NULL, 0);
    munmap(steal_ptr(p->plan), p->plan_size);
    close(steal_fd(p->plan_fd));
}

void sync_ready(struct agent *a, struct watch *w)
{
    struct process *p = w->process;

    (void)a;
    while (!p->gone && w->fd >= 0) {
        auto_close int passed = -1;
        struct sync_message m;
        int r = receive(w->fd, &m, &passed);

        if (!r)
            break;
        if (r == -1)
            sync_ended(p);
        else if (r == -2 || messages[m.type].take(p, &m, &passed) < 0)
            nonsense(p);
    }
    process_refresh(p);
}

/* --- the first process, from its creation to its program ------------------------------------------ */

int process_start(struct process *p)
{
    if (!p->created || p->started || p->start < 0)
        return -1;
    p->started = true;
    /* If it is not there any more, its end is on its way. */
    if (write(p->start, "", 1) < 0 && errno != EPIPE)
        log_line("start", "write", errno);
    close(steal_fd(p->start));
    watch_for(p->agent, &p->result, EPOLLIN);
    return 0;
}

/* As core/start.c reads it: 'x' and the end mean that execve took place. */
static void tell_result(const struct process *p)
{
    const unsigned char *bytes = p->result_bytes;
    size_t n = p->result_size, executing = n && *bytes == START_EXECUTING;

    if (n == 1 && executing)
        agent_send(p->agent, FRAME_EXECUTED, 0, p->number, NULL, 0);
    else if (n > executing && n - executing <= sizeof(struct sync_failure))
        agent_send(p->agent, FRAME_REFUSED, 0, p->number, bytes + executing, n - executing);
}

void result_ready(struct agent *a, struct watch *w)
{
    struct process *p = w->process;
    ssize_t n;

    while ((n = read(w->fd, p->result_bytes + p->result_size,
                     sizeof p->result_bytes - p->result_size)) > 0)
        p->result_size += (size_t)n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (p->started)
        tell_result(p);
    watch_close(a, w);
}
