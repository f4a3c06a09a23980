/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/json.h"

/* A path that is too long for a socket address is reached through the descriptor of its directory.
 */
static int connect_to(const char *path)
{
    /* Who has stopped to accept would stop us as well. */
    const struct timeval patience = {.tv_sec = 30};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    auto_close int dirfd = -1;
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path) + 1);
    } else {
        errno = ENAMETOOLONG;
        if (!slash || (size_t)snprintf(directory, sizeof directory, "%.*s", (int)(slash - path) + 1,
                                       path) >= sizeof directory)
            return -1;
        dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
            return -1;
        errno = ENAMETOOLONG;
        if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s",
                             dirfd, slash + 1) >= sizeof address.sun_path)
            return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        return -1;
    return steal_fd(fd);
}

static int send_all(int fd, const char *at, size_t size)
{
    ssize_t n;

    for (; size; at += n, size -= (size_t)n)
        if ((n = send(fd, at, size, MSG_NOSIGNAL)) < 0) {
            if (errno != EINTR)
                return -1;
            n = 0;
        }
    return 0;
}

/* Engines take exactly one descriptor, and at least one byte with it; what is more may follow alone. */
static int send_descriptor(const char *path, const char *text, size_t size, int descriptor)
{
    struct iovec bytes = {(char *)text, size};
    ssize_t n;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = control.room,
        .msg_controllen = sizeof control.room,
    };

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);

    auto_close int fd = connect_to(path);
    if (fd < 0 || (n = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0)
        return -1;
    return send_all(fd, text + n, size - (size_t)n);
}

int console_send(const char *path, int master, struct error *err)
{
    if (send_descriptor(path, "/dev/ptmx", strlen("/dev/ptmx"), master))
        return fail(err, errno, NULL, "send the terminal to console socket %s", path);
    return 0;
}

int pidfd_send(const char *path, const char *kind, int pidfd, struct error *err)
{
    if (send_descriptor(path, kind, strlen(kind), pidfd))
        return fail(err, errno, NULL, "send the pidfd to socket %s", path);
    return 0;
}

int listener_send(const char *path, const struct text *state, int descriptor, struct error *err)
{
    if (send_descriptor(path, state->at, state->length, descriptor))
        return fail(err, errno, "linux.seccomp.listenerPath", "send the listener to socket %s",
                    path);
    return 0;
}
