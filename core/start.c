/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: one byte into the FIFO `start`, and the answer from the FIFO `result`. The starter is not the
 * parent, so it cannot wait for the process; the FIFOs tell all there is: 'x' and end of file means that
 * execve took place, bytes behind it or end of file without it mean that it did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "core/cgroup.h"
#include "core/foreign.h"
#include "core/hooks.h"
#include "core/lifecycle.h"
#include "core/linux/channel.h"
#include "core/pidfd.h"

static int not_created(enum status status, struct error *err)
{
    switch (status) {
    case STATUS_STOPPED:
        return fail(err, 0, NULL, "cannot start a container that has stopped");
    case STATUS_PAUSED:
        return fail(err, 0, NULL, "cannot start a container in the paused state");
    case STATUS_CREATING:
        return fail(err, 0, NULL, "cannot start a container that is being created");
    default:
        return fail(err, 0, NULL, "cannot start an already running container");
    }
}

/* How long a process may be frozen before it is not waited for. */
#define STALLED_SECONDS 2

/* How long a process that failed, or was killed, is waited for. */
#define END_MS 5000

/* Behind a start that failed the container is stopped, and a delete finds nothing that still runs. */
static void await_end(int pidfd)
{
    struct pollfd p = {pidfd, POLLIN, 0};

    while (poll(&p, 1, END_MS) < 0 && errno == EINTR)
        ;
}

/* Waits for what the process says: -1 and EAGAIN if somebody else has frozen it. */
static int await_result(const struct container *c, int fd)
{
    struct pollfd p[] = {{fd, POLLIN, 0}, {c->interrupt, POLLIN, 0}};
    unsigned stalled = 0;
    int r;

    while ((r = poll(p, 2, 1000)) <= 0) {
        if (r < 0 && errno != EINTR)
            return -1;
        stalled = !r && cgroup_stalls(&c->state.cgroup) ? stalled + 1 : 0;
        if (stalled == STALLED_SECONDS) {
            errno = EAGAIN;
            return -1;
        }
    }
    errno = EINTR;
    return p[1].revents && !p[0].revents ? -1 : 0;
}

/* Reads until end of file, or until `size` bytes are there. */
static ssize_t read_result(const struct container *c, int fd, char *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n;

        if (await_result(c, fd) < 0)
            return -1;
        n = read(fd, buf + done, size - done);
        if (!n)
            break;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n > 0)
            done += (size_t)n;
    }
    return (ssize_t)done;
}

/* What the process has not read before it was frozen it shall not read when it is thawed. */
static int take_back(const struct container *c, struct error *err)
{
    auto_close int start = openat(c->dirfd, "start", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char byte;

    return start >= 0 && read(start, &byte, 1) == 1
               ? not_created(STATUS_PAUSED, err)
               : fail(err, 0, NULL, "the container was frozen while it started");
}

static int release(struct container *c, bool *stalled, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_RELEASE, NULL);
    auto_close int result = openat(c->dirfd, "result", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    auto_close int start = openat(c->dirfd, "start", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    char buf[1 + sizeof(struct sync_failure)];
    ssize_t n;

    *stalled = false;
    if (result < 0 || start < 0)
        return errno == ENXIO ? not_created(STATUS_STOPPED, err)
                              : fail(err, errno, NULL, "open the start FIFO");
    if (write(start, "", 1) != 1)
        return fail(err, errno, NULL, "write the start FIFO");
    n = read_result(c, result, buf, sizeof buf);
    times_tell(&c->times, c->plan, c->plugins.trace);
    *stalled = n < 0 && errno == EAGAIN;
    if (n < 0)
        return *stalled ? take_back(c, err) : fail(err, errno, NULL, "read the result FIFO");
    if (channel_result(buf, (size_t)n, err) == 0)
        return 0;
    await_end(c->pidfd);
    return -1;
}

int container_start(struct container *c, struct error *err)
{
    enum status status;
    bool stalled = false;
    int r;

    if (container_status(c, &status, err) < 0)
        return -1;
    if (status == STATUS_CREATED && cgroup_stalls(&c->state.cgroup))
        status = STATUS_PAUSED;
    if (status != STATUS_CREATED)
        return not_created(status, err);
    if (plugins_open_for(c, IN(STARTED), err) < 0)
        return -1;
    if (c->pidfd < 0 && !c->state.runner && (c->pidfd = state_pidfd(&c->state)) < 0)
        return errno == ESRCH ? not_created(STATUS_STOPPED, err)
                              : fail(err, errno, NULL, "pidfd_open");
    if (notify_open(c, err) < 0)
        return -1;
    r = c->state.runner ? foreign_start(c, err) : release(c, &stalled, err);
    /* With the FIFOs it is still created, and may be started when it is thawed. */
    if (!stalled) {
        unlinkat(c->dirfd, "start", 0);
        unlinkat(c->dirfd, "result", 0);
    }
    if (r < 0)
        return -1;
    if (plugins_call(c, STAGE_STARTED, err) < 0 ||
        hooks_run(c, "poststart", STATUS_RUNNING, err) < 0) {
        struct error ignored;

        if (c->state.runner) {
            foreign_end(c, &ignored);
            return -1;
        }
        /* runtime.md: the container is stopped, and its lifecycle goes on from there. */
        pidfd_signal(c->pidfd, c->state.pid, SIGKILL);
        cgroup_signal(&c->state.cgroup, SIGKILL, &ignored);
        await_end(c->pidfd);
        return -1;
    }
    return 0;
}
