/* SPDX-License-Identifier: Apache-2.0 */
/* Finding resctrl, and its files: by descriptors, from the mount point down. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "plugins/rdt/mountinfo.h"

/* RDTGROUP_SUPER_MAGIC of linux/magic.h, which headers before Linux 6.2 do not have. */
#define RESCTRL_MAGIC 0x7655821

/* --- where it is ------------------------------------------------------------------------------- */

void place_free(struct place *p)
{
    free(p->path);
    p->path = NULL;
}

static int find_mount(struct place *p)
{
    auto_free char *line = NULL;
    FILE *f = fopen("/proc/self/mountinfo", "re");
    const char *point = NULL;
    size_t size = 0;

    if (!f)
        return -errno;
    while (!point && getline(&line, &size, f) > 0)
        point = mountinfo_resctrl(line);
    fclose(f);
    if (!point)
        return -ENODEV;
    p->path = strdup(point);
    return p->path ? 0 : -ENOMEM;
}

int place_find(struct hozo_ctx *ctx, struct place *p)
{
    struct hozo_cursor at;

    *p = (struct place){0};
    if (hozo_setting(ctx, NULL, "mountpoint", &at) != 1)
        return find_mount(p);
    p->named = true;
    p->path = strdup(hozo_as_string(ctx, &at));
    return p->path ? 0 : -ENOMEM;
}

static int open_how(int dir, const char *path, int flags, unsigned resolve)
{
    struct open_how how = {.flags = (__u64)(unsigned)(flags | O_CLOEXEC),
                           .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

int place_open(const struct place *p)
{
    int fd = *p->path == '/' ? open_how(AT_FDCWD, p->path, O_RDONLY | O_DIRECTORY, 0) : -EINVAL;
    struct statfs fs;

    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTCONN ? -ENODEV : fd;
    if (p->named || (!fstatfs(fd, &fs) && fs.f_type == RESCTRL_MAGIC))
        return fd;
    close(fd);
    return -ENODEV;
}

/* As the section "Examples of resctrl locking" of the kernel's documentation asks of all that change groups: who
 * finds a class finds it with its lines, and last_cmd_status answers this command. */
int resctrl_lock(int root)
{
    while (flock(root, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* --- files ------------------------------------------------------------------------------------- */

int resctrl_open(int root, const char *path, int flags)
{
    return open_how(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

/* The directory that holds it, and its name there. */
static int open_above(int root, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    auto_free char *above = slash ? strndup(path, (size_t)(slash - path)) : NULL;

    *name = slash ? slash + 1 : path;
    if (slash && !above)
        return -ENOMEM;
    return resctrl_open(root, slash ? above : ".", O_PATH | O_DIRECTORY);
}

int resctrl_mkdir(int root, const char *path)
{
    const char *name;
    auto_close int above = open_above(root, path, &name);

    if (above < 0)
        return above;
    return mkdirat(above, name, 0755) < 0 ? -errno : 0;
}

int resctrl_rmdir(int root, const char *path)
{
    const char *name;
    auto_close int above = open_above(root, path, &name);

    if (above < 0)
        return above;
    return unlinkat(above, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

char *resctrl_read(int dir, const char *file)
{
    auto_close int fd = resctrl_open(dir, file, O_RDONLY);
    size_t room = 4096, n = 0;
    char *text = fd < 0 ? NULL : malloc(room), *grown;
    ssize_t r = -1;

    errno = fd < 0 ? -fd : ENOMEM;
    while (text && (r = read(fd, text + n, room - n - 1)) > 0) {
        n += (size_t)r;
        if (n + 1 < room)
            continue;
        if (!(grown = realloc(text, room *= 2)))
            break;
        text = grown;
    }
    if (text && !r) {
        text[n] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

int resctrl_write(int dir, const char *file, const char *text)
{
    auto_close int fd = resctrl_open(dir, file, O_WRONLY);
    size_t length = strlen(text);

    if (fd < 0)
        return fd;
    /* kernfs_fop_write_iter() takes a page, and leaves the rest to be another command. */
    if (length > (size_t)sysconf(_SC_PAGESIZE))
        return -EMSGSIZE;
    return write(fd, text, length) < 0 ? -errno : 0;
}

/* --- errors ------------------------------------------------------------------------------------ */

/* What else fails was no command to resctrl: the answer that stands there is somebody else's. */
static bool is_answered(int errnum)
{
    return errnum == EINVAL || errnum == ENOSPC || errnum == ESRCH || errnum == EBUSY ||
           errnum == EPERM;
}

/* "ok" is the answer to a command that has nothing to say, and to one that fails so. */
static char *last_status(int root)
{
    char *status = resctrl_read(root, "info/last_cmd_status");

    if (!status)
        return NULL;
    for (size_t n = strlen(status); n && status[n - 1] == '\n'; n--)
        status[n - 1] = '\0';
    for (char *at = status; *at; at++)
        *at = *at == '\n' ? ';' : *at;
    if (*status && strcmp(status, "ok") != 0)
        return status;
    free(status);
    return NULL;
}

int resctrl_fail(struct hozo_ctx *ctx, int root, int errnum, const char *path, const char *fmt, ...)
{
    auto_free char *status = is_answered(errnum) ? last_status(root) : NULL, *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        text = NULL;
    return hozo_error(ctx, errnum, path, "%s%s%s%s", text ? text : "resctrl", status ? " (" : "",
                      status ? status : "", status ? ")" : "");
}
