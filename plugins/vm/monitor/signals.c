/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

/* As the kernel has it: a libc keeps some of the real-time signals out of its own sets. */
typedef uint64_t kernel_set;

#define BIT_OF(signal) (UINT64_C(1) << ((signal)-1))

static int open_set(kernel_set set)
{
    return (int)syscall(SYS_signalfd4, -1, &set, sizeof set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_open(int *children, int *others)
{
    const kernel_set all = ~UINT64_C(0);

    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) < 0)
        return -1;
    *children = open_set(BIT_OF(SIGCHLD));
    *others = open_set(all & ~BIT_OF(SIGCHLD));
    return *children < 0 || *others < 0 ? -1 : 0;
}

void signals_unblock(void)
{
    const kernel_set none = 0;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

int signals_next(int fd)
{
    struct signalfd_siginfo info;

    /* A reader that has gone raises SIGPIPE here, although it is blocked: as if this process had sent it. */
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGPIPE || info.ssi_code != SI_USER ||
            (pid_t)info.ssi_pid != getpid())
            return (int)info.ssi_signo;
    return 0;
}
