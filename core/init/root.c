/* SPDX-License-Identifier: Apache-2.0 */
/* The container's root: bound on itself, and in the end the only root there is. */
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"
#include "core/init/mounts.h"

int op_tree(struct interpreter *in, const struct plan_op *op)
{
    (void)in;
    return mount(NULL, "/", NULL, op->arg[0], NULL);
}

/* The mount in which `at` lies leaves its peer group, which the host is in: what is mounted there would be
 * mounted there on the host. Its root is found upwards: no other place of it takes attributes. */
static int leave_peers(int at)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    auto_close int fd = openat(at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat here, above;

    while (fd >= 0 && sys_mount_setattr(fd, 0, &attr) < 0) {
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool known = errno == EINVAL && up >= 0 && !fstat(fd, &here) && !fstat(up, &above);

        close(fd);
        fd = up;
        if (!known)
            return -1;
        if (here.st_dev == above.st_dev && here.st_ino == above.st_ino)
            return refuse(EINVAL);
    }
    return fd < 0 ? -1 : 0;
}

int op_root(struct interpreter *in, const struct plan_op *op)
{
    const char *path = plan_string(in->plan, op->arg[0]);
    auto_close int at = -1, fd = -1;

    in->step = STEP_OPEN;
    if ((at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -1;
    in->step = STEP_MOUNT_SETATTR;
    if (op->arg[2] && leave_peers(at) < 0)
        return -1;
    in->step = STEP_OPEN_TREE;
    if ((fd = sys_open_tree(at, "", OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH)) < 0)
        return -1;
    if (set_propagation(in, fd, op->arg[2]) < 0)
        return -1;
    in->step = STEP_MOVE_MOUNT;
    if (sys_move_mount(fd, at, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -1;
    slot_fill(in, op->arg[1], steal_fd(fd));
    return 0;
}

int op_attach_root(struct interpreter *in, const struct plan_op *op)
{
    int tree = slot_fd(in, op->arg[0]);

    in->step = STEP_MOVE_MOUNT;
    if (sys_move_mount(tree, slot_fd(in, op->arg[1]), "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -1;
    slot_fill(in, op->arg[0], -1);
    slot_fill(in, op->arg[2], tree);
    return 0;
}

/* pivot_root(".", "."): the old root comes to lie on the new one, and is taken off. It is made a slave
 * first, so that taking it off does not reach the host. */
int op_pivot(struct interpreter *in, const struct plan_op *op)
{
    /* mount(2) does not look at what lies on ".": only this descriptor means the old root. */
    auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    in->step = STEP_CHDIR;
    if (fchdir(slot_fd(in, op->arg[0])) < 0)
        return -1;
    in->step = STEP_PIVOT_ROOT;
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return -1;
    in->step = STEP_UNMOUNT;
    if (fchdir(old) < 0 || mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
        umount2(".", MNT_DETACH) < 0)
        return -1;
    in->step = STEP_CHDIR;
    return chdir("/");
}

int op_move_root(struct interpreter *in, const struct plan_op *op)
{
    in->step = STEP_CHDIR;
    if (fchdir(slot_fd(in, op->arg[0])) < 0)
        return -1;
    in->step = STEP_MOUNT;
    if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
        return -1;
    in->step = STEP_CHROOT;
    if (chroot(".") < 0)
        return -1;
    in->step = STEP_CHDIR;
    return chdir("/");
}

int op_root_attr(struct interpreter *in, const struct plan_op *op)
{
    struct mount_attr attr = {.attr_set = op->arg[1],
                              .propagation = op->arg[2] & ~(uint64_t)MS_REC};

    in->step = STEP_MOUNT_SETATTR;
    return sys_mount_setattr(slot_fd(in, op->arg[0]), op->arg[2] & MS_REC ? AT_RECURSIVE : 0,
                             &attr);
}
