/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_UIO_H
#define TESTS_FREEBSD_SYS_UIO_H

#include <sys/types.h>
struct iovec {
    void *iov_base;
    size_t iov_len;
};
ssize_t writev(int fd, const struct iovec *iov, int n);

#endif
