/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of the runner's, and places below a container's root. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"

static int copy_path(char *copy, size_t size, const char *path)
{
    size_t n = strlen(path);

    if (n >= size)
        return -ENAMETOOLONG;
    memcpy(copy, path, n + 1);
    return 0;
}

/* --- the runner's own --------------------------------------------------------------------------- */

int file_make_directory(void *self, const char *path)
{
    char copy[PATH_MAX];

    (void)self;
    if (copy_path(copy, sizeof(copy), path) < 0)
        return -ENAMETOOLONG;
    for (char *s = strchr(copy + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            return -errno;
        *s = '/';
    }
    return answer(mkdir(copy, 0700));
}

int file_remove_directory(void *self, const char *path)
{
    (void)self;
    return answer(rmdir(path));
}

int file_is_directory(void *self, const char *path)
{
    struct stat st;

    (void)self;
    return stat(path, &st) < 0 ? -errno : S_ISDIR(st.st_mode);
}

int file_real_path(void *self, const char *path, char *real, size_t size)
{
    char *found = realpath(path, NULL);
    int r = found ? copy_path(real, size, found) : -errno;

    (void)self;
    free(found);
    return r;
}

/* --- fifos -------------------------------------------------------------------------------------- */

static const char *const fifos[] = {FIFO_START, FIFO_RESULT};

int file_open_fifo(const char *directory, const char *name, int flags)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return answer(open(path, flags | O_NOFOLLOW | O_CLOEXEC));
}

int file_make_fifos(void *self, const char *directory)
{
    char path[PATH_MAX];

    (void)self;
    for (size_t i = 0; i < 2; i++)
        if (snprintf(path, sizeof(path), "%s/%s", directory, fifos[i]) >= (int)sizeof(path) ||
            mkfifo(path, 0600) < 0)
            return -errno;
    return 0;
}

int file_remove_fifos(void *self, const char *directory)
{
    char path[PATH_MAX];

    (void)self;
    for (size_t i = 0; i < 2; i++)
        if (snprintf(path, sizeof(path), "%s/%s", directory, fifos[i]) >= (int)sizeof(path) ||
            (unlink(path) < 0 && errno != ENOENT))
            return -errno;
    return 0;
}

/* --- below a root ------------------------------------------------------------------------------- */

/* open(2): O_NOFOLLOW meets a link with EMLINK on FreeBSD, with ENOTDIR where a directory is wanted on Linux. */
static int open_beneath(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0644), e = errno;
    struct stat st;

    if (fd >= 0)
        return fd;
    if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
        return -ELOOP;
    return -e;
}

static int step_down(int dir, const char *name, bool directory, bool make)
{
    int fd;

    /* Not for reading: of a device or a fifo that could wait. */
    if (!directory)
        return open_beneath(dir, name,
                            make ? O_RDONLY | O_CREAT | O_NONBLOCK : O_RDONLY | O_NONBLOCK);
    fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
    if (fd != -ENOENT || !make)
        return fd;
    if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    return open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
}

static int walk(const char *root, const char *path, bool directory, bool make)
{
    char copy[PATH_MAX], *rest = copy, *name;
    int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (at < 0)
        return -errno;
    if (copy_path(copy, sizeof(copy), path) < 0) {
        close(at);
        return -ENAMETOOLONG;
    }
    while (at >= 0 && (name = strsep(&rest, "/"))) {
        int above = at;

        if (!*name)
            continue;
        at = step_down(above, name, rest || directory, make);
        close(above);
    }
    return at;
}

int file_make_place(void *self, const char *root, const char *path, bool directory)
{
    int fd = walk(root, path, directory, true);

    (void)self;
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

int file_open_place(const char *root, const char *path)
{
    return walk(root, path, false, false);
}
