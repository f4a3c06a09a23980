/* SPDX-License-Identifier: Apache-2.0 */
/* The process itself: namespaces, session, keyring, standard streams. */
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/init/interpreter.h"
#include "core/init/path.h"

/* In there it may be that nobody can drop the groups of root (user_namespaces(7)): they stay outside. Who may not
 * drop them here either is an ordinary user. */
static int leave_groups(struct interpreter *in)
{
    in->step = STEP_SETGROUPS;
    return syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM ? -1 : 0;
}

/* Where the user namespace is not that of this user, the kernel has set the one to fs.suid_dumpable, which may let
 * its root trace this process, and the other to nothing. */
static int stay_guarded(struct interpreter *in)
{
    in->step = STEP_PRCTL;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* What the runtime's credentials may not join, the user namespace that owns it lets join. */
int op_join(struct interpreter *in, const struct plan_op *op)
{
    uint64_t types = op->arg[0] & ~in->joined;

    if (!types)
        return 0;
    if (types & CLONE_NEWUSER && leave_groups(in) < 0)
        return -1;
    in->step = STEP_SETNS;
    if (syscall(SYS_setns, slot_fd(in, op->arg[1]), (int)types) < 0)
        return errno == EPERM && !op->arg[2] ? 0 : -1;
    in->joined |= types;
    return types & CLONE_NEWUSER ? stay_guarded(in) : 0;
}

/* The files below /proc of a process that is not dumpable belong to root. */
int op_traceable(struct interpreter *in, const struct plan_op *op)
{
    (void)op;
    in->traceable = true;
    in->step = STEP_PRCTL;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int op_unshare(struct interpreter *in, const struct plan_op *op)
{
    (void)in;
    return (int)syscall(SYS_unshare, (int)op->arg[0]);
}

/* The child is the runtime's (CLONE_PARENT), so that it can be waited for after this process is gone.
 * It inherits nothing but this program: no parser and no vendor's code ever ran in it. What only the stage
 * process needed stays behind: the pid namespace may have members who would find it (CVE-2016-9962). */
int op_clone(struct interpreter *in, const struct plan_op *op)
{
    struct clone_args args = {.flags = op->arg[0] | CLONE_PARENT};
    long pid;

    slots_spend(in);
    in->step = STEP_CLONE3;
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return -1;
    if (pid) {
        time_end(in, op);
        sync_send(in, SYNC_BORN, (uint32_t)pid);
        _exit(0);
    }
    in->inside = true;
    in->step = STEP_PRCTL;
    time_begin(in, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || sync_wait_go(in) < 0)
        return -1;
    time_end(in, NULL);
    in->step = STEP_PRCTL;
    return in->traceable ? prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) : 0;
}

int op_close(struct interpreter *in, const struct plan_op *op)
{
    int fd = plan_slots(in->plan)[op->arg[0]].fd;

    cleanup_close(&fd);
    slot_fill(in, op->arg[0], -1);
    return 0;
}

int op_session(struct interpreter *in, const struct plan_op *op)
{
    (void)in, (void)op;
    return setsid() < 0 && getsid(0) != getpid() ? -1 : 0;
}

/* Not the caller's, and without a name: by that another process of this user could have made it, and would share
 * it. A kernel may be built without keys, or a profile may hide them: then there is none to inherit. */
int op_keyring(struct interpreter *in, const struct plan_op *op)
{
    long r = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);

    (void)in, (void)op;
    return r < 0 && errno != ENOSYS ? -1 : 0;
}

int op_umask(struct interpreter *in, const struct plan_op *op)
{
    (void)in;
    umask((mode_t)op->arg[0]);
    return 0;
}

int op_personality(struct interpreter *in, const struct plan_op *op)
{
    (void)in;
    return personality(op->arg[1]) < 0 ? -1 : 0;
}

