/* SPDX-License-Identifier: Apache-2.0 */
#include "core/init/interpreter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Those that are missing here are the runtime's. */
static operation *const operations[OP_COUNT] = {
    [OP_HOOK] = op_hook,
    [OP_OOM_SCORE] = op_oom_score,
    [OP_JOIN] = op_join,
    [OP_TRACEABLE] = op_traceable,
    [OP_UNSHARE] = op_unshare,
    [OP_CLONE] = op_clone,
    [OP_CLOSE] = op_close,
    [OP_SESSION] = op_session,
    [OP_KEYRING] = op_keyring,
    [OP_TREE] = op_tree,
    [OP_ROOT] = op_root,
    [OP_ATTACH_ROOT] = op_attach_root,
    [OP_PLACE] = op_place,
    [OP_SOURCE] = op_source,
    [OP_IDMAP] = op_idmap,
    [OP_MOUNT] = op_mount,
    [OP_BIND] = op_bind,
    [OP_BIND_TREE] = op_bind_tree,
    [OP_REMOUNT] = op_remount,
    [OP_MKDIR] = op_mkdir,
    [OP_SYMLINK] = op_symlink,
    [OP_MKNOD] = op_mknod,
    [OP_BIND_NODE] = op_bind_node,
    [OP_CONSOLE] = op_console,
    [OP_PIVOT] = op_pivot,
    [OP_MOVE_ROOT] = op_move_root,
    [OP_WRITE] = op_write,
    [OP_HOSTNAME] = op_hostname,
    [OP_DOMAINNAME] = op_domainname,
    [OP_MASK] = op_mask,
    [OP_READONLY] = op_readonly,
    [OP_ROOT_ATTR] = op_root_attr,
    [OP_UMASK] = op_umask,
    [OP_CHOWN_STDIO] = op_chown_stdio,
    [OP_PERSONALITY] = op_personality,
    [OP_HOME] = op_home,
    [OP_SYSCALL] = op_syscall,
    [OP_OWN_PROCFS] = op_own_procfs,
    [OP_LABEL] = op_label,
    [OP_LABEL_ROOT] = op_label_root,
    [OP_SECCOMP] = op_seccomp,
    [OP_NO_NEW_PRIVS] = op_no_new_privs,
    [OP_BOUNDING] = op_bounding,
    [OP_CHDIR] = op_chdir,
    [OP_IDS] = op_ids,
    [OP_CAPABILITIES] = op_capabilities,
    [OP_FIND_EXEC] = op_find_exec,
    [OP_REPORT] = op_report,
    [OP_WAIT_START] = op_wait_start,
    [OP_EXEC] = op_exec,
    [OP_EMPTY_ROOT] = op_empty_root,
    [OP_MACHINE] = op_machine,
    [OP_VISIT] = op_visit,
};

/* The helper sends one descriptor for each source, all at once; whoever has a thousand mounts need not have
 * a limit for them. */
static int raise_files(struct interpreter *in)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -1;
    in->files = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files);
}

static int lower_files(struct interpreter *in)
{
    struct rlimit files;

    if (!in->files || getrlimit(RLIMIT_NOFILE, &files) < 0)
        return in->files ? -1 : 0;
    files.rlim_cur = in->files;
    in->files = 0;
    return setrlimit(RLIMIT_NOFILE, &files);
}

/* A phase of the runtime within ours: it is asked once, at the phase's first operation. Those up to
 * `attach` are done before the inside process is let go. */
static int pass_phase(struct interpreter *in, const struct plan_op *op, unsigned *asked)
{
    if (op->phase <= PHASE_ATTACH || op->phase == *asked)
        return 0;
    *asked = op->phase;
    if (plan_phase_process[op->phase] == PROCESS_HELPER && raise_files(in) < 0)
        return -1;
    if (sync_send(in, SYNC_PHASE, op->phase) < 0)
        return -1;
    return sync_wait_go(in);
}

static int execute(struct interpreter *in, const struct plan_op *op)
{
    /* Whatever a plan may say: the host's mounts and names are not touched. */
    if (plan_phase_process[op->phase] == PROCESS_INSIDE && !in->inside)
        return refuse(EPERM);
    return operations[op->kind] ? operations[op->kind](in, op) : refuse(ENOSYS);
}

