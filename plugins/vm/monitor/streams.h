/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard streams of one process. Their descriptors belong to others as well, whose open file they share: so
 * O_NONBLOCK is never set on them, and yet nobody who reads nothing may stop the monitor.
 */
#ifndef PLUGINS_VM_MONITOR_STREAMS_H
#define PLUGINS_VM_MONITOR_STREAMS_H

#include "plugins/vm/frames.h"
#include "plugins/vm/monitor/polls.h"

enum manner {
    MANNER_FLAG,  /* RWF_NOWAIT: of the call alone */
    MANNER_PLAIN, /* files, and what takes no flags; or an open file of its own, not blocking */
};

/* Standard input, on its way to the guest. */
struct source {
    int fd; /* -1: at its end */
    enum manner manner;
    uint32_t credit; /* bytes that the guest takes now */
    bool told;       /* … that it is at its end */
    int poll;
};

/* Standard output or error, on its way from the guest. */
struct sink {
    int fd; /* -1: nobody reads */
    enum manner manner;
    bool ended;
    bool told;           /* the guest, that nobody reads */
    unsigned char *ring; /* STREAM_WINDOW bytes; NULL until they are needed */
    size_t start, used;
    uint32_t allowed; /* bytes that the guest may send still */
    uint32_t owed;    /* written, and not yet given back */
    size_t last;      /* what of it the process itself has written before its end */
    int poll;
};

/* They take the descriptor; -1 is a stream at its end. `own`: its open file is nobody else's, as that of a terminal made
 * for this process. */
void source_open(struct source *s, int fd, bool own);
void sink_open(struct sink *s, int fd, bool own);

void source_close(struct source *s);
void sink_close(struct sink *s);

/* Reads once what the guest takes, at most `size`. 0: nothing now; -1: at its end. */
ssize_t source_read(struct source *s, void *buf, size_t size);

/* Takes what the guest has sent; size 0 is the end. -1: it must not send so much; or no memory. */
int sink_take(struct sink *s, const void *bytes, size_t size);

/* Writes what can be written now. */
void sink_write(struct sink *s);

/* Credit to give, once it is worth a frame. */
uint32_t sink_credit(struct sink *s);

/* The process has ended: what is there is its own, what comes still is that of others it has left behind. */
static inline void sink_mark(struct sink *s)
{
    s->last = s->used;
}

static inline bool sink_empty(const struct sink *s)
{
    return s->fd < 0 || !s->used;
}

#endif
