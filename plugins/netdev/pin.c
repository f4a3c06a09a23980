/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below /run, so that it ends with the machine. */
#define DIRECTORY "/run/hozo-netdev"

int pin_choose(char path[PIN_SIZE])
{
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return errno ? -errno : -EIO;
    snprintf(path, PIN_SIZE, DIRECTORY "/%016llx", (unsigned long long)number);
    return 0;
}

/* Nobody else may put a link where something is mounted as root. */
static int own_directory(void)
{
    struct stat st;

    if (mkdir(DIRECTORY, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(DIRECTORY, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022) ? 0 : -EPERM;
}

int pin_make(const char *path, int ns)
{
    int r = own_directory(), fd;
    char from[32];

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return -errno;
    close(fd);
    snprintf(from, sizeof(from), "/proc/self/fd/%d", ns);
    return mount(from, path, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int pin_open(const char *path, uint64_t inode)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return -errno;
    if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET && namespace_inode(fd) == inode)
        return fd;
    close(fd);
    return -ENOENT;
}

int pin_remove(const char *path)
{
    /* EINVAL: nothing is mounted there; ENOTDIR: nor could have been. */
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT &&
        errno != ENOTDIR)
        return -errno;
    return unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}

uint64_t namespace_inode(int ns)
{
    struct stat st;

    return fstat(ns, &st) < 0 ? 0 : st.st_ino;
}
