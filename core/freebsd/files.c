/* SPDX-License-Identifier: Apache-2.0 */
#include "core/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

ssize_t directory_read(int fd, struct dirent *entries, size_t size)
{
    return getdirentries(fd, (char *)entries, size, NULL);
}

/* A rename replaces a directory that is empty: so the name is taken by one first. */
int directory_move(int from, const char *name, int to, const char *new_name)
{
    int failed;

    if (mkdirat(to, new_name, 0700) < 0)
        return -1;
    if (!renameat(from, name, to, new_name))
        return 0;
    failed = errno;
    unlinkat(to, new_name, AT_REMOVEDIR);
    errno = failed;
    return -1;
}

/* By fdescfs(5), which has to be mounted on /dev/fd; whoever opens such a file gets the same open file. */
int file_hold(const char *file, char *path, size_t size)
{
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    snprintf(path, size, "/dev/fd/%d", fd);
    return fd;
}

bool device_is_null(dev_t device)
{
    struct stat st;

    return !stat("/dev/null", &st) && S_ISCHR(st.st_mode) && st.st_rdev == device;
}

int socket_bind(int fd, int directory, const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlcpy(un.sun_path, name, sizeof un.sun_path) >= sizeof un.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    un.sun_len = (uint8_t)SUN_LEN(&un);
    return bindat(directory, fd, (struct sockaddr *)&un, un.sun_len);
}

int descriptors_end_with_exec(unsigned first)
{
    return close_range(first, ~0u, CLOSE_RANGE_CLOEXEC);
}
