/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper: sources of mounts that the inside process may not open or may not map, since it is root of a
 * user namespace only. It has the runtime's credentials, but opens in the mount namespace of the inside
 * process: there what the host has mounted read-only stays so, whoever asks, and a copy is no peer of the
 * host's mount.
 */
#include <sched.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"

int op_place(struct interpreter *in, const struct plan_op *op)
{
    int fd = open(plan_string(in->plan, op->arg[0]), O_PATH | O_DIRECTORY | O_CLOEXEC);

    in->step = STEP_OPEN;
    slot_fill(in, op->arg[1], fd);
    return fd < 0 ? -1 : 0;
}

int op_source(struct interpreter *in, const struct plan_op *op)
{
    const char *source = text(in, op->arg[0]);
    int tree;

    in->step = STEP_SOURCE;
    if (!source)
        return refuse(EINVAL);
    tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | (op->arg[1] ? AT_RECURSIVE : 0));
    slot_fill(in, op->arg[2], tree);
    return tree < 0 ? -1 : 0;
}

/* Only what is not attached yet can be mapped. */
int op_idmap(struct interpreter *in, const struct plan_op *op)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP,
                              .userns_fd = (uint64_t)slot_fd(in, op->arg[1])};

    in->step = STEP_IDMAP;
    return sys_mount_setattr(slot_fd(in, op->arg[0]), op->arg[2] ? AT_RECURSIVE : 0, &attr);
}

static bool is_idmap(const struct interpreter *in, const struct plan_op *op)
{
    return op < plan_ops(in->plan) + in->plan->n_ops && op->phase == PHASE_SOURCES &&
           op->kind == OP_IDMAP;
}

/* The slot that was filled last, once no mapping follows; the runtime waits for them in the plan's order. */
static int send_filled(struct interpreter *in, const struct plan_op *op, int64_t *filled)
{
    int64_t slot = plan_op_fills(op);

    if (slot >= 0)
        *filled = slot;
    if (*filled < 0 || is_idmap(in, op + 1))
        return 0;
    if (sync_send_fd(in, SYNC_SLOT, (uint32_t)*filled, slot_fd(in, (uint64_t)*filled)) < 0)
        return -1;
    close(slot_fd(in, (uint64_t)*filled));
    slot_fill(in, (uint64_t)*filled, -1);
    *filled = -1;
    return 0;
}

static operation *operation_of(unsigned kind)
{
    switch (kind) {
    case OP_JOIN:
        return op_join;
    case OP_PLACE:
        return op_place;
    case OP_SOURCE:
        return op_source;
    case OP_IDMAP:
        return op_idmap;
    default:
        return NULL;
    }
}

int help(struct interpreter *in)
{
    int64_t filled = -1;

    plan_for_each (op, in->plan) {
        operation *execute = operation_of(op->kind);

        if (op->phase != PHASE_SOURCES)
            continue;
        in->op = op;
        in->step = STEP_NONE;
        time_begin(in, op);
        if ((execute ? execute(in, op) : refuse(ENOSYS)) < 0 || send_filled(in, op, &filled) < 0) {
            time_end(in, op);
            sync_fail(in, errno);
            return -1;
        }
        time_end(in, op);
    }
    return 0;
}
