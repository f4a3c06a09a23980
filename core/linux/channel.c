/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/descriptors.h"
#include "core/planner.h"

int channel_open(int *ours, int *theirs, struct error *err)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return fail(err, errno, NULL, "socketpair");
    *ours = fds[0];
    *theirs = fds[1];
    return 0;
}

int channel_send(int fd, enum sync_type type, uint32_t value, struct error *err)
{
    const struct sync_message m = {.type = type, .value = value};

    if (send(fd, &m, sizeof m, MSG_NOSIGNAL) != (ssize_t)sizeof m)
        return fail(err, errno, NULL, "send to hozo-init");
    return 0;
}

int channel_send_slot(int fd, uint32_t slot, int descriptor, struct error *err)
{
    struct sync_message m = {.type = SYNC_SLOT, .value = slot};
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec iov = {&m, sizeof m};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.buf,
                       .msg_controllen = sizeof control.buf};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
    if (sendmsg(fd, &h, MSG_NOSIGNAL) != (ssize_t)sizeof m)
        return fail(err, errno, NULL, "send to hozo-init");
    return 0;
}

static int unknown(struct error *err)
{
    return fail(err, 0, NULL, "the container's process sent an unknown message");
}

int channel_receive(int fd, struct sync_message *m, int *passed, int seconds, struct error *err)
{
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {m, sizeof *m};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.buf,
                       .msg_controllen = sizeof control.buf};
    auto_close int descriptor = -1;
    size_t descriptors;
    ssize_t n;

    *passed = -1;
    if (seconds >= 0) {
        struct pollfd p = {fd, POLLIN, 0};
        int r;

        while ((r = poll(&p, 1, seconds * 1000)) < 0 && errno == EINTR)
            ;
        if (r <= 0)
            return fail(err, r ? errno : ETIMEDOUT, NULL, "wait for hozo-init");
    }
    while ((n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n < 0 && errno == ECONNRESET)
        return 0;
    if (n < 0)
        return fail(err, errno, NULL, "receive from hozo-init");
    descriptors = descriptors_take(&h, &descriptor, 1);
    if (!n)
        return 0;
    if (n != (ssize_t)sizeof *m || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        descriptors != (m->type == SYNC_CONSOLE || m->type == SYNC_SLOT))
        return unknown(err);
    *passed = steal_fd(descriptor);
    return 1;
}

/* `size` is more than what stands before the text. */
static int failure(const struct sync_failure *f, size_t size, struct error *err)
{
    size_t text = size - offsetof(struct sync_failure, text);
    const char *path = f->text, *what = memchr(path, 0, text);
    uint32_t step = f->message.step;
    int errnum = f->message.errnum;

    if (!what || ++what == path + text || !*what ||
        !memchr(what, 0, (size_t)(path + text - what)) || f->message.type != SYNC_FAILED ||
        step >= STEP_COUNT || errnum < 0 || errnum > 4095)
        return unknown(err);
    return step_fail(path, what, errnum, step == STEP_EXECVE ? STEP_NONE : step, err);
}

int channel_result(const char *bytes, size_t size, struct error *err)
{
    size_t executing = size && *bytes == START_EXECUTING;
    struct sync_failure f;

    if (size == 1 && executing)
        return 0;
    bytes += executing;
    size -= executing;
    if (size <= offsetof(struct sync_failure, text))
        return fail(err, 0, NULL, "the container's process ended before its program ran");
    if (size > sizeof f)
        return unknown(err);
    memcpy(&f, bytes, size);
    return failure(&f, size, err);
}
