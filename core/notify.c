/* SPDX-License-Identifier: Apache-2.0 */
#include "core/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/container.h"
#include "core/files.h"
#include "core/log.h"
#include "core/utf8.h"

#define SOCKET "notify.sock"

/* systemd, too, passes over what is longer. */
#define DATAGRAM_MAX 4096

/* Read at a time, so that who sends without pause does not keep its end from being seen. */
#define DATAGRAMS_MAX 1024

/* How long the manager may take. */
#define PATIENCE_SECONDS 30

int notify_check(const char *address, struct error *err)
{
    struct sockaddr_un un;

    if ((address[0] != '/' && address[0] != '@') || !address[1])
        return fail(err, 0, NULL, "NOTIFY_SOCKET: \"%s\" is neither an absolute path nor abstract",
                    address);
    if (strlen(address) >= sizeof un.sun_path)
        return fail(err, ENAMETOOLONG, NULL, "NOTIFY_SOCKET");
    /* It is recorded in the state, which is JSON. */
    return utf8_valid(address) ? 0 : fail(err, 0, NULL, "NOTIFY_SOCKET is not UTF-8");
}

int notify_prepare(const struct container *c, struct error *err)
{
    if (!c->state.notify_socket)
        return 0;
    /* Whoever the program runs as must find the socket, whatever the caller's umask. */
    if (mkdirat(c->dirfd, NOTIFY_DIRECTORY, 0755) || fchmodat(c->dirfd, NOTIFY_DIRECTORY, 0755, 0))
        return fail(err, errno, NULL, "make the directory " NOTIFY_DIRECTORY);
    return 0;
}

/* --- the two sockets --------------------------------------------------------------------------- */

static int connect_manager(const char *address, struct error *err)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (notify_check(address, err))
        return -1;
    memcpy(un.sun_path, address, length);
    if (address[0] == '@')
        un.sun_path[0] = '\0';
    /* An abstract name ends with the address, a path with its NUL. */
    length += offsetof(struct sockaddr_un, sun_path) + (address[0] != '@');
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
        connect(fd, (struct sockaddr *)&un, (socklen_t)length))
        return fail(err, errno, NULL, "connect to NOTIFY_SOCKET %s", address);
    return steal_fd(fd);
}

static int listen_inside(const struct container *c, struct error *err)
{
    auto_close int dirfd =
        openat(c->dirfd, NOTIFY_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (dirfd < 0 || fd < 0 || (unlinkat(dirfd, SOCKET, 0) && errno != ENOENT) ||
        socket_bind(fd, dirfd, SOCKET) || fchmodat(dirfd, SOCKET, 0777, 0))
        return fail(err, errno, NULL, "make the container's notify socket");
    return steal_fd(fd);
}

int notify_open(struct container *c, struct error *err)
{
    if (!c->state.notify_socket)
        return 0;
    if ((c->notify.manager = connect_manager(c->state.notify_socket, err)) < 0 ||
        (c->notify.inside = listen_inside(c, err)) < 0)
        return -1;
    return 0;
}

void notify_close(struct notify *n)
{
    cleanup_close(&n->inside);
    cleanup_close(&n->manager);
    n->inside = n->manager = -1;
}

/* --- what the container says ------------------------------------------------------------------- */

/* Lines of assignments, in any order. */
static bool says_ready(const char *text, size_t size)
{
    static const char ready[] = "READY=1";

    for (const char *line = text, *end = text + size, *next; line < end; line = next + 1) {
        if (!(next = memchr(line, '\n', (size_t)(end - line))))
            next = end;
        if ((size_t)(next - line) == strlen(ready) && !memcmp(line, ready, strlen(ready)))
            return true;
    }
    return false;
}

/* Descriptors that come along are never received: there is no room for them, so the kernel closes them. */
int notify_read(struct notify *n)
{
    char text[DATAGRAM_MAX];

    for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
        struct iovec bytes = {text, sizeof text};
        struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
        ssize_t size = recvmsg(n->inside, &message, 0);

        if (size < 0 && errno != EINTR)
            return 0;
        if (size > 0 && !(message.msg_flags & MSG_TRUNC) && says_ready(text, (size_t)size))
            return 1;
    }
    return 0;
}

/* --- what the manager is told ------------------------------------------------------------------ */

/* `descriptor`: sent along, or -1. */
static int tell(struct notify *n, const char *text, int descriptor, struct error *err)
{
    struct iovec bytes = {(char *)text, strlen(text)};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

    if (descriptor >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    }
    while (sendmsg(n->manager, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return fail(err, errno, NULL, "send to NOTIFY_SOCKET");
    return 0;
}

/* The manager finds out whose messages these are by their sender, which must not have ended before it has
 * read them: it closes its end of a pipe once it has. */
static int barrier(struct notify *n, const struct log *log, struct error *err)
{
    auto_close int ours = -1, theirs = -1;
    struct pollfd p;
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC))
        return fail(err, errno, NULL, "pipe");
    ours = ends[0];
    theirs = ends[1];
    if (tell(n, "BARRIER=1", theirs, err))
        return -1;
    close(steal_fd(theirs));
    p = (struct pollfd){ours, 0, 0};
    while ((r = poll(&p, 1, PATIENCE_SECONDS * 1000)) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return fail(err, errno, NULL, "poll");
    if (!r) {
        fail(err, 0, NULL, "nobody has read what was sent to NOTIFY_SOCKET");
        log_error(log, LOG_LEVEL_WARNING, err);
    }
    return 0;
}

int notify_ready(struct notify *n, struct error *err)
{
    return tell(n, "READY=1\n", -1, err);
}

/* 1: ready; 0: ended before. */
static int await_ready(struct container *c, struct error *err)
{
    struct pollfd p[] = {{c->notify.inside, POLLIN, 0}, {c->pidfd, POLLIN, 0}};

    for (;;) {
        if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
            return fail(err, errno, NULL, "wait for READY=1");
        /* Who says it and ends at once has said it. */
        if (notify_read(&c->notify))
            return 1;
        if (p[1].revents)
            return 0;
    }
}

int notify_await(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = NULL;
    char main_pid[32];
    int ready;

    if (c->notify.inside < 0)
        return 0;
    span = span_begin(c->plugins.trace, SPAN_READY, NULL);
    ready = await_ready(c, err);
    if (ready <= 0)
        return ready;
    snprintf(main_pid, sizeof main_pid, "MAINPID=%d\n", (int)c->state.pid);
    if (notify_ready(&c->notify, err) || tell(&c->notify, main_pid, -1, err))
        return -1;
    return barrier(&c->notify, c->log, err);
}
