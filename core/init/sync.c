/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/init/interpreter.h"

/* write(2): a seccomp profile lets it through, if any call. If nobody listens any more, the signal that it then
 * brings is the end that it should be. */
static int send_message(int fd, const struct sync_message *m)
{
    ssize_t n;

    while ((n = write(fd, m, sizeof *m)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof *m ? 0 : -1;
}

int sync_send(struct interpreter *in, enum sync_type type, uint32_t value)
{
    const struct sync_message m = {.type = type, .value = value};

    in->step = STEP_SEND;
    return send_message(in->sync, &m);
}

int sync_send_fd(struct interpreter *in, enum sync_type type, uint32_t value, int fd)
{
    struct sync_message m = {.type = type, .value = value};
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&m, sizeof m};
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
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    in->step = STEP_SEND;
    return sendmsg(in->sync, &h, MSG_NOSIGNAL) == (ssize_t)sizeof m ? 0 : -1;
}

/* What came with a message, or -1. */
static int passed(struct msghdr *h)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    int fd;

    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

/* End of file is the end of the runtime, and so of this process: nobody is left to be told. */
static int receive(struct interpreter *in, struct sync_message *m)
{
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {m, sizeof *m};
    struct msghdr h;
    ssize_t n;

    memset(&h, 0, sizeof h);
    h.msg_iov = &iov;
    h.msg_iovlen = 1;
    h.msg_control = control.buf;
    h.msg_controllen = sizeof control.buf;
    while ((n = recvmsg(in->sync, &h, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof *m)
        _exit(1);
    return passed(&h);
}

int sync_wait_go(struct interpreter *in)
{
    struct sync_message m;
    int fd;

    while ((fd = receive(in, &m)), m.type == SYNC_SLOT) {
        in->step = STEP_RECEIVE;
        if (fd < 0)
            return refuse(EMFILE); /* the kernel gives no other reason */
        if (m.value >= in->plan->n_slots)
            return refuse(EBADMSG);
        slot_fill(in, m.value, fd);
    }
    if (m.type != SYNC_GO)
        _exit(1);
    in->keeps_groups |= m.value & GO_KEEPS_GROUPS;
    return 0;
}

int sync_read_go(struct interpreter *in)
{
    struct sync_message m;
    ssize_t n;

    in->step = STEP_RECEIVE;
    while ((n = read(in->sync, &m, sizeof m)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof m || m.type != SYNC_GO)
        leave(1);
    return 0;
}

static size_t put_string(char *to, size_t room, const char *s)
{
    size_t n = strlen(s);

    if (n >= room)
        n = room - 1;
    memcpy(to, s, n);
    to[n] = '\0';
    return n + 1;
}

/* Whoever reads this has no plan: so the texts go with it, in one write, which a pipe does not split. */
static void fail_to_starter(const struct interpreter *in, const struct sync_message *m)
{
    const char *path = plan_string(in->plan, in->op->path),
               *what = plan_string(in->plan, in->op->what);
    struct sync_failure f;
    size_t n;

    memcpy(&f.message, m, sizeof *m);
    n = put_string(f.text, 256, path ? path : "");
    n += put_string(f.text + n, sizeof f.text - n, what ? what : plan_op_info[in->op->kind].name);
    if (write(in->result, &f, offsetof(struct sync_failure, text) + n) < 0)
        return; /* the exit tells as well */
}

void sync_fail(struct interpreter *in, int errnum)
{
    const struct sync_message m = {
        .type = SYNC_FAILED,
        .value = (uint32_t)(in->op - plan_ops(in->plan)),
        .errnum = errnum,
        .step = in->step,
    };

    if (in->result >= 0)
        fail_to_starter(in, &m);
    else if (in->sync >= 0)
        send_message(in->sync, &m);
}
