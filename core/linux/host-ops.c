/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/host-ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "core/hooks.h"
#include "core/linux/control.h"
#include "core/linux/id-maps.h"
#include "core/linux/namespaces.h"
#include "core/linux/scheduling.h"

#define PROC_ROOT_INO 1 /* fixed, since Linux 2.6 */

static void fill(struct container *c, uint64_t slot, int fd)
{
    plan_slots(c->plan)[slot].fd = fd;
}

/* Detached, so that nobody can mount over it. A nested host whose /proc has masked paths may not make
 * one: there the visible /proc serves, if it is the root of a procfs. */
static int open_proc(struct container *c, const struct plan_op *op, struct error *err)
{
    auto_close int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    auto_close int fd = -1;
    struct statfs type;
    struct stat st;

    if (fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (fd < 0)
        fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(err, errno, NULL, "open a procfs");
    if (fstatfs(fd, &type) < 0 || type.f_type != PROC_SUPER_MAGIC || fstat(fd, &st) < 0 ||
        st.st_ino != PROC_ROOT_INO)
        return fail(err, 0, NULL, "/proc is not the root of a procfs");
    fill(c, op->arg[0], steal_fd(fd));
    return 0;
}

static int make_fifo(struct container *c, const struct plan_op *op, struct error *err)
{
    const char *name = plan_string(c->plan, op->arg[0]);
    int fd;

    if (mkfifoat(c->dirfd, name, 0600) < 0)
        return fail(err, errno, NULL, "make FIFO %s", name);
    /* Both directions: opening never blocks, and the reader never sees a hang-up. */
    fd = openat(c->dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(err, errno, NULL, "open FIFO %s", name);
    fill(c, op->arg[1], fd);
    return 0;
}

static int make_control(struct container *c, const struct plan_op *op, struct error *err)
{
    int fd = control_listen(c->dirfd);

    fill(c, op->arg[1], fd);
    return fd < 0 ? fail(err, errno, "vm", "make the control socket") : 0;
}

static int make_log(struct container *c, const struct plan_op *op, struct error *err)
{
    const char *name = plan_string(c->plan, op->arg[0]);
    int fd = openat(c->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

    fill(c, op->arg[1], fd);
    return fd < 0 ? fail(err, errno, "vm", "make %s", name) : 0;
}

/* What the plan sets in a namespace would be the host's if that is hozo's own. */
static bool changes(const struct plan_header *plan, const struct plan_op *op, uint64_t type)
{
    const struct namespace_kind *kind;

    if (op->phase != PHASE_SYSTEM)
        return false;
    if (op->kind == OP_HOSTNAME || op->kind == OP_DOMAINNAME)
        return type == CLONE_NEWUTS;
    kind = op->kind == OP_WRITE ? sysctl_kind(plan_string(plan, op->arg[1])) : NULL;
    return op->kind == OP_WRITE && (!kind || kind->flag == type);
}

static const struct plan_op *changes_namespace(const struct plan_header *plan, uint64_t type)
{
    plan_for_each (op, plan)
        if (changes(plan, op, type))
            return op;
    return NULL;
}

/* 1: this is the namespace in which hozo is; 0: another. */
static int is_own(uint64_t type, int fd, struct error *err)
{
    struct stat theirs, own;
    char path[64] = "";

    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        if (k->flag == type)
            snprintf(path, sizeof path, "/proc/self/ns/%s", k->file);
    if (fstat(fd, &theirs) < 0 || stat(path, &own) < 0)
        return fail(err, errno, NULL, "stat %s", path);
    return theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino;
}

static int check_foreign(struct container *c, const struct plan_op *join, int fd, struct error *err)
{
    const struct plan_op *op = changes_namespace(c->plan, join->arg[0]);
    bool user = join->arg[0] == CLONE_NEWUSER;
    int own = op || user ? is_own(join->arg[0], fd, err) : 0;

    if (own <= 0)
        return own;
    if (user) /* which setns(2) refuses */
        return fail(err, 0, plan_string(c->plan, join->path),
                    "the user namespace that is joined is hozo's own");
    return fail(err, 0, plan_string(c->plan, op->path),
                "would change the host: the namespace that is joined is hozo's own");
}

static int open_namespace(struct container *c, const struct plan_op *op, struct error *err)
{
    auto_close int fd = open(plan_string(c->plan, op->arg[1]), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct statfs fs;
    int type;

    if (fd < 0)
        return plan_fail(c->plan, (uint32_t)(op - plan_ops(c->plan)), errno, STEP_OPEN, err);
    if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC || (type = ioctl(fd, NS_GET_NSTYPE)) < 0 ||
        (uint64_t)type != op->arg[0])
        return plan_fail(c->plan, (uint32_t)(op - plan_ops(c->plan)), EINVAL, STEP_VERIFY, err);
    if (check_foreign(c, op, fd, err) < 0)
        return -1;
    fill(c, op->arg[2], steal_fd(fd));
    return 0;
}

/* Fails in the operation's name, with the text that says more. */
static int told(struct container *c, const struct plan_op *op, struct error *err)
{
    return fail(err, err->errnum, plan_string(c->plan, op->path), "%s: %s",
                plan_string(c->plan, op->what), err->text);
}

static int own_namespace(struct container *c, const struct plan_op *op, struct error *err)
{
    char path[64] = "";
    int fd;

    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        if (k->flag == op->arg[0])
            snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)c->pid, k->file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return plan_fail(c->plan, (uint32_t)(op - plan_ops(c->plan)), errno, STEP_OPEN, err);
    fill(c, op->arg[1], fd);
    return 0;
}

static int user_namespace(struct container *c, const struct plan_op *op, struct error *err)
{
    int fd =
        id_map_namespace(plan_string(c->plan, op->arg[0]), plan_string(c->plan, op->arg[1]), err);

    fill(c, op->arg[2], fd);
    return fd < 0 ? told(c, op, err) : 0;
}

static int write_map(struct container *c, const struct plan_op *op, struct error *err)
{
    int r = id_map_write(c->pid, plan_string(c->plan, op->arg[0]), plan_string(c->plan, op->arg[1]),
                         plan_string(c->plan, op->arg[2]), err);

    return r < 0 ? told(c, op, err) : 0;
}

static int compare_map(struct container *c, const struct plan_op *op, struct error *err)
{
    int r = id_map_compare(c->pid, plan_string(c->plan, op->arg[0]),
                           plan_string(c->plan, op->arg[1]), err);

    return r < 0 ? told(c, op, err) : 0;
}

static int set_rlimit(struct container *c, const struct plan_op *op, struct error *err)
{
    const struct rlimit64 limit = {.rlim_cur = op->arg[2], .rlim_max = op->arg[3]};

    if (prlimit64(c->pid, (enum __rlimit_resource)op->arg[1], &limit, NULL) < 0)
        return plan_fail(c->plan, (uint32_t)(op - plan_ops(c->plan)), errno, STEP_NONE, err);
    return 0;
}

/* A list of the plan as a vector that borrows its strings. */
static const char **vector(const struct plan_header *plan, uint64_t arg)
{
    uint32_t n;
    const char *s = plan_list(plan, arg, &n), **v = calloc((size_t)n + 1, sizeof *v);

    for (uint32_t i = 0; v && i < n; i++) {
        v[i] = s;
        s += strlen(s) + 1;
    }
    return v;
}

/* Here the pid is the only late value that a hook's state can hold. */
static void expand_pid(struct text *out, const char *template, pid_t pid)
{
    for (; *template; template ++) {
        if (*template != LATE_MARK || *++template == LATE_MARK)
            text_append(out, template, 1);
        else
            text_add(out, "%d", (int)pid);
    }
}

static int run_hook(struct container *c, const struct plan_op *op, struct error *err)
{
    auto_free const char **args = vector(c->plan, op->arg[1]);
    auto_free const char **env = vector(c->plan, op->arg[2]);
    auto_text struct text state = {0};
    const struct hook hook = {.path = plan_string(c->plan, op->arg[0]),
                              .args = args,
                              .env = env,
                              .timeout = (unsigned)op->arg[3],
                              .interrupt = c->interrupt};

    expand_pid(&state, plan_string(c->plan, op->arg[4]), c->pid);
    if (!args || !env || state.failed)
        return fail_memory(err);
    return hook_run(&hook, state.at, err) < 0 ? told(c, op, err) : 0;
}

static int host_op(struct container *c, const struct plan_op *op, struct error *err)
{
    switch (op->kind) {
    case OP_WORK:
    case OP_RECORD: /* done by whoever called */
        return 0;
    case OP_PROCFS:
        return open_proc(c, op, err);
    case OP_FIFO:
        return make_fifo(c, op, err);
    case OP_CONTROL:
        return make_control(c, op, err);
    case OP_LOG:
        return make_log(c, op, err);
    case OP_OPEN_NS:
        return open_namespace(c, op, err);
    case OP_USER_NS:
        return user_namespace(c, op, err);
    case OP_OWN_NS:
        return own_namespace(c, op, err);
    case OP_MAP:
        return write_map(c, op, err);
    case OP_SAME_MAP:
        return compare_map(c, op, err);
    case OP_RLIMIT:
        return set_rlimit(c, op, err);
    case OP_AFFINITY:
    case OP_SCHEDULER:
    case OP_IO_PRIORITY:
        return scheduling_op(c, op, err);
    case OP_HOOK:
        return run_hook(c, op, err);
    default:
        return fail(err, 0, plan_string(c->plan, op->path), "%s: is no operation of the runtime",
                    plan_op_info[op->kind].name);
    }
}

static int traced(struct container *c, const struct plan_op *op, struct error *err)
{
    auto_span struct trace *span UNUSED = span_operation(c->plugins.trace, c->plan, op);

    return host_op(c, op, err);
}

int host_ops(struct container *c, enum plan_phase phase, struct error *err)
{
    auto_span struct trace *span UNUSED = span_phase(c->plugins.trace, phase);

    plan_for_each (op, c->plan)
        if (op->phase == phase && traced(c, op, err) < 0)
            return -1;
    return 0;
}

void host_ops_close(struct container *c)
{
    struct plan_slot *slots = c->plan ? plan_slots(c->plan) : NULL;

    for (uint32_t i = 0; slots && i < c->plan->n_slots; i++) {
        cleanup_close(&slots[i].fd);
        slots[i].fd = -1;
    }
}
