/* SPDX-License-Identifier: Apache-2.0 */
/* One end of the byte stream between monitor and agent: wire.h says what the frames mean. */
#ifndef PLUGINS_VM_FRAMES_H
#define PLUGINS_VM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/vm/wire.h"

#define FRAMES_IN  (2 * (sizeof(struct frame) + FRAME_MAX))
#define FRAMES_OUT (512u << 10)

/*
 * What is not yet written waits in `out`: whoever sends much (DATA) asks frames_room() first, so that the rest of it
 * is left to small frames, of which there are never so many unless the other side reads nothing and goes on asking.
 */
struct frames {
    int fd; /* not blocking */
    size_t in_start, in_end;
    size_t out_start, out_end;
    unsigned char in[FRAMES_IN];
    unsigned char out[FRAMES_OUT];
};

void frames_open(struct frames *f, int fd);

/* Reads once. 1: there was something; 0: nothing now; -1: the stream is at its end, or errno (0: end of file). */
int frames_fill(struct frames *f);

/*
 * The next whole frame among what was read. 1: *head, and *payload until the next frames_fill(); 0: none;
 * -1: too long, or of no known type.
 */
int frames_next(struct frames *f, struct frame *head, const void **payload);

/* Queues a frame. -1: the queue is full; nothing of the frame is in it then. */
int frames_put(struct frames *f, const struct frame *head, const void *payload);

/* May a frame of DATA be queued? */
bool frames_room(const struct frames *f);

/* Bytes that wait. */
static inline size_t frames_waiting(const struct frames *f)
{
    return f->out_end - f->out_start;
}

/* Writes what it can. 0; -1: errno. */
int frames_flush(struct frames *f);

#endif
