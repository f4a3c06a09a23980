/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer: freezer.state of cgroup v1, cgroup.freeze and cgroup.events of v2. Both act on all that
 * lies below, so that a container may be frozen by whoever froze a cgroup above its own.
 */
#include "core/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "core/state.h"

/* How often, and for how long each time, the processes are waited for: they may be writing to a slow
 * disk, which neither version interrupts. */
#define TRIES  5
#define TRY_MS 1000

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static bool is_v1(const struct state_cgroup *cgroup)
{
    const char *name = strrchr(cgroup->freeze, '/');

    return name && !strcmp(name, "/freezer.state");
}

/* What one of the files says; "" if it is gone. */
static void read_text(int dir, const char *name, char *text, size_t size)
{
    auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    text[n < 0 ? 0 : n] = '\0';
}

static int open_directory(const struct state_cgroup *cgroup)
{
    char path[PATH_MAX];
    const char *end = strrchr(cgroup->freeze, '/');

    if (!end || (size_t)snprintf(path, sizeof path, "%.*s", (int)(end - cgroup->freeze),
                                 cgroup->freeze) >= sizeof path)
        return -1;
    return open(path, DIRECTORY);
}

/* cgroup.events says whether all processes stopped; cgroup.freeze only that they should. */
bool cgroup_frozen(const struct state_cgroup *cgroup)
{
    auto_close int dir = cgroup->freeze ? open_directory(cgroup) : -1;
    char text[256];

    if (dir < 0)
        return false;
    read_text(dir, is_v1(cgroup) ? "freezer.state" : "cgroup.events", text, sizeof text);
    return is_v1(cgroup) ? !strcmp(text, "FROZEN\n") : strstr(text, "frozen 1") != NULL;
}

/* v2 tells of no cgroup whether those above it are to freeze. The root has no such file, nor has what
 * lies above the root. */
static bool v2_stalls(int dir)
{
    char text[16];

    for (;;) {
        int above;

        read_text(dir, "cgroup.freeze", text, sizeof text);
        if (*text != '0')
            break;
        if ((above = openat(dir, "..", DIRECTORY)) < 0)
            break;
        close(dir);
        dir = above;
    }
    close(dir);
    return *text == '1';
}

bool cgroup_stalls(const struct state_cgroup *cgroup)
{
    char text[16];
    int dir = cgroup->freeze ? open_directory(cgroup) : -1;

    if (dir < 0)
        return false;
    if (!is_v1(cgroup))
        return v2_stalls(dir);
    read_text(dir, "freezer.state", text, sizeof text);
    close(dir);
    return *text && strcmp(text, "THAWED\n") != 0;
}

/* --- freezing ----------------------------------------------------------------------------------- */

static int order(const struct state_cgroup *cgroup, bool freeze, struct error *err)
{
    const char *word = is_v1(cgroup) ? (freeze ? "FROZEN" : "THAWED") : freeze ? "1" : "0";

    return cgroup_write(cgroup->freeze, word) ? fail(err, errno, NULL, "write %s", cgroup->freeze)
                                              : 0;
}

static bool comes_to(const struct state_cgroup *cgroup, bool frozen)
{
    struct timespec pause = {.tv_nsec = 100000};

    for (long waited = 0;; waited += pause.tv_nsec) {
        if (frozen ? cgroup_frozen(cgroup) : !cgroup_stalls(cgroup))
            return true;
        if (waited >= TRY_MS * 1000000L)
            return false;
        if (waited && pause.tv_nsec < 20000000)
            pause.tv_nsec *= 2;
        nanosleep(&pause, NULL);
    }
}

/* A process that the kernel's request did not reach gets another one only after a thaw. */
int cgroup_freeze(const struct state_cgroup *cgroup, struct error *err)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (order(cgroup, true, err))
            return -1;
        if (comes_to(cgroup, true))
            return 0;
        if (order(cgroup, false, err))
            return -1;
    }
    return fail(err, 0, NULL, "some of the container's processes do not freeze: all run again");
}

int cgroup_unfreeze(const struct state_cgroup *cgroup, struct error *err)
{
    if (order(cgroup, false, err))
        return -1;
    if (comes_to(cgroup, false))
        return 0;
    return fail(err, 0, NULL,
                "the container stays frozen: a control group above its own is frozen");
}

int cgroup_thaw(const struct state_cgroup *cgroup, struct error *err)
{
    if (!cgroup->freeze || !is_v1(cgroup))
        return 0;
    return order(cgroup, false, err) && err->errnum != ENOENT && err->errnum != ENODEV ? -1 : 0;
}
