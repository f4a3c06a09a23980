/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a plugin must start no thread (setns(2) into a mount or user namespace fails with EINVAL in a
 * process that has two, and fork(2) loses them) and open no descriptor.
 */
#include "core/plugin-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

static int entries(const char *directory, size_t *count, struct error *err)
{
    auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    union {
        struct dirent64 first;
        char bytes[4096];
    } buffer;
    ssize_t n;

    *count = 0;
    if (fd < 0)
        return fail(err, errno, NULL, "open %s", directory);
    while ((n = getdents64(fd, buffer.bytes, sizeof buffer)) > 0)
        for (ssize_t at = 0; at < n; ++*count)
            at += ((const struct dirent64 *)(const void *)(buffer.bytes + at))->d_reclen;
    return n < 0 ? fail(err, errno, NULL, "read %s", directory) : 0;
}

int census_take(struct census *census, struct error *err)
{
    if (entries("/proc/self/task", &census->threads, err) < 0)
        return -1;
    return entries("/proc/self/fd", &census->descriptors, err);
}
