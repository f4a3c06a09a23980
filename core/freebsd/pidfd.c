/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue with one event, the end of the process: readable once it has come. FreeBSD's process descriptors are for
 * who made the process alone, and hozo's next execution did not.
 */
#include "core/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/event.h>

#include "core/base.h"

int pidfd_of(pid_t pid)
{
    struct kevent end;
    auto_close int fd = kqueue();

    EV_SET(&end, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || kevent(fd, &end, 1, NULL, 0, NULL) < 0)
        return -1;
    return steal_fd(fd);
}

/* The queue cannot signal, so between the look and the signal the process can end, and its pid pass on. */
int pidfd_signal(int pidfd, pid_t pid, int number)
{
    struct pollfd ended = {pidfd, POLLIN, 0};

    if (poll(&ended, 1, 0) > 0) {
        errno = ESRCH;
        return -1;
    }
    return kill(pid, number);
}
