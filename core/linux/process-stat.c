/* SPDX-License-Identifier: Apache-2.0 */
#include "core/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

bool process_stat(pid_t pid, char *state, uint64_t *start_time)
{
    char path[64], line[1024], *p, letter;
    uint64_t ticks;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (n <= 0)
        return false;
    line[n] = '\0';
    /* "PID (NAME) STATE …": the name is the program's choice and may hold parentheses and blanks.
     */
    p = strrchr(line, ')');
    if (!p || sscanf(p + 1,
                     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                     "%*d %" SCNu64,
                     &letter, &ticks) != 2)
        return false;
    if (state)
        *state = letter;
    if (start_time)
        *start_time = ticks;
    return true;
}

const char *process_executable(char *room UNUSED, size_t size UNUSED)
{
    return "/proc/self/exe";
}

char **process_environment(void)
{
    return environ;
}

/* --- the census --------------------------------------------------------------------------------- */

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
