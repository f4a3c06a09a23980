/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of security modules, and the seccomp filter. */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"
#include "core/init/path.h"

/* --- labels ----------------------------------------------------------------------------------- */

static int new_procfs(struct interpreter *in)
{
    auto_close int fs = -1;

    in->step = STEP_FSOPEN;
    if ((fs = sys_fsopen("proc")) < 0)
        return -1;
    in->step = STEP_FSCONFIG;
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid") < 0 ||
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return -1;
    in->step = STEP_FSMOUNT;
    return sys_fsmount(fs, 0);
}

/* In a user namespace the kernel may refuse a procfs where others have parts of theirs hidden: then the one that is
 * mounted serves, which every write looks at. */
int op_own_procfs(struct interpreter *in, const struct plan_op *op)
{
    int fd = new_procfs(in);

    if (fd < 0 && errno == EPERM) {
        in->step = STEP_VERIFY;
        fd = path_procfs();
    }
    if (fd < 0)
        return -1;
    slot_fill(in, op->arg[0], fd);
    return 0;
}

int op_label(struct interpreter *in, const struct plan_op *op)
{
    const char *file = plan_string(in->plan, op->arg[1]);
    struct label *l = &in->labels[in->n_labels];
    char path[64] = "self/";
    size_t n = file ? strlen(file) : 0;

    in->step = STEP_OPEN;
    if (!n || !op->arg[2] || n >= sizeof path - strlen(path) ||
        in->n_labels == ARRAY_SIZE(in->labels))
        return refuse(EINVAL);
    memcpy(path + strlen(path), file, n + 1);
    l->op = op;
    if ((l->fd = file_open(in, slot_fd(in, op->arg[0]), path, PROC_SUPER_MAGIC)) < 0)
        return -1;
    in->n_labels++;
    return 0;
}

/* The kernel reads a label in one piece. One that it does not take is a failure of the label, not of the program. */
int labels_write(struct interpreter *in)
{
    const struct plan_op *exec = in->op;

    in->step = STEP_LABEL;
    for (unsigned i = 0; i < in->n_labels; i++) {
        const char *text = plan_string(in->plan, in->labels[i].op->arg[2]);
        size_t length = strlen(text);
        ssize_t n;

        in->op = in->labels[i].op;
        if ((n = write(in->labels[i].fd, text, length)) != (ssize_t)length)
            return n < 0 ? -1 : refuse(EIO);
    }
    in->op = exec;
    return 0;
}

/* Who exchanges what the path leads through must not have something else labelled. */
int op_label_root(struct interpreter *in, const struct plan_op *op)
{
    const char *attribute = plan_string(in->plan, op->arg[3]),
               *label = plan_string(in->plan, op->arg[4]);
    auto_close int fd = -1;
    struct statfs fs;

    in->step = STEP_TARGET;
    if (!attribute || !label)
        return refuse(EINVAL);
    fd = path_open(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]),
                   O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    in->step = STEP_VERIFY;
    if (fstatfs(fd, &fs) < 0)
        return -1;
    if ((uint64_t)fs.f_type != op->arg[2])
        return refuse(EXDEV);
    in->step = STEP_LABEL;
    return fsetxattr(fd, attribute, label, strlen(label) + 1, 0);
}

/* --- seccomp ---------------------------------------------------------------------------------- */

/*
 * The runtime takes the listener out of this process, and hands it to its agent before anything that the agent may
 * be asked about happens: of the calls here only write(2) must not be one of those.
 */
static int hand_over(struct interpreter *in, int listener)
{
    int r = sync_send(in, SYNC_LISTENER, (uint32_t)listener);

    if (!r)
        r = sync_read_go(in);
    close(listener);
    return r;
}

static const struct sock_filter *filter_of(const struct interpreter *in, const struct plan_op *op,
                                           uint32_t *size)
{
    return op->arg[2] ? plan_late_bytes(in->plan, op->arg[2], size)
                      : plan_bytes(in->plan, op->arg[1], size);
}

#define FILTER_TSYNC_ESRCH        (1UL << 4) /* Linux 5.7 */
#define FILTER_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */

/* The change of user has left those that are permitted, and none in force: the kernel wants CAP_SYS_ADMIN. */
static int raise_permitted(struct interpreter *in)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    in->step = STEP_CAPSET;
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return (int)syscall(SYS_capset, &header, data);
}

/* All that a filter could forbid, and that can be done before, is done before. */
static int prepare(struct interpreter *in)
{
    in->pid = getpid();
    if (hooks_prepare(in) < 0 || program_prepare(in) < 0)
        return -1;
    in->step = STEP_PRCTL;
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
        return -1;
    in->filtered = true;
    return 0;
}

/* Whether capabilities are still to be changed. */
static bool is_early(const struct interpreter *in, const struct plan_op *seccomp)
{
    plan_for_each (op, in->plan)
        if (op > seccomp && op->kind == OP_CAPABILITIES)
            return true;
    return false;
}

int op_seccomp(struct interpreter *in, const struct plan_op *op)
{
    uint64_t flags = op->arg[0] & ~SECCOMP_KILLABLE;
    bool listens = op->arg[3];
    struct sock_fprog program;
    uint32_t size;
    long r;

    program.filter = (struct sock_filter *)filter_of(in, op, &size);
    program.len = (unsigned short)(size / sizeof *program.filter);
    in->step = STEP_NONE;
    if (!size || size % sizeof *program.filter || size / sizeof *program.filter > BPF_MAXINSNS)
        return refuse(EINVAL);
    if (prepare(in) < 0)
        return -1;
    if (listens)
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER |
                 (op->arg[0] & SECCOMP_KILLABLE ? FILTER_WAIT_KILLABLE_RECV : 0) |
                 (flags & SECCOMP_FILTER_FLAG_TSYNC ? FILTER_TSYNC_ESRCH : 0);
    if (is_early(in, op) && raise_permitted(in) < 0)
        return -1;
    in->step = STEP_FILTER;
    r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (r < 0)
        return -1;
    return listens ? hand_over(in, (int)r) : 0;
}
