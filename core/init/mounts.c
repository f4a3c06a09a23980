/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's mounts: made detached, finished, and only then attached, by descriptor. */
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/sysmacros.h>

#include "core/init/copy-up.h"
#include "core/init/interpreter.h"
#include "core/init/kernel.h"
#include "core/init/mounts.h"
#include "core/init/path.h"

int set_propagation(struct interpreter *in, int fd, uint64_t propagation)
{
    struct mount_attr attr = {.propagation = propagation & ~(uint64_t)MS_REC};

    if (!propagation)
        return 0;
    in->step = STEP_MOUNT_SETATTR;
    return sys_mount_setattr(fd, propagation & MS_REC ? AT_RECURSIVE : 0, &attr);
}

static int attach(struct interpreter *in, int fd, int target)
{
    in->step = STEP_MOVE_MOUNT;
    return sys_move_mount(fd, target, "", MOVE_MOUNT_T_EMPTY_PATH);
}

/* A link of the image may lead into /proc, where a mount could hide what is masked or written later. */
static int check_target(struct interpreter *in, int target, uint64_t how)
{
    struct statfs fs;

    if (how & (HOW_ON_PROC | HOW_NO_SYMLINKS))
        return 0;
    in->step = STEP_VERIFY;
    if (fstatfs(target, &fs) < 0)
        return -1;
    return fs.f_type == PROC_SUPER_MAGIC ? refuse(EPERM) : 0;
}

/* A label with commas stands in quotes in the text that mount(2) takes; the options of SELinux end so. */
static bool unquote(const char *name, char *value)
{
    size_t n = strlen(value), length = strlen(name), end = strlen("context");

    if (length < end || strcmp(name + length - end, "context"))
        return false;
    if (n < 2 || value[0] != '"' || value[n - 1] != '"')
        return false;
    value[n - 1] = '\0';
    return true;
}

/* The option is as it was when this returns: a plan may be read again. */
static int set_option(int fs, char *option)
{
    char *value = strchr(option, '=');
    bool quoted;
    int r;

    if (!value)
        return sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL);
    *value++ = '\0';
    quoted = unquote(option, value);
    r = sys_fsconfig(fs, FSCONFIG_SET_STRING, option, value + quoted);
    if (quoted)
        value[strlen(value)] = '"';
    value[-1] = '=';
    return r;
}

static int open_file_system(struct interpreter *in, const char *type, const char *source,
                            char **options, unsigned attr)
{
    auto_close int fs = -1;

    in->step = STEP_FSOPEN;
    if ((fs = sys_fsopen(type)) < 0)
        return -1;
    in->step = STEP_FSCONFIG;
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source) < 0)
        return -1;
    for (; *options; options++)
        if (set_option(fs, *options) < 0)
            return -1;
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return -1;
    in->step = STEP_FSMOUNT;
    return sys_fsmount(fs, attr);
}

/* --- the operations ---------------------------------------------------------------------------------- */

/* The directory to mount on, and one more option where that directory gives its mode. */
static int mount_target(struct interpreter *in, const struct plan_op *op, char *mode,
                        char ***options)
{
    bool strict = op->arg[7] & HOW_NO_SYMLINKS;
    const char *target = plan_string(in->plan, op->arg[1]);
    int root = slot_fd(in, op->arg[0]);
    auto_close int onto = path_open(root, target, O_PATH | O_DIRECTORY, strict);
    bool found = onto >= 0;
    struct stat st;

    in->step = STEP_TARGET;
    if (!found && (onto = path_target(root, target, 1, strict)) < 0)
        return -1;
    if (found && op->arg[7] & HOW_TARGET_MODE) {
        size_t n = 0;
        char **more;

        while ((*options)[n])
            n++;
        if (fstat(onto, &st) < 0 || !(more = realloc(*options, (n + 2) * sizeof *more)))
            return -1;
        for (unsigned i = 0; i < 4; i++)
            mode[strlen("mode=") + i] = (char)('0' + (st.st_mode >> (9 - 3 * i) & 7));
        more[n] = mode;
        more[n + 1] = NULL;
        *options = more;
    }
    return check_target(in, onto, op->arg[7]) < 0 ? -1 : steal_fd(onto);
}

