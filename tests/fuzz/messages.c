/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what hozo-init says. The first tells where: 'r' the FIFO `result`, 'b' the socket until the
 * process is born, 'c' until it is created, 'e' after that, in exec; 'f' is 'c' in the foreground. On the
 * socket the rest are packets: a byte of which the low two bits are a number of descriptors and the others a
 * length, 0 for that of a message, then so many bytes.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "core/linux/channel.h"
#include "core/linux/launch.h"

#define PACKETS_MAX 32 /* more might wait for a reader */

/* Operations of the runtime that do nothing, in two of the phases that are asked for. */
static struct plan_header *example(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    struct plan_header *plan = NULL;
    struct error err;

    plan_op(b, PHASE_PREPARE, WORK, "path", STR("what"), STR("value"), BYTES(NULL, 0));
    plan_op(b, PHASE_CREATE_RUNTIME, WORK, "path", STR("what"), STR("value"), BYTES(NULL, 0));
    plan_op0(b, PHASE_SYSTEM, SESSION, NULL);
    plan_op(b, PHASE_PROCESS, FIND_EXEC, "process.args", STR("true"), STR(NULL));
    plan_what(b, "exec: \"true\"");
    plan_op0(b, PHASE_LIMITS, RECORD, NULL);
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    must(!plan_finish(b, &plan, &err));
    return plan;
}

static void send_packet(int to, const char *bytes, size_t size, unsigned descriptors)
{
    union {
        char room[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    int fds[] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
    struct iovec iov = {(char *)bytes, size};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (descriptors) {
        h.msg_control = control.room;
        h.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
        control.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS,
                                         .cmsg_len = CMSG_LEN(descriptors * sizeof(int))};
        memcpy(CMSG_DATA(&control.align), fds, descriptors * sizeof(int));
    }
    must(sendmsg(to, &h, MSG_NOSIGNAL) == (ssize_t)size);
}

/* What the runtime may take these messages for. */
struct told {
    bool created, executed;
};

static struct told send_all(int to, const char *bytes, size_t size)
{
    static const uint32_t wanted[] = {PHASE_CREATE_RUNTIME, PHASE_LIMITS};
    struct told told = {.executed = !size};
    unsigned phases = 0;
    bool sane = true;

    for (unsigned n = 0; size && n < PACKETS_MAX; n++) {
        unsigned head = (unsigned char)*bytes++, descriptors = head & 3;
        size_t length = head >> 2 ? head >> 2 : sizeof(struct sync_message);
        struct sync_message m = {0};

        size--;
        length = length < size ? length : size;
        told.executed |= !n && !length; /* as if it were the end of file */
        send_packet(to, bytes, length, descriptors);
        memcpy(&m, bytes, length < sizeof m ? length : sizeof m);
        bytes += length;
        size -= length;
        sane = sane && length == sizeof m && descriptors == (m.type == SYNC_CONSOLE);
        if (sane && m.type == SYNC_PHASE)
            sane = phases < ARRAY_SIZE(wanted) && m.value == wanted[phases++];
        told.created |= sane && m.type == SYNC_CREATED && phases == ARRAY_SIZE(wanted);
    }
    return told;
}

static int talk(char what, struct container *c, struct launch *l, struct error *err)
{
    c->foreground = what == 'f';
    if (what == 'e')
        return launch_executed(c, l, err);
    if (what != 'b')
        return launch_converse(c, l, err);
    l->stage = INT_MAX; /* nobody */
    c->launch = l;
    return launch_await(c, err);
}

static void conversation(char what, const char *bytes, size_t size)
{
    auto_container struct container c;
    struct launch l = {.console = -1};
    struct error err = {0};
    struct told told;
    int theirs, r;

    container_init(&c);
    c.plan = example();
    must(!channel_open(&l.sync, &theirs, &err));
    told = send_all(theirs, bytes, size);
    shutdown(theirs, SHUT_WR); /* it still takes what it is answered */
    r = talk(what, &c, &l, &err);
    close(theirs);
    if (r)
        check_error(&err);
    /* Whoever has no child cannot be given one; nobody else is. */
    must(what != 'b' || (r && !c.pid));
    must(what != 'e' || r || told.executed);
    must((what != 'c' && what != 'f') || r || told.created);
    close(l.sync);
    cleanup_close(&l.console);
}

static void result(const char *bytes, size_t size)
{
    const size_t most = 1 + sizeof(struct sync_failure);
    auto_free char *copy = NULL;
    struct error err = {0};

    size = size < most ? size : most;
    must((copy = calloc(1, size + !size)));
    if (size)
        memcpy(copy, bytes, size);
    if (channel_result(copy, size, &err))
        check_error(&err);
    else
        must(size == 1);
}

void target(const char *bytes, size_t size)
{
    if (!size)
        return;
    if (*bytes == 'r')
        result(bytes + 1, size - 1);
    else
        conversation(*bytes, bytes + 1, size - 1);
}
