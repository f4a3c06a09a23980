/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that the loop waits for. */
#ifndef PLUGINS_VM_AGENT_WATCH_H
#define PLUGINS_VM_AGENT_WATCH_H

#include <stdint.h>
#include <sys/epoll.h>

struct agent;
struct process;

struct watch {
    int fd; /* -1: none */
    uint32_t
        events; /* those that are waited for; 0: it is not in the epoll set, where EPOLLHUP could not be refused */
    struct process *process;
    void (*ready)(struct agent *a, struct watch *w);
};

/* Changes what is waited for. */
void watch_for(struct agent *a, struct watch *w, uint32_t events);

void watch_close(struct agent *a, struct watch *w);

#endif
