/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/control.h"

#define BACKLOG 64
#define SECONDS 10

/* The directory's path may be longer than an address can be. */
static void address(int dirfd, struct sockaddr_un *a)
{
    a->sun_family = AF_UNIX;
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/" CONTROL_SOCKET, dirfd);
}

int control_listen(int dirfd)
{
    auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {0};

    address(dirfd, &a);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        fchmodat(dirfd, CONTROL_SOCKET, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return steal_fd(fd);
}

static int silent(struct error *err)
{
    return fail(err, 0, NULL, "the virtual machine does not answer");
}

/* The monitor lets nobody in while its guest takes nothing: then others may wait here already, more than there is room
 * for. */
int control_connect(int dirfd, struct error *err)
{
    auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const struct timeval limit = {.tv_sec = SECONDS}, none = {0};
    struct sockaddr_un a = {0};

    address(dirfd, &a);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
        return fail(err, errno, NULL, "socket");
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        return errno == EAGAIN ? silent(err)
               : errno == ECONNREFUSED || errno == ENOENT
                   ? fail(err, 0, NULL, "container not running: no such process")
                   : fail(err, errno, NULL, "connect to the virtual machine");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
    return steal_fd(fd);
}

int control_signal(int dirfd, int number, bool all, bool awake, struct error *err)
{
    const struct control_packet ask = {.type = CONTROL_SIGNAL, .a = number, .b = all};
    const struct timeval limit = {.tv_sec = SECONDS};
    auto_close int fd = control_connect(dirfd, err);
    struct control_packet answer;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (send(fd, &ask, sizeof ask, MSG_NOSIGNAL) != sizeof ask)
        return silent(err);
    if (!awake)
        return 0;
    if (recv(fd, &answer, sizeof answer, 0) != sizeof answer || answer.type != CONTROL_DONE)
        return silent(err);
    return answer.a ? fail(err, answer.a, NULL, "send signal %d", number) : 0;
}

/* The guest has written it, too: a text of one line, and no control characters, of which there are some behind ASCII as
 * well. */
static void clean(char *line)
{
    for (; *line; line++)
        if (*line < 0x20 || *line >= 0x7f)
            *line = '?';
}

int machine_fail(int dirfd, int errnum, struct error *err)
{
    auto_close int fd = openat(dirfd, MACHINE_LOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char tail[512], *line = tail;
    struct stat st;
    ssize_t n = 0;

    if (fd >= 0 && !fstat(fd, &st)) {
        off_t from = st.st_size > (off_t)sizeof tail - 1 ? st.st_size - (off_t)sizeof tail + 1 : 0;

        n = pread(fd, tail, sizeof tail - 1, from);
    }
    while (n > 0 && strchr("\r\n", tail[n - 1]))
        n--;
    tail[n > 0 ? n : 0] = '\0';
    if (strrchr(tail, '\n'))
        line = strrchr(tail, '\n') + 1;
    clean(line);
    /* The line has the error's text already. */
    return fail(err, *line ? 0 : errnum, "vm", "the machine has failed%s%s", *line ? ": " : "",
                line);
}
