/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "core/cgroup-pids.h"
#include "core/pidfd.h"
#include "core/state.h"

/* Descriptors that signalling holds at a time. */
#define BATCH 64
/* Of SIGKILL: a container that forks faster than this many passes is an error. */
#define PASSES 1000

int cgroup_write(const char *file, const char *word)
{
    auto_close int fd = open(file, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, word, strlen(word)) < 0 ? -1 : 0;
}

/* --- the processes ------------------------------------------------------------------------------
 */

/* A pid may pass to a stranger between the listing and the signal. So a descriptor is opened first,
 * and used only if a later listing still has the pid: it is then of that process, or of one that is
 * gone. */
static int signal_batch(const struct state_cgroup *cgroup, const pid_t *pids, size_t count,
                        int number)
{
    auto_pids struct pids still = {0};
    int fds[BATCH], failed = 0;

    for (size_t i = 0; i < count; i++)
        if ((fds[i] = pidfd_of(pids[i])) < 0 && errno != ESRCH)
            failed = errno;
    if (cgroup_pids(cgroup, &still))
        failed = errno;
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < 0)
            continue;
        if (pids_have(&still, pids[i]) && pidfd_signal(fds[i], pids[i], number) && errno != ESRCH)
            failed = errno;
        close(fds[i]);
    }
    errno = failed;
    return failed ? -1 : 0;
}

/* One pass; *news: it met a process that the pass before did not. */
static int signal_pass(const struct state_cgroup *cgroup, int number, struct pids *before,
                       bool *news)
{
    struct pids now = {0};
    int failed = 0;

    *news = false;
    if (cgroup_pids(cgroup, &now))
        failed = errno;
    for (size_t i = 0; i < now.count; i += BATCH) {
        size_t count = now.count - i < BATCH ? now.count - i : BATCH;

        if (signal_batch(cgroup, now.at + i, count, number))
            failed = errno;
    }
    for (size_t i = 0; i < now.count; i++)
        *news |= !pids_have(before, now.at[i]);
    pids_free(before);
    *before = now;
    errno = failed;
    return failed ? -1 : 0;
}

int cgroup_signal(const struct state_cgroup *cgroup, int number, struct error *err)
{
    auto_pids struct pids before = {0};
    bool news = true;

    if (number == SIGKILL && cgroup->kill && !cgroup_write(cgroup->kill, "1"))
        return cgroup_thaw(cgroup, err);
    for (unsigned pass = 0; news; pass++) {
        if (pass == PASSES)
            return fail(err, 0, NULL, "the container makes processes faster than they are killed");
        if (signal_pass(cgroup, number, &before, &news))
            return fail(err, errno, NULL, "signal the processes of %s", cgroup->list);
        if (number != SIGKILL)
            return 0;
    }
    return cgroup_thaw(cgroup, err);
}

bool cgroup_populated(const struct state_cgroup *cgroup)
{
    auto_pids struct pids pids = {0};

    /* What cannot be read is not known to be empty. */
    return cgroup_pids(cgroup, &pids) || pids.count;
}
