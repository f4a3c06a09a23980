/* SPDX-License-Identifier: Apache-2.0 */
/* Names and kernel settings of the container. */
#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"

/* In procfs `self` is a link, which the resolution below refuses: so the name that it has there. */
static int open_self(int proc)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    char name[24];
    ssize_t n = readlinkat(proc, "self", name, sizeof name - 1);

    if (n <= 0)
        return -1;
    name[n] = '\0';
    for (const char *c = name; *c; c++)
        if (*c < '0' || *c > '9')
            return refuse(EINVAL);
    return (int)syscall(SYS_openat2, proc, name, &how, sizeof how);
}

/* What was mounted over a file of /proc must not catch what is written (CVE-2019-16884, CVE-2025-52881). */
int file_open(struct interpreter *in, int dir, const char *path, uint64_t magic)
{
    struct open_how how = {.flags = O_WRONLY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    auto_close int self = -1, fd = -1;
    struct statfs fs;

    in->step = STEP_OPEN;
    if (!path)
        return refuse(EINVAL);
    if (!strncmp(path, "self/", 5)) {
        if ((self = open_self(dir)) < 0)
            return -1;
        dir = self;
        path += 5;
    }
    if ((fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how)) < 0)
        return -1;
    in->step = STEP_VERIFY;
    if (fstatfs(fd, &fs) < 0)
        return -1;
    if ((uint64_t)fs.f_type != magic)
        return refuse(EXDEV);
    return steal_fd(fd);
}

static int write_file(struct interpreter *in, int dir, const char *path, const char *value,
                      uint64_t magic)
{
    auto_close int fd = file_open(in, dir, path, magic);
    size_t length = strlen(value);
    ssize_t n;

    if (fd < 0)
        return -1;
    in->step = STEP_WRITE;
    if ((n = write(fd, value, length)) < 0)
        return -1;
    return n == (ssize_t)length ? 0 : refuse(EIO);
}

int op_write(struct interpreter *in, const struct plan_op *op)
{
    const char *value = plan_string(in->plan, op->arg[2]);
    auto_free char *expanded = expand(in, value ? value : "");

    if (!expanded)
        return -1;
    return write_file(in, slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]), expanded,
                      op->arg[3]);
}

/* A file of this process. It belongs to root as long as the process cannot be traced: an ordinary user's is made
 * so for this moment. */
static int write_own(struct interpreter *in, int proc, const char *path, const char *value)
{
    int r = write_file(in, proc, path, value, PROC_SUPER_MAGIC), errnum;

    if (!r || errno != EACCES || in->step != STEP_OPEN)
        return r;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    r = write_file(in, proc, path, value, PROC_SUPER_MAGIC);
    errnum = errno;
    in->step = r < 0 ? in->step : STEP_PRCTL;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;
    errno = errnum;
    return r;
}

int op_oom_score(struct interpreter *in, const struct plan_op *op)
{
    int value = (int)op->arg[1];
    unsigned n = value < 0 ? (unsigned)-value : (unsigned)value;
    char text[16], *at = text + sizeof text;

    *--at = '\0';
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    if (value < 0)
        *--at = '-';
    return write_own(in, slot_fd(in, op->arg[0]), "self/oom_score_adj", at);
}

int op_hostname(struct interpreter *in, const struct plan_op *op)
{
    const char *name = plan_string(in->plan, op->arg[0]);

    return name ? sethostname(name, strlen(name)) : refuse(EINVAL);
}

int op_domainname(struct interpreter *in, const struct plan_op *op)
{
    const char *name = plan_string(in->plan, op->arg[0]);

    return name ? setdomainname(name, strlen(name)) : refuse(EINVAL);
}
