/* SPDX-License-Identifier: Apache-2.0 */
/* The option `remount`: another look at a mount that is there. Its file system, which others may use as
 * well, stays as it is. */
#include "core/init/kernel.h"
#include "core/init/mounts.h"
#include "core/init/path.h"

int op_remount(struct interpreter *in, const struct plan_op *op)
{
    struct mount_attr top = {.attr_set = op->arg[2], .attr_clr = op->arg[3]};
    struct mount_attr all = {.attr_set = op->arg[4], .attr_clr = op->arg[5]};
    auto_close int fd = -1;

    in->step = STEP_TARGET;
    /* Over no link: the image would choose which mount becomes writable. */
    fd = path_open(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]), O_PATH, 1);
    if (fd < 0)
        return -1;
    in->step = STEP_MOUNT_SETATTR;
    if ((all.attr_set || all.attr_clr) && sys_mount_setattr(fd, AT_RECURSIVE, &all) < 0)
        return -1;
    if ((top.attr_set || top.attr_clr) && sys_mount_setattr(fd, 0, &top) < 0)
        return -1;
    return set_propagation(in, fd, op->arg[6]);
}