/* The mode too is that of what lay there, unless an option names one. */
static int fill_and_protect(struct interpreter *in, const struct plan_op *op, int from, int made)
{
    struct mount_attr attr = {.attr_set = op->arg[5] & MOUNT_ATTR_RDONLY};
    auto_close int top = openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    in->step = STEP_COPY_UP;
    if (top < 0 || fstat(top, &st) < 0 || copy_up(from, made) < 0)
        return -1;
    if (!(op->arg[7] & HOW_TARGET_MODE) && fchmod(top, st.st_mode & 07777) < 0)
        return -1;
    return attr.attr_set ? sys_mount_setattr(made, 0, &attr) : 0;
}

int op_mount(struct interpreter *in, const struct plan_op *op)
{
    const char *target = plan_string(in->plan, op->arg[1]),
               *type = plan_string(in->plan, op->arg[2]),
               *source = plan_string(in->plan, op->arg[3]);
    auto_free char **options = vector(in, op->arg[4], false);
    bool copies = op->arg[7] & HOW_COPY_UP;
    auto_close int onto = -1, made = -1;
    uint64_t attributes = op->arg[5];
    char mode[] = "mode=0000";

    if (!options || !target || !type || !source)
        return refuse(EINVAL);
    if ((onto = mount_target(in, op, mode, &options)) < 0)
        return -1;
    if (needs_old_mount(options, source) && !copies)
        return old_mount(in, op, onto, options);
    made = open_file_system(
        in, type, source, options,
        (unsigned)(copies ? attributes & ~(uint64_t)MOUNT_ATTR_RDONLY : attributes));
    if (made < 0)
        return -1;
    if (copies && fill_and_protect(in, op, onto, made) < 0)
        return -1;
    if (set_propagation(in, made, op->arg[6]) < 0)
        return -1;
    return attach(in, made, onto);
}

int set_attributes(struct interpreter *in, int fd, const uint64_t attr[4])
{
    struct mount_attr top = {.attr_set = attr[0], .attr_clr = attr[1]};
    struct mount_attr all = {.attr_set = attr[2], .attr_clr = attr[3]};

    in->step = STEP_MOUNT_SETATTR;
    if ((all.attr_set || all.attr_clr) && sys_mount_setattr(fd, AT_RECURSIVE, &all) < 0)
        return -1;
    if ((top.attr_set || top.attr_clr) && sys_mount_setattr(fd, 0, &top) < 0)
        return -1;
    return 0;
}

/* The rest of a bind: `attr` are the attributes of the tree's top, its set and clear, and those of all of it,
 * then its propagation and how. */
static int bind(struct interpreter *in, const struct plan_op *op, int tree, const uint64_t attr[6])
{
    auto_close int onto = -1;
    struct stat st;

    in->step = STEP_SOURCE;
    if (fstat(tree, &st) < 0)
        return -1;
    in->step = STEP_VERIFY;
    if (attr[5] & HOW_OF_PROC && !path_is_procfs(tree))
        return refuse(EINVAL);
    in->step = STEP_TARGET;
    onto = path_target(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]),
                       S_ISDIR(st.st_mode), attr[5] & HOW_NO_SYMLINKS);
    if (onto < 0 || check_target(in, onto, attr[5]) < 0)
        return -1;
    if (set_attributes(in, tree, attr) < 0)
        return -1;
    if (attr[5] & HOW_SLAVE && set_propagation(in, tree, MS_SLAVE | MS_REC) < 0)
        return -1;
    if (set_propagation(in, tree, attr[4]) < 0)
        return -1;
    return attach(in, tree, onto);
}

int op_bind(struct interpreter *in, const struct plan_op *op)
{
    const char *source = text(in, op->arg[2]);
    auto_close int tree = -1;

    if (!op->arg[1] || !source)
        return refuse(EINVAL);
    in->step = STEP_SOURCE;
    tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | (op->arg[3] ? AT_RECURSIVE : 0));
    return tree < 0 ? -1 : bind(in, op, tree, op->arg + 4);
}

