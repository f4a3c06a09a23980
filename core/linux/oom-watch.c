/* SPDX-License-Identifier: Apache-2.0 */
#include "core/oom-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#define V1_FILE "/memory.oom_control"

void oom_watch_close(struct oom_watch *w)
{
    cleanup_close(&w->fd);
    cleanup_close(&w->file);
    *w = (struct oom_watch)OOM_WATCH_INIT;
}

/* --- v1: a descriptor that the kernel counts up ------------------------------------------------- */

static int register_event(const struct oom_watch *w, const char *path)
{
    char control[PATH_MAX], line[64];
    int length = (int)(strrchr(path, '/') - path);

    if ((size_t)snprintf(control, sizeof control, "%.*s/cgroup.event_control", length, path) >=
        sizeof control) {
        errno = ENAMETOOLONG;
        return -1;
    }
    auto_close int fd = open(control, O_WRONLY | O_CLOEXEC);
    int n = snprintf(line, sizeof line, "%d %d", w->fd, w->file);
    return fd < 0 || write(fd, line, (size_t)n) < 0 ? -1 : 0;
}

static int open_v1(struct oom_watch *w, const char *path)
{
    w->events = POLLIN;
    w->file = open(path, O_RDONLY | O_CLOEXEC);
    if (w->file < 0)
        return -1;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->fd < 0 ? -1 : register_event(w, path);
}

/* The end of the cgroup counts as well. */
static bool happened_v1(struct oom_watch *w)
{
    uint64_t times;
    char byte;

    if (read(w->fd, &times, sizeof times) != sizeof times)
        return false;
    if (pread(w->file, &byte, 1, 0) > 0)
        return true;
    oom_watch_close(w);
    return false;
}

/* --- v2: a file that changes -------------------------------------------------------------------- */

/* Reading it is what lets poll(2) wait for the next change. */
static bool read_kills(const struct oom_watch *w, uint64_t *kills)
{
    char text[512] = "\n";
    ssize_t n = pread(w->fd, text + 1, sizeof text - 2, 0);
    const char *at;

    if (n < 0)
        return false;
    text[n + 1] = '\0';
    at = strstr(text, "\noom_kill ");
    *kills = at ? strtoull(at + strlen("\noom_kill "), NULL, 10) : 0;
    return true;
}

static int open_v2(struct oom_watch *w, const char *path)
{
    w->events = POLLPRI;
    w->fd = open(path, O_RDONLY | O_CLOEXEC);
    return w->fd < 0 || !read_kills(w, &w->kills) ? -1 : 0;
}

static bool happened_v2(struct oom_watch *w)
{
    uint64_t kills, before = w->kills;

    if (!read_kills(w, &kills)) {
        oom_watch_close(w); /* the cgroup has been removed, which poll(2) would tell for ever */
        return false;
    }
    w->kills = kills;
    return kills > before;
}

/* ------------------------------------------------------------------------------------------------ */

static bool is_v1(const char *path)
{
    const char *name = strrchr(path, '/');

    return name && !strcmp(name, V1_FILE);
}

int oom_watch_open(struct oom_watch *w, const char *path, struct error *err)
{
    *w = (struct oom_watch)OOM_WATCH_INIT;
    if (!path || !(is_v1(path) ? open_v1(w, path) : open_v2(w, path)))
        return 0;
    /* errno outlives close(2) only by luck. */
    int errnum = errno;
    oom_watch_close(w);
    if (errnum == ENOENT || errnum == ENODEV)
        return 0;
    return fail(err, errnum, NULL, "watch %s", path);
}

bool oom_watch_happened(struct oom_watch *w)
{
    if (w->fd < 0)
        return false;
    return w->file >= 0 ? happened_v1(w) : happened_v2(w);
}
