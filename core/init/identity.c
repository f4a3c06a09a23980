/* SPDX-License-Identifier: Apache-2.0 */
/* Who the user program is: raw system calls throughout, since libc's change all threads at once. */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/init/interpreter.h"

int op_no_new_privs(struct interpreter *in, const struct plan_op *op)
{
    (void)op;
    in->step = STEP_PRCTL;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int op_bounding(struct interpreter *in, const struct plan_op *op)
{
    in->step = STEP_PRCTL;
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (op->arg[0] >> cap & 1)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            if (errno == EINVAL)
                return 0; /* behind the last that this kernel knows */
            return -1;
        }
    }
    return 0;
}

/* Capabilities outlive the change of user until they are set. */
int op_ids(struct interpreter *in, const struct plan_op *op)
{
    uint32_t size;
    const void *groups = plan_bytes(in->plan, op->arg[2], &size);
    unsigned uid = (unsigned)op->arg[0], gid = (unsigned)op->arg[1];

    if (!id_ok(op->arg[0]) || !id_ok(op->arg[1]))
        return refuse(EINVAL);
    in->step = STEP_PRCTL;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -1;
    in->step = STEP_SETGROUPS;
    if (syscall(SYS_setgroups, size / sizeof(uint32_t), groups) < 0 &&
        !(errno == EPERM && !size && in->keeps_groups))
        return -1;
    in->step = STEP_SETGID;
    if (syscall(SYS_setresgid, gid, gid, gid) < 0)
        return -1;
    in->step = STEP_SETUID;
    if (syscall(SYS_setresuid, uid, uid, uid) < 0)
        return -1;
    in->step = STEP_PRCTL;
    /* The change of user set it to fs.suid_dumpable, which may be 1: traceable by the same user. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;
    /* … and nothing would end this process with the runtime any more. */
    if (op->phase < PHASE_IDENTITY && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

int op_capabilities(struct interpreter *in, const struct plan_op *op)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(op->arg[0] >> (32 * i));
        data[i].permitted = (uint32_t)(op->arg[1] >> (32 * i));
        data[i].inheritable = (uint32_t)(op->arg[2] >> (32 * i));
    }
    in->step = STEP_CAPSET;
    if (syscall(SYS_capset, &header, data) < 0)
        return -1;
    in->step = STEP_AMBIENT;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    for (unsigned long cap = 0; cap < 64; cap++)
        if ((op->arg[3] >> cap & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return -1;
    return 0;
}

/* A directory behind /proc/self/fd/N of some host process would lead out of the container
 * (CVE-2024-21626): the kernel then has no path for it, and says so. */
static int check_inside(struct interpreter *in)
{
    char cwd[PATH_MAX];

    in->step = STEP_GETCWD;
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
        return -1;
    return cwd[0] == '/' ? 0 : refuse(ENOENT);
}

int op_chdir(struct interpreter *in, const struct plan_op *op)
{
    const char *path = plan_string(in->plan, op->arg[0]);

    in->step = STEP_NONE;
    if (!in->directory) {
        if (!chdir(path))
            in->directory = true;
        else if (op->arg[1] || (errno != EACCES && errno != EPERM))
            return -1;
    }
    return op->arg[1] ? check_inside(in) : 0;
}
