/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn of the loop waits for. */
#ifndef PLUGINS_VM_MONITOR_POLLS_H
#define PLUGINS_VM_MONITOR_POLLS_H

#include <poll.h>

#include "core/base.h"

struct polls {
    nfds_t n;
    struct pollfd fd[2048];
};

/* An index for polls_got(); -1: it is not waited for. */
static inline int polls_add(struct polls *p, int fd, short events)
{
    if (fd < 0 || !events || p->n == ARRAY_SIZE(p->fd))
        return -1;
    p->fd[p->n] = (struct pollfd){.fd = fd, .events = events};
    return (int)p->n++;
}

static inline short polls_got(const struct polls *p, int index)
{
    return (short)(index < 0 ? 0 : p->fd[index].revents);
}

#endif
