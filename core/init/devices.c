/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, links and directories of the container. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/init/interpreter.h"
#include "core/init/path.h"

int op_mkdir(struct interpreter *in, const struct plan_op *op)
{
    int fd;

    in->step = STEP_MKDIR;
    fd = path_make_directory(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]),
                             (mode_t)op->arg[2], 0);
    cleanup_close(&fd);
    return fd < 0 ? -1 : 0;
}

void forget_parent(struct interpreter *in)
{
    if (in->parent.path)
        close(in->parent.fd);
    in->parent.path = NULL;
}

/* Most of what is made lies side by side: its directory is looked up once. */
static int parent_of(struct interpreter *in, const struct plan_op *op, const char **last)
{
    const char *path = plan_string(in->plan, op->arg[1]);
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t length = slash ? (size_t)(slash - path) : 0;
    int fd;

    if (length && in->parent.path && in->parent.root == op->arg[0] && in->parent.length == length &&
        !memcmp(in->parent.path, path, length) && slash[1] && strcmp(slash, "/.") &&
        strcmp(slash, "/..")) {
        *last = slash + 1;
        return in->parent.fd;
    }
    forget_parent(in);
    in->step = STEP_TARGET;
    if ((fd = path_parent(slot_fd(in, op->arg[0]), path, 0, last)) < 0)
        return -1;
    in->parent.path = path;
    in->parent.length = length;
    in->parent.root = op->arg[0];
    return in->parent.fd = fd;
}

static bool is_link_to(int parent, const char *name, const char *target)
{
    char found[256];
    ssize_t n = readlinkat(parent, name, found, sizeof found);

    return n == (ssize_t)strlen(target) && !memcmp(found, target, (size_t)n);
}

int op_symlink(struct interpreter *in, const struct plan_op *op)
{
    const char *last, *target = plan_string(in->plan, op->arg[2]);
    int parent = parent_of(in, op, &last);

    if (parent < 0)
        return -1;
    if (!target)
        return refuse(EINVAL);
    in->step = STEP_SYMLINK;
    if (!symlinkat(target, parent, last))
        return 0;
    if (errno != EEXIST)
        return -1;
    if (!(op->arg[3] & HOW_REPLACE) || is_link_to(parent, last, target))
        return 0;
    return unlinkat(parent, last, 0) < 0 ? -1 : symlinkat(target, parent, last);
}

/* An O_PATH descriptor takes no fchmod(2), and fchmodat(2) would follow a link that has meanwhile come
 * to its place: out of the container, since the root is not yet its root. */
static int change_mode(int fd, mode_t mode)
{
    auto_close int proc = path_procfs();
    char name[PATH_OF_DESCRIPTOR];

    path_of_descriptor(name, fd);
    return proc < 0 ? -1 : fchmodat(proc, name + strlen("/proc/"), mode, 0);
}

/* Mode and owner by descriptor: what the name means may change in between. */
static int finish_node(struct interpreter *in, const struct plan_op *op, int parent,
                       const char *last)
{
    mode_t mode = (mode_t)op->arg[2];
    dev_t device = makedev((unsigned)op->arg[3], (unsigned)op->arg[4]);
    auto_close int fd = openat(parent, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    in->step = STEP_VERIFY;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || (!S_ISFIFO(mode) && st.st_rdev != device))
        return refuse(EEXIST);
    in->step = STEP_CHOWN;
    if (st.st_uid != (uid_t)op->arg[5] || st.st_gid != (gid_t)op->arg[6]) {
        if (fchownat(fd, "", (uid_t)op->arg[5], (gid_t)op->arg[6], AT_EMPTY_PATH) < 0)
            return -1;
        st.st_mode &= ~(mode_t)(S_ISUID | S_ISGID); /* the kernel takes them away */
    }
    in->step = STEP_CHMOD;
    return (st.st_mode & 07777) == (mode & 07777) ? 0 : change_mode(fd, mode & 07777);
}

int op_mknod(struct interpreter *in, const struct plan_op *op)
{
    const char *last;
    int parent = parent_of(in, op, &last), r;
    mode_t mask;

    if (parent < 0)
        return -1;
    if (!id_ok(op->arg[5]) || !id_ok(op->arg[6]))
        return refuse(EINVAL);
    in->step = STEP_MKNOD;
    mask = umask(0);
    r = mknodat(parent, last, (mode_t)op->arg[2],
                makedev((unsigned)op->arg[3], (unsigned)op->arg[4]));
    umask(mask);
    if (r < 0 && errno != EEXIST)
        return -1;
    if (!r && !op->arg[5] && !op->arg[6])
        return 0; /* just made, with its mode, by root */
    return finish_node(in, op, parent, last);
}
