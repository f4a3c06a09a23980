/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: a pair from the container's own devpts, so that its name is right inside. Everything that
 * was found by a path is looked at before it is used: the image and its neighbours could have put
 * something else there (CVE-2025-52565).
 */
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"
#include "core/init/path.h"

#ifndef TIOCGPTPEER /* Linux 4.13 */
#define TIOCGPTPEER 0x5441
#endif
#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

#define UNIX98_SLAVE_MAJOR 136 /* to 143 */

static bool on_devpts(int fd)
{
    struct statfs fs;

    return !fstatfs(fd, &fs) && fs.f_type == DEVPTS_SUPER_MAGIC;
}

static int open_master(struct interpreter *in, int root)
{
    auto_close int fd = -1;
    struct stat st;
    int unlocked = 0;

    in->step = STEP_PTY;
    fd = path_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 1);
    if (fd < 0)
        return -1;
    in->step = STEP_VERIFY;
    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || !on_devpts(fd))
        return refuse(EINVAL);
    in->step = STEP_PTY;
    return ioctl(fd, TIOCSPTLCK, &unlocked) < 0 ? -1 : steal_fd(fd);
}

static int open_slave(struct interpreter *in, int master, const struct plan_op *op)
{
    auto_close int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    const struct winsize size = {.ws_row = (unsigned short)op->arg[1],
                                 .ws_col = (unsigned short)op->arg[2]};
    struct stat st;

    if (fd < 0)
        return -1;
    in->step = STEP_VERIFY;
    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISCHR(st.st_mode) || major(st.st_rdev) < UNIX98_SLAVE_MAJOR ||
        major(st.st_rdev) > UNIX98_SLAVE_MAJOR + 7 || !on_devpts(fd))
        return refuse(EINVAL);
    in->step = STEP_PTY;
    if ((size.ws_row || size.ws_col) && ioctl(fd, TIOCSWINSZ, &size) < 0)
        return -1;
    in->step = STEP_CHOWN;
    if (!id_ok(op->arg[3]))
        return refuse(EINVAL);
    if (st.st_uid != (uid_t)op->arg[3] && fchown(fd, (uid_t)op->arg[3], (gid_t)-1) < 0)
        return -1;
    return steal_fd(fd);
}

static int bind_console(struct interpreter *in, int root, int slave)
{
    auto_close int tree = -1, onto = -1;

    in->step = STEP_OPEN_TREE;
    if ((tree = sys_open_tree(slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH)) < 0)
        return -1;
    in->step = STEP_CREATE_TARGET;
    if ((onto = path_target(root, "/dev/console", 0, 1)) < 0)
        return -1;
    in->step = STEP_MOVE_MOUNT;
    return sys_move_mount(tree, onto, "", MOVE_MOUNT_T_EMPTY_PATH);
}

int op_console(struct interpreter *in, const struct plan_op *op)
{
    int root = slot_fd(in, op->arg[0]);
    auto_close int master = open_master(in, root);
    auto_close int slave = master < 0 ? -1 : open_slave(in, master, op);

    if (slave < 0 || ((op->arg[4] & HOW_BIND_CONSOLE) && bind_console(in, root, slave) < 0) ||
        sync_send_fd(in, SYNC_CONSOLE, 0, master) < 0)
        return -1;
    in->step = STEP_CTTY;
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            return -1;
    return 0;
}
