/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_STAT_H
#define TESTS_FREEBSD_SYS_STAT_H

#include <sys/types.h>
#include <time.h>
struct stat {
    dev_t st_dev, st_rdev;
    ino_t st_ino;
    nlink_t st_nlink;
    mode_t st_mode;
    uid_t st_uid;
    gid_t st_gid;
    struct timespec st_mtim, st_ctim;
    off_t st_size;
};
#define S_ISDIR(mode) (((mode)&0170000) == 0040000)
int stat(const char *path, struct stat *st);
int mkdir(const char *path, mode_t mode);
int mkdirat(int dir, const char *path, mode_t mode);
int mkfifo(const char *path, mode_t mode);
mode_t umask(mode_t mask);
#define S_IFMT  0170000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_ISREG(mode) (((mode)&0170000) == 0100000)
#define S_ISLNK(mode) (((mode)&0170000) == 0120000)
#define S_ISFIFO(mode) (((mode)&0170000) == 0010000)
#define S_ISSOCK(mode) (((mode)&0170000) == 0140000)
#define S_ISCHR(mode) (((mode)&0170000) == 0020000)
#define S_ISBLK(mode) (((mode)&0170000) == 0060000)
#define S_ISVTX 0001000
#define S_IWGRP 0000020
#define S_IWOTH 0000002
int fstat(int fd, struct stat *st);
int lstat(const char *path, struct stat *st);
int fstatat(int dir, const char *path, struct stat *st, int flags);
int fchmod(int fd, mode_t mode);
int fchmodat(int dir, const char *path, mode_t mode, int flags);
int mkfifoat(int dir, const char *path, mode_t mode);
#define st_mtime st_mtim.tv_sec
#define UTIME_NOW (-1)
int futimens(int fd, const struct timespec *times);

#endif
