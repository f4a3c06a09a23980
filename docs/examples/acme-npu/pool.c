/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_directory(const char *path)
{
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

int pool_open(const char *pool, uint32_t card, int make)
{
    char path[PATH_MAX];
    int fd;

    if ((size_t)snprintf(path, sizeof path, "%s/card%u", pool, card) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (make && (make_directory(pool) < 0 || make_directory(path) < 0))
        return -1;
    if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -1;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR) {
            close(fd);
            return -1;
        }
    return fd;
}

static const char *core_name(uint32_t core, char name[16])
{
    snprintf(name, 16, "core%u", core);
    return name;
}

/* The length of the holder's name, or -1. */
static ssize_t read_holder(int card, uint32_t core, char *holder, size_t size)
{
    char name[16];
    ssize_t n = readlinkat(card, core_name(core, name), holder, size - 1);

    if (n >= 0)
        holder[n] = '\0';
    return n;
}

uint32_t pool_free(int card, uint32_t total)
{
    char holder[PATH_MAX];
    uint32_t n = 0;

    for (uint32_t core = 0; core < total; core++)
        n += read_holder(card, core, holder, sizeof holder) < 0;
    return n;
}

int pool_take(int card, uint32_t total, uint32_t wanted, const char *holder, char *list,
              size_t size)
{
    size_t length = 0;
    char name[16];

    if (pool_free(card, total) < wanted) {
        errno = EBUSY;
        return -1;
    }
    for (uint32_t core = 0; core < total && wanted; core++) {
        if (symlinkat(holder, card, core_name(core, name)) < 0) {
            if (errno != EEXIST)
                return -1;
            continue;
        }
        length += (size_t)snprintf(list + length, size - length, "%s%u", length ? "," : "", core);
        wanted--;
    }
    return 0;
}

int pool_release(int card, const char *holder)
{
    char name[16], theirs[PATH_MAX];

    for (uint32_t core = 0; core < POOL_CORES; core++)
        if (read_holder(card, core, theirs, sizeof theirs) >= 0 && !strcmp(theirs, holder) &&
            unlinkat(card, core_name(core, name), 0) < 0)
            return -1;
    return 0;
}
