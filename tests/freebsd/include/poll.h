/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_POLL_H
#define TESTS_FREEBSD_POLL_H

#include <signal.h>
#include <time.h>
#define POLLIN 0x0001
#define POLLOUT 0x0004
#define POLLERR 0x0008
#define POLLHUP 0x0010
#define POLLPRI 0x0002
typedef unsigned int nfds_t;
struct pollfd {
    int fd;
    short events, revents;
};
int poll(struct pollfd *fds, nfds_t n, int timeout);
int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *mask);

#endif
