/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket, on which hozo and its visitors are let in: nobody else reaches it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/descriptors.h"
#include "plugins/vm/monitor/monitor.h"

#define DESCRIPTORS 4 /* standard streams, plan */

struct request {
    struct control_packet packet;
    int fds[DESCRIPTORS];
    size_t n;
};

static void drop(struct request *r)
{
    while (r->n)
        close(r->fds[--r->n]);
}

/* 1: a packet; 0: none yet; -1: hung up, or it is none. */
static int receive(int fd, struct request *r)
{
    union {
        char buf[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&r->packet, sizeof r->packet};
    struct msghdr h;
    ssize_t n;

    memset(&h, 0, sizeof h);
    h.msg_iov = &iov;
    h.msg_iovlen = 1;
    h.msg_control = control.buf;
    h.msg_controllen = sizeof control.buf;
    r->n = 0;
    n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    r->n = descriptors_take(&h, r->fds, DESCRIPTORS);
    if (r->n > DESCRIPTORS)
        r->n = DESCRIPTORS;
    if (n == (ssize_t)sizeof r->packet && !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return 1;
    drop(r);
    return -1;
}

static int say(int fd, uint32_t type, int32_t a, int32_t b, int32_t c)
{
    const struct control_packet packet = {type, a, b, c};

    return send(fd, &packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof packet
               ? 0
               : -1;
}

/* --- visitors -------------------------------------------------------------------------------------- */

void visitor_tell(struct process *p, uint32_t type, int32_t a, int32_t b, int32_t c)
{
    if (p->control >= 0)
        say(p->control, type, a, b, c);
}

/* Nobody waits for what it writes, and nobody could end it. */
static void hung_up(struct machine *m, struct process *p)
{
    cleanup_close(&p->control);
    p->control = -1;
    source_close(&p->in);
    sink_close(&p->out[0]);
    sink_close(&p->out[1]);
    process_signal(m, p, SIGKILL);
}

void visitor_give_up(struct machine *m, struct process *p)
{
    visitor_tell(p, CONTROL_ENDED, (int32_t)m->setup.seconds, 0, 0);
    hung_up(m, p);
}

static bool is_signal(int32_t number)
{
    return number > 0 && number <= 64;
}

void visitor_ready(struct machine *m, struct process *p)
{
    struct request r;
    int got = receive(p->control, &r);

    if (!got)
        return;
    drop(&r);
    if (got > 0 && r.packet.type == CONTROL_SIGNAL && is_signal(r.packet.a))
        process_signal(m, p, (uint32_t)r.packet.a);
    else if (got > 0 && r.packet.type == CONTROL_RESIZE)
        process_resize(m, p, (uint16_t)r.packet.a, (uint16_t)r.packet.b);
    else
        hung_up(m, p);
}

static uint16_t free_id(const struct machine *m)
{
    for (uint16_t id = 2; id <= PROCESSES_MAX; id++)
        if (m->process[id].state == PROCESS_NONE)
            return id;
    return 0;
}

/* Takes the connection, and the descriptors if there is such a process then. */
static void let_in(struct machine *m, int fd, struct request *r)
{
    const struct frame_spawn spawn = {.terminal = r->packet.c == 1,
                                      .rows = (uint16_t)r->packet.a,
                                      .columns = (uint16_t)r->packet.b};
    uint16_t id = free_id(m);
    struct process *p = NULL;

    if (id && m->stage == STAGE_UP && r->n >= DESCRIPTORS - 1) {
        const int stdio[] = {r->fds[0], r->fds[1], r->n == DESCRIPTORS ? r->fds[2] : -1};

        p = process_add(m, id, r->fds[r->n - 1], stdio, &spawn);
    }
    if (!p) {
        say(fd, CONTROL_ENDED, 0, 0, 0);
        drop(r);
        close(fd);
        return;
    }
    p->control = fd;
}

/* --- hozo ------------------------------------------------------------------------------------------- */

static int signal_all(struct machine *m, const struct control_packet *c)
{
    const struct process *p = &m->process[1];
    uint32_t number = (uint32_t)c->a;

    if (!is_signal(c->a))
        return EINVAL;
    if (m->stage != STAGE_UP || p->state < PROCESS_SPAWNED || p->state == PROCESS_EXITED)
        return ESRCH;
    guest_send(m, FRAME_SIGNAL, 0, c->b ? 0 : 1, &number, sizeof number);
    return 0;
}

/* --- who has not said yet who it is --------------------------------------------------------------------- */

static void caller_ready(struct machine *m, int *caller)
{
    struct request r;
    int got = receive(*caller, &r), fd = *caller;

    if (!got)
        return;
    *caller = -1;
    if (got > 0 && r.packet.type == CONTROL_EXEC) {
        let_in(m, fd, &r);
        return;
    }
    drop(&r);
    if (got > 0 && r.packet.type == CONTROL_SIGNAL)
        say(fd, CONTROL_DONE, signal_all(m, &r.packet), 0, 0);
    close(fd);
}

static int *free_caller(struct machine *m)
{
    for (size_t i = 0; i < CALLERS_MAX; i++)
        if (m->callers[i] < 0)
            return &m->callers[i];
    return NULL;
}

void control_poll(struct machine *m)
{
    bool asks = m->stage >= STAGE_UP && m->process[1].state >= PROCESS_CREATED && guest_listens(m);

    m->poll.control =
        polls_add(&m->polls, m->control, asks && !m->full && free_caller(m) ? POLLIN : 0);
    for (size_t i = 0; i < CALLERS_MAX; i++)
        m->poll.callers[i] = polls_add(&m->polls, m->callers[i], asks ? POLLIN : 0);
}

void control_ready(struct machine *m)
{
    int *room = free_caller(m);

    for (size_t i = 0; i < CALLERS_MAX; i++)
        if (polls_got(&m->polls, m->poll.callers[i]))
            caller_ready(m, &m->callers[i]);
    m->full = false;
    if (!room || !polls_got(&m->polls, m->poll.control))
        return;
    *room = accept4(m->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    /* Whoever waits goes on waiting, and poll(2) tells so for ever. */
    m->full =
        *room < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
}