int interpret(struct interpreter *in)
{
    unsigned asked = PHASE_ATTACH, phase = 0;

    in->op = plan_ops(in->plan);
    plan_for_each (op, in->plan) {
        unsigned process = plan_phase_process[op->phase];
        int r = 0;

        in->op = op;
        in->step = STEP_NONE;
        time_begin(in, op);
        if (op->kind != OP_MKNOD && op->kind != OP_SYMLINK)
            forget_parent(in);
        if (op->phase > PHASE_MOUNTS)
            r = lower_files(in);
        /* From `limits` on the process is more and more its user's. */
        if (op->phase >= PHASE_LIMITS && phase < PHASE_LIMITS)
            slots_spend(in);
        phase = op->phase;
        if (r < 0)
            ;
        else if (process == PROCESS_RUNTIME || process == PROCESS_HELPER)
            r = pass_phase(in, op, &asked);
        else
            r = execute(in, op);
        /* That of `clone` came in the stage process. */
        if (op->kind != OP_CLONE || r < 0)
            time_end(in, op);
        if (r < 0) {
            sync_fail(in, errno);
            return -1;
        }
    }
    sync_fail(in, ENOEXEC); /* a plan ends with exec */
    return -1;
}

static bool makes_root(const struct interpreter *in)
{
    plan_for_each (op, in->plan)
        if (op->kind == OP_ROOT || op->kind == OP_ATTACH_ROOT || op->kind == OP_EMPTY_ROOT)
            return true;
    return false;
}

int slot_fd(struct interpreter *in, uint64_t slot)
{
    struct plan_slot *s = plan_slots(in->plan) + slot;

    if (s->fd < 0 && !strcmp(plan_string(in->plan, s->name), "root") && !makes_root(in))
        s->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return s->fd;
}

void slot_fill(struct interpreter *in, uint64_t slot, int fd)
{
    plan_slots(in->plan)[slot].fd = fd;
}

static bool read_later(const struct interpreter *in, uint32_t slot)
{
    plan_for_each (op, in->plan)
        for (unsigned i = 0; op >= in->op && i < PLAN_ARGS_MAX; i++)
            if (op->arg[i] == slot && plan_op_arg_type(op, i) == 'r')
                return true;
    return false;
}

void slots_spend(struct interpreter *in)
{
    struct plan_slot *slots = plan_slots(in->plan);

    for (uint32_t i = 0; i < in->plan->n_slots; i++)
        if (slots[i].fd >= 0 && !read_later(in, i)) {
            close(slots[i].fd);
            slots[i].fd = -1;
        }
}

static size_t put_number(char *to, unsigned long n)
{
    char digits[24];
    size_t count = 0, i;

    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    for (i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

static const char *late_value(const struct interpreter *in, unsigned late, char *number)
{
    if (late == LATE_PID) {
        number[put_number(number, (unsigned long)(in->pid ? in->pid : getpid()))] = '\0';
        return number;
    }
    if (late == LATE_HOME)
        return in->home ? in->home : "/";
    return plan_string(in->plan, plan_lates(in->plan)[late].value);
}

char *expand(const struct interpreter *in, const char *template)
{
    size_t length = 0;
    char *out = NULL;

    if (!template) {
        errno = EINVAL;
        return NULL;
    }
    /* Once to measure, once to write. */
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;

        for (const char *s = template; *s; s++) {
            char number[24];
            const char *value;
            size_t n;

            if (*s != LATE_MARK || s[1] == LATE_MARK) {
                if (out)
                    out[at] = *s;
                at++;
                s += *s == LATE_MARK;
                continue;
            }
            if (!(value = late_value(in, (unsigned)(*++s - 'A'), number))) {
                free(out);
                errno = EINVAL; /* nobody has filled it */
                return NULL;
            }
            n = strlen(value);
            if (out)
                memcpy(out + at, value, n);
            at += n;
        }
        length = at;
        if (!out && !(out = malloc(length + 1)))
            return NULL;
    }
    out[length] = '\0';
    return out;
}

const char *text(const struct interpreter *in, uint64_t template)
{
    const char *s = plan_string(in->plan, template);

    return s && strchr(s, LATE_MARK) ? expand(in, s) : s;
}

char **vector(const struct interpreter *in, uint64_t list, bool templates)
{
    uint32_t count;
    const char *s = plan_list(in->plan, list, &count);
    char **v = calloc((size_t)count + 1, sizeof *v);

    for (uint32_t i = 0; v && i < count; i++) {
        v[i] = templates && strchr(s, LATE_MARK) ? expand(in, s) : (char *)s;
        if (!v[i])
            return NULL;
        s += strlen(s) + 1;
    }
    return v;
}
