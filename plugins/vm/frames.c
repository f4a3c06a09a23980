/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/frames.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How much of the queue is for DATA. */
#define DATA_SHARE (FRAMES_OUT / 4)

void frames_open(struct frames *f, int fd)
{
    f->fd = fd;
    f->in_start = f->in_end = f->out_start = f->out_end = 0;
}

int frames_fill(struct frames *f)
{
    ssize_t n;

    if (f->in_start) {
        memmove(f->in, f->in + f->in_start, f->in_end - f->in_start);
        f->in_end -= f->in_start;
        f->in_start = 0;
    }
    while ((n = read(f->fd, f->in + f->in_end, sizeof f->in - f->in_end)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if (!n) {
        errno = 0;
        return -1;
    }
    f->in_end += (size_t)n;
    return 1;
}

int frames_next(struct frames *f, struct frame *head, const void **payload)
{
    size_t there = f->in_end - f->in_start;

    if (there < sizeof *head)
        return 0;
    memcpy(head, f->in + f->in_start, sizeof *head);
    if (head->size > FRAME_MAX || !head->type || head->type > FRAME_WRITTEN)
        return -1;
    if (there - sizeof *head < head->size)
        return 0;
    *payload = f->in + f->in_start + sizeof *head;
    f->in_start += sizeof *head + head->size;
    return 1;
}

bool frames_room(const struct frames *f)
{
    return frames_waiting(f) < DATA_SHARE;
}

int frames_put(struct frames *f, const struct frame *head, const void *payload)
{
    size_t size = sizeof *head + head->size;

    if (sizeof f->out - f->out_end < size && f->out_start) {
        memmove(f->out, f->out + f->out_start, frames_waiting(f));
        f->out_end -= f->out_start;
        f->out_start = 0;
    }
    if (sizeof f->out - f->out_end < size) {
        errno = ENOBUFS;
        return -1;
    }
    memcpy(f->out + f->out_end, head, sizeof *head);
    if (head->size)
        memcpy(f->out + f->out_end + sizeof *head, payload, head->size);
    f->out_end += size;
    return 0;
}

int frames_flush(struct frames *f)
{
    while (frames_waiting(f)) {
        ssize_t n = write(f->fd, f->out + f->out_start, frames_waiting(f));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        f->out_start += (size_t)n;
    }
    f->out_start = f->out_end = 0;
    return 0;
}
