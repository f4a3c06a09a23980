/* SPDX-License-Identifier: Apache-2.0 */
#include "core/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
                   offsetof(struct dirent, d_reclen) == offsetof(struct dirent64, d_reclen) &&
                   offsetof(struct dirent, d_name) == offsetof(struct dirent64, d_name),
               "without large files entries are not what getdents64 returns");

ssize_t directory_read(int fd, struct dirent *entries, size_t size)
{
    return getdents64(fd, entries, size);
}

int directory_move(int from, const char *name, int to, const char *new_name)
{
    return renameat2(from, name, to, new_name, RENAME_NOREPLACE);
}

int file_hold(const char *file, char *path, size_t size)
{
    int fd = open(file, O_PATH | O_CLOEXEC);

    snprintf(path, size, "/proc/self/fd/%d", fd);
    return fd;
}

bool device_is_null(dev_t device)
{
    return device == makedev(1, 3);
}

int socket_bind(int fd, int directory, const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if ((size_t)snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d/%s", directory, name) >=
        sizeof un.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return bind(fd, (struct sockaddr *)&un, sizeof un);
}

int descriptors_end_with_exec(unsigned first)
{
    return close_range(first, ~0u, CLOSE_RANGE_CLOEXEC);
}
