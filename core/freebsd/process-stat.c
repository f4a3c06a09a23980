/* SPDX-License-Identifier: Apache-2.0 */
#include "core/process.h"

#include <errno.h>
#include <sys/sysctl.h>
#include <sys/user.h>

/* No header declares it. */
extern char **environ;

static int look(int what, pid_t pid, void *to, size_t *size)
{
    const int name[] = {CTL_KERN, KERN_PROC, what, (int)pid};

    return sysctl(name, ARRAY_SIZE(name), to, size, NULL, 0);
}

static int look_at(pid_t pid, struct kinfo_proc *process)
{
    size_t size = sizeof *process;

    if (look(KERN_PROC_PID, pid, process, &size))
        return -1;
    errno = ESRCH;
    return size ? 0 : -1;
}

bool process_stat(pid_t pid, char *state, uint64_t *start_time)
{
    /* By ki_stat, which counts from 1: in ps(1)'s letters. */
    static const char letters[] = "?IRSTZWL";
    struct kinfo_proc process;

    if (look_at(pid, &process))
        return false;
    if (state)
        *state = process.ki_stat > 0 && process.ki_stat < (char)sizeof letters - 1
                     ? letters[(unsigned char)process.ki_stat]
                     : letters[0];
    if (start_time)
        *start_time =
            (uint64_t)process.ki_start.tv_sec * 1000000 + (uint64_t)process.ki_start.tv_usec;
    return true;
}

const char *process_executable(char *room, size_t size)
{
    return look(KERN_PROC_PATHNAME, -1, room, &size) ? NULL : room;
}

char **process_environment(void)
{
    return environ;
}

int census_take(struct census *census, struct error *err)
{
    struct kinfo_proc process;

    if (look_at(getpid(), &process))
        return fail(err, errno, NULL, "kern.proc.pid");
    census->threads = (size_t)process.ki_numthreads;
    census->descriptors = (size_t)getdtablecount();
    return 0;
}
