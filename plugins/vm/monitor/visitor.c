/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The visitor: hands its standard streams and its plan to the monitor, and from then on passes on signals and the size
 * of its terminal, until the process in the guest has ended.
 */
#include "plugins/vm/monitor/visitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "core/sync.h"
#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/privileges.h"
#include "plugins/vm/monitor/signals.h"
#include "plugins/vm/monitor/terminal.h"

struct visitor {
    int signals, sync;
    bool terminal, created, over;
    int status;
};

static void tell(struct visitor *v, struct sync_message message)
{
    if (v->sync >= 0)
        send(v->sync, &message, sizeof message, MSG_NOSIGNAL);
}

/* End of file is what tells that the program runs. */
static void close_sync(struct visitor *v)
{
    cleanup_close(&v->sync);
    v->sync = -1;
}

static void end(struct visitor *v, int status)
{
    v->over = true;
    v->status = status;
}

static void fail(struct visitor *v, uint32_t seconds, int errnum)
{
    tell(v, (struct sync_message){.type = SYNC_MACHINE_FAILED, .value = seconds, .errnum = errnum});
    end(v, STATUS_BROKEN);
}

/* The machine, or the way to it. */
static void lost(struct visitor *v, int errnum)
{
    fail(v, 0, errnum);
}

static int ask(uint32_t type, int32_t a, int32_t b)
{
    const struct control_packet packet = {type, a, b, 0};

    return send(MONITOR_CONTROL, &packet, sizeof packet, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int hand_over(const struct control_packet *packet)
{
    const int fds[] = {0, 1, 2, MONITOR_PLAN};
    union {
        char buf[CMSG_SPACE(sizeof fds)];
        struct cmsghdr align;
    } control;
    struct iovec iov = {(void *)(uintptr_t)packet, sizeof *packet};
    struct msghdr h;
    struct cmsghdr *c;

    memset(&h, 0, sizeof h);
    memset(&control, 0, sizeof control);
    h.msg_iov = &iov;
    h.msg_iovlen = 1;
    h.msg_control = control.buf;
    h.msg_controllen = sizeof control.buf;
    c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    return sendmsg(MONITOR_CONTROL, &h, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* All three are handed over. */
static int fill_streams(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return -1;
    return 0;
}

static int begin(struct visitor *v)
{
    struct control_packet packet = {.type = CONTROL_EXEC};
    int terminal = plan_opens_terminal(MONITOR_PLAN), children;
    uint16_t rows, columns;

    if (terminal < 0 || fill_streams() < 0 || privileges_keep(0) < 0 ||
        signals_open(&children, &v->signals) < 0)
        return -1;
    v->terminal = terminal == 1;
    if (v->terminal && isatty(0) && terminal_raw(0) < 0)
        return -1;
    terminal_size(0, &rows, &columns);
    packet.a = v->terminal ? rows : 0;
    packet.b = v->terminal ? columns : 0;
    packet.c = v->terminal;
    if (hand_over(&packet) < 0)
        return -1;
    /* Who reads or writes them shall see when the process has closed them. The terminal's size is asked for still. */
    for (int fd = v->terminal ? 1 : 0; fd < 3; fd++)
        close(fd);
    return 0;
}

static void signal_ready(struct visitor *v)
{
    int number = signals_next(v->signals);

    if (number == SIGWINCH && v->terminal) {
        uint16_t rows, columns;

        terminal_size(0, &rows, &columns);
        ask(CONTROL_RESIZE, rows, columns);
    } else if (number)
        ask(CONTROL_SIGNAL, number, 0);
}

static void created(struct visitor *v)
{
    v->created = true;
    /* From here on the runtime may go: this process must not go with it. */
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0) {
        lost(v, errno);
        return;
    }
    tell(v, (struct sync_message){.type = SYNC_CREATED});
}

static void monitor_ready(struct visitor *v)
{
    struct control_packet p;
    ssize_t n = recv(MONITOR_CONTROL, &p, sizeof p, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == (ssize_t)sizeof p && p.type == CONTROL_ENDED && p.a > 0)
        fail(v, (uint32_t)p.a, ETIMEDOUT);
    else if (n != (ssize_t)sizeof p || p.type == CONTROL_ENDED)
        lost(v, 0);
    else if (p.type == CONTROL_CREATED)
        created(v);
    else if (p.type == CONTROL_EXECUTED)
        close_sync(v);
    else if (p.type == CONTROL_FAILED) {
        tell(v, (struct sync_message){SYNC_GUEST_FAILED, (uint32_t)p.a, p.b, (uint32_t)p.c});
        end(v, 1);
    } else if (p.type == CONTROL_EXITED && v->created)
        end(v, p.b ? 128 + p.b : p.a);
    else
        lost(v, EPROTO);
}

int visit(void)
{
    struct visitor v = {.sync = MONITOR_SYNC};

    if (begin(&v) < 0)
        lost(&v, errno);
    while (!v.over) {
        struct pollfd p[] = {{MONITOR_CONTROL, POLLIN, 0}, {v.signals, POLLIN, 0}};

        if (poll(p, 2, -1) < 0)
            continue;
        /* What the monitor has said already comes first. */
        if (p[0].revents)
            monitor_ready(&v);
        else if (p[1].revents)
            signal_ready(&v);
    }
    return v.status;
}
