/* SPDX-License-Identifier: Apache-2.0 */
/* The real-time budget of cgroup v1: a group can be given no more than the one above it has. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define RUNTIME "cpu.rt_runtime_us"
#define PERIOD  "cpu.rt_period_us"

struct budget {
    char runtime[32], period[32]; /* "": not named */
};

static void put(int dir, const char *file, const char *text)
{
    auto_close int fd = *text ? openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    /* What cannot be given above cannot be given to the container: that write will say so. */
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        return;
}

/* The kernel makes every group without a budget. One that has some, as the root of the hierarchy, got it from
 * the administrator, who may have meant no more. */
static void give_above(int dir, const struct budget *b)
{
    auto_close int above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char text[32];

    if (above < 0 || cgroup_read(above, RUNTIME, text, sizeof(text)) < 0 || strcmp(text, "0\n"))
        return;
    give_above(above, b);
    put(above, PERIOD, b->period);
    put(above, RUNTIME, b->runtime);
}

static int set(struct writing *w, const char *path, const char *file, const char *text)
{
    int r = *text ? write_file(w, file, text) : 0;

    return r < 0 ? write_failed(w, path, file, text, r) : 0;
}

/* "runtime=950000 period=1000000", "runtime=950000", "runtime=- period=1000000" */
static bool parse(const char *value, struct budget *b)
{
    if (sscanf(value, "runtime=%31s period=%31s", b->runtime, b->period) < 1)
        return false;
    if (!strcmp(b->runtime, "-"))
        *b->runtime = '\0';
    return true;
}

int write_realtime(struct writing *w, const struct hozo_work *work)
{
    struct budget b = {0};
    int r;

    if (!parse(work->value, &b) || w->dir < 0)
        return hozo_error(w->ctx, EINVAL, work->path, "%s", work->value);
    if (*b.runtime)
        give_above(w->dir, &b);
    /* No runtime may be longer than its period: a shorter period has to wait for a shorter runtime. */
    r = *b.period ? write_file(w, PERIOD, b.period) : 0;
    if (r == -EINVAL && *b.runtime) {
        if (set(w, REALTIME_RUNTIME, RUNTIME, b.runtime) < 0)
            return -1;
        return set(w, REALTIME_PERIOD, PERIOD, b.period);
    }
    if (r < 0)
        return write_failed(w, REALTIME_PERIOD, PERIOD, b.period, r);
    return set(w, REALTIME_RUNTIME, RUNTIME, b.runtime);
}
