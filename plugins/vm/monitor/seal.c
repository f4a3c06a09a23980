/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes read-only once the guest has set up the container's process, which makes mount points and devices there:
 * from then on the guest's kernel is in the hands of the container. The right to do that has a process of its own, which
 * is there before the guest and hears nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <linux/capability.h>

#include "core/init/kernel.h"
#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/privileges.h"

#define LOOK_AGAIN  2 /* milliseconds */
#define NAP_MS      10
#define PATIENCE_MS 10000

/* What the guest has closed, the file server closes a little later: until then its writers are in the way. */
static int make_readonly(int fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

    for (int waited = 0; sys_mount_setattr(fd, AT_RECURSIVE, &attr) < 0; waited += NAP_MS) {
        if (errno != EBUSY || waited >= PATIENCE_MS)
            return errno;
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
    }
    return 0;
}

static void __attribute__((noreturn)) sealer(int asked, int at)
{
    char byte;
    int errnum = 0;

    /* Two descriptors are left, at the numbers of those that are not needed here. */
    if (dup2(asked, MONITOR_SYNC) < 0 || dup2(at, MONITOR_PLAN) < 0 ||
        syscall(SYS_close_range, MONITOR_PLAN + 1, ~0U, 0) < 0 ||
        privileges_keep(UINT64_C(1) << CAP_SYS_ADMIN) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        errnum = errno;
    /* The monitor's end without a word: there is nothing to do any more. */
    if (read(MONITOR_SYNC, &byte, 1) != 1)
        _exit(0);
    if (!errnum)
        errnum = make_readonly(MONITOR_PLAN);
    send(MONITOR_SYNC, &errnum, sizeof errnum, MSG_NOSIGNAL);
    _exit(0);
}

int seal_prepare(struct machine *m)
{
    auto_close int at = -1;
    int pair[2];
    pid_t pid;

    if (!m->setup.readonly)
        return 0;
    at = open(m->setup.readonly, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return broken(m, errno, "%s", m->setup.readonly);
    pid = fork();
    if (!pid)
        sealer(pair[1], at);
    close(pair[1]);
    m->sealer = pair[0];
    return pid < 0 || above(&m->sealer) < 0 ? broken(m, errno, "fork") : 0;
}

int seal(struct machine *m)
{
    int errnum;
    ssize_t n;

    if (m->sealer < 0)
        return 0;
    n = send(m->sealer, "", 1, MSG_NOSIGNAL);
    while (n > 0 && (n = recv(m->sealer, &errnum, sizeof errnum, MSG_DONTWAIT)) < 0 &&
           (errno == EAGAIN || errno == EINTR)) {
        if (turn(m, LOOK_AGAIN) < 0)
            return -1;
        n = 1;
    }
    if (n != (ssize_t)sizeof errnum)
        errnum = EPIPE;
    cleanup_close(&m->sealer);
    m->sealer = -1;
    return errnum ? broken(m, errnum, "make %s read-only", m->setup.readonly) : 0;
}
