/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that came with a message over an AF_UNIX socket; for the programs without a libc of their own, too. */
#ifndef CORE_DESCRIPTORS_H
#define CORE_DESCRIPTORS_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first `room` go into `fds`, all others are closed. Returns how many came. */
static inline size_t descriptors_take(struct msghdr *h, int *fds, size_t room)
{
    size_t count = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++, count++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (count < room)
                fds[count] = fd;
            else
                close(fd);
        }
    }
    return count;
}

#endif
