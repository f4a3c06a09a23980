/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of a container. A child tells its parent what `enter` has returned, with the master of its terminal if it
 * has one; whoever starts it later is told by a fifo: 'x' directly before the program, and an errno if that, or what
 * comes before it, fails. Either ends with the end of file that close-on-exec makes.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"

static ssize_t take(int fd, void *bytes, size_t size)
{
    ssize_t n;

    do
        n = read(fd, bytes, size);
    while (n < 0 && errno == EINTR);
    return n;
}

/* --- an int, and a descriptor or none ----------------------------------------------------------- */

union room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static bool tell(int channel, int result, int fd)
{
    union room room = {.bytes = ""};
    struct iovec data = {.iov_base = &result, .iov_len = sizeof(result)};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};

    if (fd >= 0) {
        struct cmsghdr *c;

        m.msg_control = &room;
        m.msg_controllen = sizeof(room);
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    return sendmsg(channel, &m, MSG_NOSIGNAL) == sizeof(result);
}

/* 1; 0: end of file; or a negative errno. */
static int hear(int channel, int *result, int *fd)
{
    union room room;
    struct iovec data = {.iov_base = result, .iov_len = sizeof(*result)};
    struct msghdr m = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)};
    struct cmsghdr *c;
    ssize_t n;

    *fd = -1;
    do
        n = recvmsg(channel, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            memcpy(fd, CMSG_DATA(c), sizeof(*fd));
    return n == sizeof(*result);
}

/* --- the child ---------------------------------------------------------------------------------- */

/* As a program expects to find them; hozo's handlers would take its own end for a plugin's. */
static void reset_signals(void)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Of hozo's descriptors the channel alone stays, behind those that are the program's. The lock of the container's
 * state is among the others: it would be held for as long as the program waits. */
static int keep_channel(int channel, unsigned preserve)
{
    int to = 3 + (int)preserve;

    if (channel != to && dup2(channel, to) < 0)
        return -1;
    fcntl(to, F_SETFD, FD_CLOEXEC);
    for (int fd = 3; fd < to; fd++)
        fcntl(fd, F_SETFD, 0);
    file_close_above(to);
    return to;
}

/* Whatever happens: it does not return into what its parent did. */
static _Noreturn void be_child(struct posix *p, const struct os_child *child, int channel)
{
    int start = -1, result = 0;
    char byte;

    reset_signals();
    setsid();
    *p = (struct posix){
        .channel = keep_channel(channel, child->preserve), .console = -1, .result = -1};
    if (child->fifos && ((start = file_open_fifo(child->fifos, FIFO_START, O_RDWR)) < 0 ||
                         (p->result = file_open_fifo(child->fifos, FIFO_RESULT, O_RDWR)) < 0))
        result = -EIO;
    /* Without a word from the parent, which has ended, there is no container. */
    if (take(p->channel, &byte, 1) != 1)
        _exit(1);
    if (!result)
        result = child->enter(child->argument);
    if (!tell(p->channel, result, result < 0 ? -1 : p->console) || result < 0)
        _exit(1);
    if (p->console >= 0)
        close(p->console);
    if (child->fifos) {
        close(p->channel);
        if (take(start, &byte, 1) != 1)
            _exit(1);
        result = child->execute(child->argument);
        if (write(p->result, &result, sizeof(result)) != sizeof(result))
            _exit(1);
    } else {
        tell(p->channel, child->execute(child->argument), -1);
    }
    _exit(127);
}

int child_spawn(void *self, const struct os_child *child)
{
    struct posix *p = self;
    int pair[2], pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        be_child(p, child, pair[1]);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return -EAGAIN;
    }
    p->channel = pair[0];
    return pid;
}

static int converse(int channel, int *console)
{
    int result = 0, none, r;

    if (send(channel, "", 1, MSG_NOSIGNAL) != 1 || (r = hear(channel, &result, console)) == 0)
        return -ESRCH;
    if (r < 0 || result < 0)
        return r < 0 ? r : result;
    /* The end of file: its program runs, or it waits for start(). */
    r = hear(channel, &result, &none);
    return r < 0 ? r : r == 1 ? result : 0;
}

int child_proceed(void *self, int pid, int *console)
{
    struct posix *p = self;
    int r;

    *console = -1;
    r = converse(p->channel, console);
    close(p->channel);
    p->channel = -1;
    if (r >= 0)
        return 0;
    if (*console >= 0)
        close(*console);
    *console = -1;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

/* --- start -------------------------------------------------------------------------------------- */

static int read_result(int fd)
{
    char bytes[1 + sizeof(int)];
    size_t n = 0;
    ssize_t r = 1;
    int result;

    while (n < sizeof(bytes) && (r = take(fd, bytes + n, sizeof(bytes) - n)) > 0)
        n += (size_t)r;
    if (r < 0)
        return -errno;
    if (n < sizeof(result))
        return n == 1 ? 0 : -ESRCH;
    memcpy(&result, bytes + n - sizeof(result), sizeof(result));
    return result;
}

int child_start(void *self, const char *fifos)
{
    int result = file_open_fifo(fifos, FIFO_RESULT, O_RDONLY | O_NONBLOCK), start, r;

    (void)self;
    if (result < 0)
        return result;
    start = file_open_fifo(fifos, FIFO_START, O_WRONLY | O_NONBLOCK);
    if (start < 0) {
        close(result);
        return start == -ENXIO ? -ESRCH : start;
    }
    fcntl(result, F_SETFL, 0);
    r = write(start, "", 1) == 1 ? read_result(result) : -errno;
    close(start);
    close(result);
    return r;
}

/* Only who waits has it open for reading. */
int child_waits(void *self, const char *fifos)
{
    int fd = file_open_fifo(fifos, FIFO_START, O_WRONLY | O_NONBLOCK);

    (void)self;
    if (fd < 0)
        return fd == -ENXIO || fd == -ENOENT ? 0 : fd;
    close(fd);
    return 1;
}

int child_kill(void *self, int pid, int signal)
{
    (void)self;
    return answer(kill(pid, signal));
}