int op_bind_tree(struct interpreter *in, const struct plan_op *op)
{
    auto_close int tree = slot_fd(in, op->arg[2]);

    slot_fill(in, op->arg[2], -1);
    if (!op->arg[1] || tree < 0)
        return refuse(EINVAL);
    return bind(in, op, tree, op->arg + 3);
}

/* In place where a mount begins there, else by a bind of the place on itself. */
int op_readonly(struct interpreter *in, const struct plan_op *op)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    auto_close int at = -1, tree = -1;

    in->step = STEP_TARGET;
    at = path_open(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]), O_PATH, 0);
    if (at < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    in->step = STEP_MOUNT_SETATTR;
    if (!sys_mount_setattr(at, 0, &attr))
        return 0;
    if (errno != EINVAL)
        return -1;
    in->step = STEP_OPEN_TREE;
    if ((tree = sys_open_tree(at, "", OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH)) < 0)
        return -1;
    in->step = STEP_MOUNT_SETATTR;
    if (sys_mount_setattr(tree, 0, &attr) < 0)
        return -1;
    return attach(in, tree, at);
}

/* The container's own /dev/null, if it is that: an image may have put something else there
 * (CVE-2025-31133). */
static int null_tree(struct interpreter *in, int root)
{
    auto_close int fd = path_open(root, "/dev/null", O_PATH | O_NOFOLLOW, 1);
    struct stat st;

    in->step = STEP_VERIFY;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return refuse(EINVAL);
    in->step = STEP_OPEN_TREE;
    return sys_open_tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
}

/* One super block for all masked directories: there may be one for every processor. The first is the
 * tmpfs itself, since only what is attached can be cloned before Linux 6.15. */
static int mask_directory(struct interpreter *in, int at, const char *option)
{
    char mode[] = "mode=555", *options[] = {mode, (char *)option, NULL};
    auto_close int tree = -1;

    if (in->blank < 0) {
        in->blank = open_file_system(in, "tmpfs", "tmpfs", options,
                                     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                         MOUNT_ATTR_NOEXEC);
        return in->blank < 0 ? -1 : attach(in, in->blank, at);
    }
    in->step = STEP_OPEN_TREE;
    tree = sys_open_tree(in->blank, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    return tree < 0 ? -1 : attach(in, tree, at);
}

int op_mask(struct interpreter *in, const struct plan_op *op)
{
    int root = slot_fd(in, op->arg[0]);
    auto_close int at = -1, tree = -1;
    struct stat st;

    in->step = STEP_TARGET;
    at = path_open(root, plan_string(in->plan, op->arg[1]), O_PATH, 0);
    if (at < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    if (fstat(at, &st) < 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        return mask_directory(in, at, plan_string(in->plan, op->arg[2]));
    tree = null_tree(in, root);
    return tree < 0 ? -1 : attach(in, tree, at);
}

/* Where the kernel lets nobody make device nodes, the host's lies in place of one: found under the same name,
 * or by its number, and looked at. */
static int host_node(const struct plan_op *op, const char *path)
{
    char number[] = "/dev/block/4294967295:4294967295";
    dev_t device = makedev((unsigned)op->arg[3], (unsigned)op->arg[4]);
    const char *names[] = {path, number};
    struct stat st;

    path_of_device(number, S_ISBLK((mode_t)op->arg[2]), (unsigned)op->arg[3], (unsigned)op->arg[4]);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        auto_close int fd = open(names[i], O_PATH | O_CLOEXEC);

        if (fd >= 0 && !fstat(fd, &st) && (st.st_mode & S_IFMT) == op->arg[2] &&
            st.st_rdev == device)
            return sys_open_tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    }
    return refuse(ENODEV);
}

int op_bind_node(struct interpreter *in, const struct plan_op *op)
{
    const char *path = plan_string(in->plan, op->arg[1]);
    auto_close int tree = -1, onto = -1;

    in->step = STEP_SOURCE;
    if (!path)
        return refuse(EINVAL);
    if ((tree = host_node(op, path)) < 0)
        return -1;
    in->step = STEP_TARGET;
    onto = path_target(slot_fd(in, op->arg[0]), path, 0, 0);
    if (onto < 0 || check_target(in, onto, 0) < 0)
        return -1;
    return attach(in, tree, onto);
}
