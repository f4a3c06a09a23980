/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_MOUNT_H
#define TESTS_FREEBSD_SYS_MOUNT_H

/* nmount(2), unmount(2) */
#include <sys/uio.h>
#define MNT_FORCE 0x80000
int nmount(struct iovec *iov, unsigned int n, int flags);
int unmount(const char *directory, int flags);

#endif
