/* SPDX-License-Identifier: Apache-2.0 */
#include "core/init/path.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/base.h"
#include "core/init/kernel.h"

/* openat2(2) gives up with EAGAIN while others rename or mount: worth some tries, not endless ones. */
#define TRIES         128
#define PROC_ROOT_INO 1 /* fixed, since Linux 2.6 */

int path_open(int root, const char *path, uint64_t flags, int strict)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
                                      (strict ? RESOLVE_NO_SYMLINKS : 0)};
    long fd;

    for (int i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return (int)fd;
}

/* One component after the other; a dangling link stays an error, since mkdir does not follow it. */
static int make_components(int root, char *path, mode_t mode, int strict)
{
    auto_close int parent = path_open(root, "/", O_PATH | O_DIRECTORY, strict);
    char *end = path;

    while (parent >= 0) {
        char *start, saved;
        int fd;

        while (*end == '/')
            end++;
        if (!*end)
            return steal_fd(parent);
        start = end;
        while (*end && *end != '/')
            end++;
        saved = *end;
        *end = '\0';
        fd = path_open(root, path, O_PATH | O_DIRECTORY, strict);
        if (fd < 0 && errno == ENOENT) {
            if (mkdirat(parent, start, mode) < 0 && errno != EEXIST)
                return -1;
            fd = path_open(root, path, O_PATH | O_DIRECTORY, strict);
        }
        *end = saved;
        if (fd < 0)
            return -1;
        close(parent);
        parent = fd;
    }
    return -1;
}

int path_make_directory(int root, const char *path, mode_t mode, int strict)
{
    int fd = path_open(root, path, O_PATH | O_DIRECTORY, strict);
    auto_free char *copy = NULL;
    mode_t mask;

    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (!(copy = strdup(path)))
        return -1;
    mask = umask(0);
    fd = make_components(root, copy, mode, strict);
    umask(mask);
    return fd;
}

int path_parent(int root, const char *path, int strict, const char **last)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    auto_free char *parent = NULL;

    if (!path) {
        errno = EINVAL;
        return -1;
    }
    *last = slash ? slash + 1 : path;
    if (!**last || !strcmp(*last, ".") || !strcmp(*last, "..")) {
        errno = EINVAL;
        return -1;
    }
    parent = strndup(path, slash ? (size_t)(slash - path) : 0);
    if (!parent)
        return -1;
    return path_make_directory(root, *parent ? parent : "/", 0755, strict);
}

int path_target(int root, const char *path, int directory, int strict)
{
    auto_close int parent = -1, made = -1;
    int fd = path_open(root, path, O_PATH | (directory ? O_DIRECTORY : 0), strict);
    const char *last;
    mode_t mask;

    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (directory)
        return path_make_directory(root, path, 0755, strict);
    parent = path_parent(root, path, strict, &last);
    if (parent < 0)
        return -1;
    mask = umask(0);
    made = openat(parent, last, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
    umask(mask);
    return made < 0 ? -1 : path_open(root, path, O_PATH, strict);
}

bool path_is_procfs(int fd)
{
    struct statfs fs;
    struct stat st;

    return !fstatfs(fd, &fs) && !fstat(fd, &st) && fs.f_type == PROC_SUPER_MAGIC &&
           st.st_ino == PROC_ROOT_INO;
}

int path_procfs(void)
{
    auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (proc < 0)
        return -1;
    if (!path_is_procfs(proc)) {
        errno = EXDEV;
        return -1;
    }
    return steal_fd(proc);
}

static char *put_number(char *to, unsigned n)
{
    char digits[12];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count)
        *to++ = digits[--count];
    *to = '\0';
    return to;
}

void path_of_descriptor(char name[PATH_OF_DESCRIPTOR], int fd)
{
    put_number(stpcpy(name, "/proc/self/fd/"), (unsigned)fd);
}

void path_of_device(char *name, bool block, unsigned major, unsigned minor)
{
    char *at = put_number(stpcpy(name, block ? "/dev/block/" : "/dev/char/"), major);

    *at++ = ':';
    put_number(at, minor);
}
