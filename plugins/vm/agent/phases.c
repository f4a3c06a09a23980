/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's operations, as far as a guest has any use for them (core/linux/host-ops.c has them all). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "core/init/kernel.h"
#include "plugins/vm/agent/process.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_SHIFT 13

typedef int run_function(struct process *p, const struct plan_op *op);

static struct plan_slot *slot(const struct process *p, uint64_t number)
{
    return &plan_slots(p->plan)[number];
}

/* Detached, so that nobody can mount over it. */
static int open_proc(struct process *p, const struct plan_op *op)
{
    auto_close int fs = sys_fsopen("proc");

    if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return -1;
    slot(p, op->arg[0])->fd =
        sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return slot(p, op->arg[0])->fd < 0 ? -1 : 0;
}

/* Nobody but the agent starts what is in the guest: a pipe does, and which end is whose is in the name. */
static int make_fifo(struct process *p, const struct plan_op *op)
{
    const char *name = plan_string(p->plan, op->arg[0]);
    bool start = name && !strcmp(name, "start");
    int fds[2];

    if (!start && (!name || strcmp(name, "result") != 0)) {
        errno = ENOSYS;
        return -1;
    }
    if ((start ? p->start : p->result.fd) >= 0) {
        errno = EEXIST;
        return -1;
    }
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    slot(p, op->arg[1])->fd = fds[!start];
    if (start)
        p->start = fds[1];
    else
        p->result = (struct watch){.fd = fds[0], .process = p, .ready = result_ready};
    return start ? 0 : fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

static int nothing(struct process *p, const struct plan_op *op)
{
    (void)p, (void)op;
    return 0;
}

static int set_rlimit(struct process *p, const struct plan_op *op)
{
    const uint64_t limit[2] = {op->arg[2], op->arg[3]};

    return (int)syscall(SYS_prlimit64, p->pid, op->arg[1], limit, NULL);
}

static int set_affinity(struct process *p, const struct plan_op *op)
{
    uint32_t size;
    const void *mask = plan_bytes(p->plan, op->arg[1], &size);

    return (int)syscall(SYS_sched_setaffinity, p->pid, size, mask);
}

static int set_scheduler(struct process *p, const struct plan_op *op)
{
    const struct { /* as the kernel has it since 5.3 */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
        uint32_t util_min, util_max;
    } attributes = {
        .size = sizeof attributes,
        .policy = (uint32_t)op->arg[1],
        .flags = op->arg[2],
        .nice = (int32_t)op->arg[3],
        .priority = (uint32_t)op->arg[4],
        .runtime = op->arg[5],
        .deadline = op->arg[6],
        .period = op->arg[7],
    };

    return (int)syscall(SYS_sched_setattr, p->pid, &attributes, 0);
}

static int set_io_priority(struct process *p, const struct plan_op *op)
{
    return (int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, p->pid,
                        op->arg[1] << IOPRIO_CLASS_SHIFT | op->arg[2]);
}

/* Before there is a process there is nobody but the agent, who stays as it is: but for the affinity, which the stage
 * process takes on (stage.c). */
#define BEFORE (1u << PHASE_PREPARE)
#define WITH   (1u << PHASE_ATTACH | 1u << PHASE_CREATE_RUNTIME | 1u << PHASE_LIMITS)

/* clang-format off */
static const struct operation {
    unsigned kind, phases;
    run_function *run;
} operations[] = {
    {OP_PROCFS,      BEFORE,        open_proc},
    {OP_FIFO,        BEFORE,        make_fifo},
    {OP_RECORD,      BEFORE | WITH, nothing},
    {OP_RLIMIT,      WITH,          set_rlimit},
    {OP_AFFINITY,    BEFORE,        nothing},
    {OP_AFFINITY,    WITH,          set_affinity},
    {OP_SCHEDULER,   WITH,          set_scheduler},
    {OP_IO_PRIORITY, WITH,          set_io_priority},
};
/* clang-format on */

static const struct operation *operation_of(const struct plan_op *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        if (operations[i].kind == op->kind && operations[i].phases >> op->phase & 1)
            return &operations[i];
    return NULL;
}

static bool is_asked_for(const struct plan_op *op)
{
    return plan_phase_process[op->phase] == PROCESS_RUNTIME ||
           plan_phase_process[op->phase] == PROCESS_HELPER;
}

const struct plan_op *phases_check(const struct plan_header *plan)
{
    plan_for_each (op, plan) {
        if (is_asked_for(op) && !operation_of(op))
            return op;
        /* Its listener would be for an agent of the host's. */
        if (op->kind == OP_SECCOMP && plan_string(plan, op->arg[3]))
            return op;
    }
    return NULL;
}

unsigned phase_next(const struct plan_header *plan, unsigned phase)
{
    plan_for_each (op, plan)
        if (op->phase > phase && is_asked_for(op))
            return op->phase;
    return PHASE_COUNT;
}

int phase_run(struct process *p, unsigned phase)
{
    plan_for_each (op, p->plan)
        if (op->phase == phase && operation_of(op)->run(p, op) < 0) {
            process_fail(p, op, errno, STEP_NONE);
            return -1;
        }
    return 0;
}
