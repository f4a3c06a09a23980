/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told when the kernel kills in a control group because its memory is at its limit. */
#ifndef CORE_OOM_WATCH_H
#define CORE_OOM_WATCH_H

#include "core/error.h"

struct oom_watch {
    int fd;         /* to be polled for `events`; -1: nothing is watched */
    short events;   /* of poll(2) */
    int file;       /* v1: memory.oom_control */
    uint64_t kills; /* v2: those that were seen */
};

#define OOM_WATCH_INIT                                                                             \
    {                                                                                              \
        .fd = -1, .file = -1                                                                       \
    }

/* `path`: memory.events of cgroup v2, or memory.oom_control of v1; NULL, or a file that is not there since
 * nothing limits memory: nothing is watched. */
int oom_watch_open(struct oom_watch *w, const char *path, struct error *err);
void oom_watch_close(struct oom_watch *w);
#define auto_oom_watch __attribute__((cleanup(oom_watch_close)))

/* Whether it has happened since the last time. */
bool oom_watch_happened(struct oom_watch *w);

#endif
