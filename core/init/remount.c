/* SPDX-License-Identifier: Apache-2.0 */
/* The option `remount`: another look at a mount that is there. Its file system, which others may use as
 * well, stays as it is. */
#include "core/init/kernel.h"
#include "core/init/mounts.h"
#include "core/init/path.h"

int op_remount(struct interpreter *in, const struct plan_op *op)
{
    auto_close int fd = -1;

    in->step = STEP_TARGET;
    /* Over no link: the image would choose which mount becomes writable. */
    fd = path_open(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]), O_PATH, 1);
    if (fd < 0)
        return -1;
    return set_attributes(in, fd, op->arg + 2) < 0 ? -1 : set_propagation(in, fd, op->arg[6]);
}
