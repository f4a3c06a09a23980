/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/scheduling.h"

#include <errno.h>
#include <sys/syscall.h>

#define IOPRIO_WHO_PROCESS 1 /* linux/ioprio.h is not older than 5.15 */
#define IOPRIO_CLASS_SHIFT 13

/* As the kernel has it since 5.3. The C library's own came late, and collides with linux/sched/types.h. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static long set_scheduler(pid_t pid, const struct plan_op *op)
{
    const struct attributes a = {
        .size = sizeof a,
        .policy = (uint32_t)op->arg[1],
        .flags = op->arg[2],
        .nice = (int32_t)op->arg[3],
        .priority = (uint32_t)op->arg[4],
        .runtime = op->arg[5],
        .deadline = op->arg[6],
        .period = op->arg[7],
    };

    return syscall(SYS_sched_setattr, pid, &a, 0);
}

int scheduling_op(struct container *c, const struct plan_op *op, struct error *err)
{
    /* Before there is another process, it is the runtime that sets itself. */
    pid_t pid = op->phase == PHASE_PREPARE ? 0 : c->pid;
    const void *mask;
    uint32_t size;
    long r;

    switch (op->kind) {
    case OP_AFFINITY:
        mask = plan_bytes(c->plan, op->arg[1], &size);
        r = syscall(SYS_sched_setaffinity, pid, size, mask);
        break;
    case OP_SCHEDULER:
        r = set_scheduler(pid, op);
        break;
    default:
        r = syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid,
                    op->arg[1] << IOPRIO_CLASS_SHIFT | op->arg[2]);
    }
    if (r < 0)
        return plan_fail(c->plan, (uint32_t)(op - plan_ops(c->plan)), errno, STEP_NONE, err);
    return 0;
}
