/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a plugin must start no thread (setns(2) into a mount or user namespace fails with EINVAL in a
 * process that has two, and fork(2) loses them) and open no descriptor.
 */
#include "core/plugin-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Before Linux 6.2 the directory's size does not tell. */
static int count_descriptors(size_t *count, struct error *err)
{
    auto_close int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    union {
        struct dirent64 first;
        char bytes[4096];
    } buffer;
    ssize_t n;

    *count = 0;
    if (fd < 0)
        return fail(err, errno, NULL, "open /proc/self/fd");
    while ((n = getdents64(fd, buffer.bytes, sizeof buffer)) > 0)
        for (ssize_t at = 0; at < n; ++*count)
            at += ((const struct dirent64 *)(const void *)(buffer.bytes + at))->d_reclen;
    return n < 0 ? fail(err, errno, NULL, "read /proc/self/fd") : 0;
}

int census_take(struct census *census, struct error *err)
{
    struct stat task, fd;

    if (stat("/proc/self/task", &task) < 0 || stat("/proc/self/fd", &fd) < 0)
        return fail(err, errno, NULL, "stat /proc/self/task, /proc/self/fd");
    census->threads = task.st_nlink; /* each is a directory in it */
    census->descriptors = (size_t)fd.st_size;
    return fd.st_size ? 0 : count_descriptors(&census->descriptors, err);
}

int census_same(const struct census *before, struct error *err)
{
    struct census after = {0};

    if (census_take(&after, err) < 0)
        return -1;
    if (after.threads != before->threads)
        return fail(err, 0, NULL, "starts a thread when it is loaded");
    if (after.descriptors != before->descriptors)
        return fail(err, 0, NULL, "opens a descriptor when it is loaded");
    return 0;
}
