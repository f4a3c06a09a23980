/* SPDX-License-Identifier: Apache-2.0 */
/* The process that a virtual machine has on the host: its root, and the program that it becomes. */
#include <fcntl.h>
#include <stdlib.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"

/* Nothing of the host is in it but what is mounted below. Its path is that of a directory which nobody needs
 * in there. */
int op_empty_root(struct interpreter *in, const struct plan_op *op)
{
    auto_close int fs = -1, root = -1;

    in->step = STEP_FSOPEN;
    if ((fs = sys_fsopen("tmpfs")) < 0)
        return -1;
    in->step = STEP_FSCONFIG;
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755") < 0 ||
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return -1;
    in->step = STEP_FSMOUNT;
    if ((root = sys_fsmount(fs, MOUNT_ATTR_NOSUID)) < 0)
        return -1;
    in->step = STEP_MOVE_MOUNT;
    if (sys_move_mount(root, AT_FDCWD, plan_string(in->plan, op->arg[0]), 0) < 0)
        return -1;
    slot_fill(in, op->arg[1], steal_fd(root));
    return 0;
}

#define FIRST 3 /* the socket to the runtime; the slots behind it, in the order of the arguments */
#define SLOTS 8
#define ABOVE 32 /* no descriptor is overwritten before it is copied */

/* The program gets its descriptors at fixed numbers. */
static int hand_over(struct interpreter *in, const struct plan_op *op, unsigned slots)
{
    int high[1 + SLOTS];

    for (unsigned i = 0; i <= slots; i++) {
        int fd = i ? slot_fd(in, op->arg[i]) : in->sync;

        if (fd < 0 || (high[i] = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE)) < 0)
            return fd < 0 ? refuse(EBADF) : -1;
    }
    for (unsigned i = 0; i <= slots; i++)
        if (dup2(high[i], FIRST + (int)i) < 0)
            return -1;
    return 0;
}

/* `program` is the slot that is argument 0, behind which the others follow; the last argument is a list. */
static int become(struct interpreter *in, const struct plan_op *op, unsigned slots)
{
    static char *const none[] = {NULL};
    char **args = vector(in, op->arg[1 + slots], false);
    int program = fcntl(slot_fd(in, op->arg[0]), F_DUPFD_CLOEXEC, ABOVE);

    in->step = STEP_MEMORY;
    if (!args)
        return -1;
    in->step = STEP_OPEN;
    if (program < 0 || hand_over(in, op, slots) < 0)
        return -1;
    in->sync = FIRST;
    in->step = STEP_EXECVE;
    syscall(SYS_execveat, program, "", args, none, AT_EMPTY_PATH);
    return -1;
}

int op_machine(struct interpreter *in, const struct plan_op *op)
{
    return become(in, op, 7);
}

int op_visit(struct interpreter *in, const struct plan_op *op)
{
    return become(in, op, 2);
}
