/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_MOUNT_H
#define TESTS_FREEBSD_SYS_MOUNT_H

/* nmount(2), unmount(2), statfs(2), getmntinfo(3) */
#include <sys/types.h>
#include <sys/uio.h>
#define MNT_NOWAIT 2
#define MNT_FORCE  0x80000
#define MNT_BYFSID 0x8000000
typedef struct {
    int32_t val[2];
} fsid_t;
struct statfs {
    char f_fstypename[16], f_mntfromname[1024], f_mntonname[1024];
    fsid_t f_fsid;
};
int fstatfs(int fd, struct statfs *s);
int getmntinfo(struct statfs **all, int flags);
int nmount(struct iovec *iov, unsigned int n, int flags);
int unmount(const char *directory, int flags);

#endif
