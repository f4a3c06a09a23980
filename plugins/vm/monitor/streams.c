/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef RWF_NOWAIT /* Linux 4.14; of pipes: 6.4 */
#define RWF_NOWAIT 8
#endif

/* What poll(2) promises of a pipe: so much goes in without waiting. */
#define ATOMIC 4096

#define CREDIT_LEAST (STREAM_WINDOW / 4)

/* Whoever it belongs to may not let this process open it. */
static int open_again(int fd)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, (fcntl(fd, F_GETFL) & O_ACCMODE) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/*
 * Pipes and sockets take a flag with every call; a terminal of others is opened once more, for an open file of its
 * own. A regular file never makes anybody wait for somebody else.
 */
static enum manner manner_of(int *fd, bool own)
{
    struct stat st;
    int again;

    if (*fd < 0 || (own && !fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK)) ||
        fstat(*fd, &st) < 0 || S_ISREG(st.st_mode))
        return MANNER_PLAIN;
    if (!isatty(*fd) || (again = open_again(*fd)) < 0)
        return MANNER_FLAG;
    close(*fd);
    *fd = again;
    return MANNER_PLAIN;
}

void source_open(struct source *s, int fd, bool own)
{
    *s = (struct source){.fd = fd, .credit = STREAM_WINDOW, .poll = -1};
    s->manner = manner_of(&s->fd, own);
}

void sink_open(struct sink *s, int fd, bool own)
{
    *s = (struct sink){.fd = fd, .allowed = STREAM_WINDOW, .poll = -1};
    s->manner = manner_of(&s->fd, own);
}

void source_close(struct source *s)
{
    cleanup_close(&s->fd);
    s->fd = -1;
}

static void nobody_reads(struct sink *s)
{
    cleanup_close(&s->fd);
    s->fd = -1;
    s->owed += (uint32_t)s->used;
    s->used = s->last = 0;
    free(s->ring);
    s->ring = NULL;
}

void sink_close(struct sink *s)
{
    nobody_reads(s);
}

/* Old kernels know the flag for fewer kinds of files: there poll(2) alone must do. */
static bool unknown_flag(enum manner *manner)
{
    if (*manner != MANNER_FLAG || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS))
        return false;
    *manner = MANNER_PLAIN;
    return true;
}

static bool not_now(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Raw: the libc may be older than these calls. The offset of -1 is the file's own. */
static ssize_t transfer(long call, int fd, struct iovec iov, enum manner manner)
{
    return syscall(call, fd, &iov, 1UL, -1L, -1L, manner == MANNER_FLAG ? RWF_NOWAIT : 0);
}

ssize_t source_read(struct source *s, void *buf, size_t size)
{
    struct iovec iov = {buf, size < s->credit ? size : s->credit};
    ssize_t n;

    do
        n = s->manner == MANNER_FLAG ? transfer(SYS_preadv2, s->fd, iov, s->manner)
                                     : read(s->fd, iov.iov_base, iov.iov_len);
    while (n < 0 && unknown_flag(&s->manner));
    if (n < 0 && not_now())
        return 0;
    if (n > 0) {
        s->credit -= (uint32_t)n;
        return n;
    }
    source_close(s); /* a terminal without a master says EIO */
    return -1;
}

int sink_take(struct sink *s, const void *bytes, size_t size)
{
    size_t end, first;

    if (s->ended || size > s->allowed)
        return -1;
    if (!size) {
        s->ended = true;
        if (!s->used)
            nobody_reads(s);
        return 0;
    }
    s->allowed -= (uint32_t)size;
    if (s->fd < 0) {
        s->owed += (uint32_t)size;
        return 0;
    }
    if (!s->ring && !(s->ring = malloc(STREAM_WINDOW)))
        return -1;
    end = (s->start + s->used) % STREAM_WINDOW;
    first = size < STREAM_WINDOW - end ? size : STREAM_WINDOW - end;
    memcpy(s->ring + end, bytes, first);
    memcpy(s->ring, (const char *)bytes + first, size - first);
    s->used += size;
    return 0;
}

void sink_write(struct sink *s)
{
    while (s->fd >= 0 && s->used) {
        size_t n = s->used < STREAM_WINDOW - s->start ? s->used : STREAM_WINDOW - s->start;
        ssize_t r;

        if (s->manner == MANNER_PLAIN && n > ATOMIC)
            n = ATOMIC;
        r = s->manner == MANNER_FLAG
                ? transfer(SYS_pwritev2, s->fd, (struct iovec){s->ring + s->start, n}, s->manner)
                : write(s->fd, s->ring + s->start, n);
        if (r < 0 && unknown_flag(&s->manner))
            continue;
        if (r < 0 && not_now())
            return;
        if (r <= 0) {
            nobody_reads(s);
            return;
        }
        s->start = (s->start + (size_t)r) % STREAM_WINDOW;
        s->used -= (size_t)r;
        s->last -= s->last < (size_t)r ? s->last : (size_t)r;
        s->owed += (uint32_t)r;
        if (!s->used && s->ended)
            nobody_reads(s);
        if (s->manner == MANNER_PLAIN)
            return; /* poll(2) has promised one write */
    }
}

uint32_t sink_credit(struct sink *s)
{
    uint32_t owed = s->owed;

    if (owed < CREDIT_LEAST || s->ended)
        return 0;
    s->owed = 0;
    s->allowed += owed;
    return owed;
}
