/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of a container does with itself, in the jail. */
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"

#define GROUPS_MAX 1024

extern char **environ; /* NOLINT(readability-redundant-declaration): glibc has it declared */

static int take_terminal(int slave, const struct winsize *size, uint32_t uid)
{
    if ((size->ws_col && size->ws_row && ioctl(slave, TIOCSWINSZ, size) < 0) ||
        fchown(slave, uid, (gid_t)-1) < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
        return -errno;
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (dup2(slave, fd) < 0)
            return -errno;
    return 0;
}

/* In the jail, since a terminal that belongs to the host cannot be opened from there by its name. */
int self_open_terminal(void *self, uint64_t width, uint64_t height, uint32_t uid)
{
    const struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    struct posix *p = self;
    const char *name;
    int slave, r;

    if ((p->console = posix_openpt(O_RDWR | O_NOCTTY)) < 0 ||
        fcntl(p->console, F_SETFD, FD_CLOEXEC) < 0 || grantpt(p->console) < 0 ||
        unlockpt(p->console) < 0 || !(name = ptsname(p->console)))
        return -errno;
    if ((slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
        return -errno;
    r = take_terminal(slave, &size, uid);
    close(slave);
    return r;
}

static rlim_t limit_of(uint64_t n)
{
    return n > (uint64_t)RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)n;
}

int self_set_limit(void *self, int resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit limit = {.rlim_cur = limit_of(soft), .rlim_max = limit_of(hard)};

    (void)self;
    return answer(setrlimit(resource, &limit));
}

int self_change_directory(void *self, const char *path)
{
    (void)self;
    return answer(chdir(path));
}

int self_set_umask(void *self, int mask)
{
    (void)self;
    umask((mode_t)mask);
    return 0;
}

/* setgroups(2): up to FreeBSD 14 the first is the effective group. */
int self_set_user(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
    gid_t all[GROUPS_MAX];

    (void)self;
    if (n >= GROUPS_MAX)
        return -E2BIG;
    all[0] = gid;
    for (size_t i = 0; i < n; i++)
        all[i + 1] = groups[i];
    if (setgroups((int)n + 1, all) < 0 || setresgid(gid, gid, gid) < 0 ||
        setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

/* The program is looked for where the container's PATH says. */
int self_execute(void *self, const char *const *args, const char *const *env)
{
    const struct posix *p = self;

    environ = (char **)(uintptr_t)env;
    if (p->result >= 0 && write(p->result, "x", 1) != 1)
        return -errno;
    execvp(args[0], (char *const *)(uintptr_t)args);
    return -errno;
}