/* The user must be able to open /dev/stdout again. Pipes and terminals can be given away; what cannot
 * be (a read-only file system, an unmapped owner) stays as it is. */
int op_chown_stdio(struct interpreter *in, const struct plan_op *op)
{
    uid_t uid = (uid_t)op->arg[0];

    in->step = STEP_CHOWN;
    if (!id_ok(op->arg[0]))
        return refuse(EINVAL);
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;

        if (fstat(fd, &st) < 0)
            return -1;
        if (st.st_uid == uid || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
            continue;
        if (fchown(fd, uid, (gid_t)-1) < 0 && errno != EPERM && errno != EROFS && errno != EINVAL)
            return -1;
    }
    return 0;
}

/* What one argument of the call is: itself, or what only now is known. */
static int argument(struct interpreter *in, const struct plan_op *op, unsigned i, char *memory,
                    uint64_t *value)
{
    uint64_t how = op->arg[2];
    const char *late;

    *value = op->arg[SYSCALL_ARGS + i];
    if (how & SYSCALL_POINTER(i)) {
        *value += (uintptr_t)memory;
    } else if (how & SYSCALL_SLOT(i)) {
        int fd = slot_fd(in, *value);

        if (fd < 0)
            return refuse(EBADF);
        *value = (uint64_t)fd;
    } else if (how & (SYSCALL_STRING(i) | SYSCALL_NUMBER(i))) {
        if (!(late = plan_string(in->plan, plan_lates(in->plan)[*value].value)))
            return refuse(EINVAL); /* nobody has filled it */
        *value = how & SYSCALL_STRING(i) ? (uintptr_t)late : strtoull(late, NULL, 10);
    }
    return 0;
}

int op_syscall(struct interpreter *in, const struct plan_op *op)
{
    uint64_t args[6];
    uint32_t size;
    const void *bytes = plan_bytes(in->plan, op->arg[3], &size);
    char *memory =
        malloc((size_t)size + 1); /* never given back: the call may be one that restricts calls */

    if (!memory)
        return -1;
    memcpy(memory, bytes, size);
    for (unsigned i = 0; i < 6; i++)
        if (argument(in, op, i, memory, &args[i]) < 0)
            return -1;
    return syscall((long)op->arg[1], args[0], args[1], args[2], args[3], args[4], args[5]) < 0 ? -1
                                                                                               : 0;
}

/* --- HOME ------------------------------------------------------------------------------------------ */

#define PASSWD_MAX (1 << 20)

/* The home of `uid` in one line of passwd(5), or NULL. */
static char *home_of(char *line, unsigned long uid)
{
    char *field[7], *end;

    for (int i = 0; i < 7; i++) {
        field[i] = line;
        line += strcspn(line, ":");
        if (*line)
            *line++ = '\0';
        else if (i < 5)
            return NULL;
    }
    if (*field[2] < '0' || *field[2] > '9' || strtoul(field[2], &end, 10) != uid || *end)
        return NULL;
    return field[5];
}

static char *read_passwd(int root)
{
    auto_close int fd = path_open(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    char *text;
    ssize_t n = 0, r = 0;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PASSWD_MAX ||
        !(text = malloc((size_t)st.st_size + 1)))
        return NULL;
    while (n < st.st_size && (r = read(fd, text + n, (size_t)(st.st_size - n))) > 0)
        n += r;
    text[n] = '\0';
    return text;
}

/* After the mounts: /etc/passwd is often one of them. Nobody there: "/". */
int op_home(struct interpreter *in, const struct plan_op *op)
{
    auto_free char *text = read_passwd(slot_fd(in, op->arg[0]));

    for (char *line = text; line && *line;) {
        char *next = line + strcspn(line, "\n"), *home;

        if (*next)
            *next++ = '\0';
        if ((home = home_of(line, (unsigned long)op->arg[1]))) {
            in->home = *home == '/' ? strdup(home) : NULL;
            break;
        }
        line = next;
    }
    return 0;
}
