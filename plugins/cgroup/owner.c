/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the container's cgroup is: config-linux.md, "Cgroup ownership". With cgroup v2, a cgroup namespace
 * of its own and a writable mount of it, the user that the container's process is may make cgroups below,
 * move its processes there and pass controllers on. The files with the container's limits stay root's.
 */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTPOINT "/sys/fs/cgroup"
/* Linux 4.15 tells the files; these are the first ones. */
#define DELEGATE       "/sys/kernel/cgroup/delegate"
#define DELEGATE_FIRST "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n"

/* --- from the configuration ----------------------------------------------------------------------
 */

static const char *string(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *name)
{
    struct hozo_cursor found;

    return hozo_find(ctx, at, name, &found) == 1 ? hozo_as_string(ctx, &found) : "";
}

static uint64_t number(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *name)
{
    struct hozo_cursor found;

    return hozo_find(ctx, at, name, &found) == 1 ? hozo_as_uint(ctx, &found) : 0;
}

/* *path: of the namespace to be joined; "" for a new one. */
static bool has_namespace(struct hozo_ctx *ctx, const char *type, const char **path)
{
    struct hozo_cursor list, item;

    if (hozo_find(ctx, NULL, "linux.namespaces", &list) != 1)
        return false;
    for (size_t i = 0; hozo_item(ctx, &list, i, &item, NULL) == 1; i++)
        if (!strcmp(string(ctx, &item, "type"), type)) {
            *path = string(ctx, &item, "path");
            return true;
        }
    return false;
}

static bool has_option(struct hozo_ctx *ctx, const struct hozo_cursor *mount, const char *option)
{
    struct hozo_cursor list, item;

    if (hozo_find(ctx, mount, "options", &list) != 1)
        return false;
    for (size_t i = 0; hozo_item(ctx, &list, i, &item, NULL) == 1; i++)
        if (!strcmp(hozo_as_string(ctx, &item), option))
            return true;
    return false;
}

static bool mounts_writable(struct hozo_ctx *ctx)
{
    struct hozo_cursor list, item;

    if (hozo_find(ctx, NULL, "mounts", &list) != 1)
        return false;
    for (size_t i = 0; hozo_item(ctx, &list, i, &item, NULL) == 1; i++)
        if (!strcmp(string(ctx, &item, "source"), "cgroup") &&
            !strcmp(string(ctx, &item, "destination"), MOUNTPOINT) && !has_option(ctx, &item, "ro"))
            return true;
    return false;
}

/* The user outside; false: not known from the configuration. */
static bool host_user(struct hozo_ctx *ctx, uint64_t *uid)
{
    uint64_t inside = number(ctx, NULL, "process.user.uid");
    struct hozo_cursor list, item;
    const char *path;

    *uid = inside;
    if (!has_namespace(ctx, "user", &path))
        return true;
    if (hozo_find(ctx, NULL, "linux.uidMappings", &list) != 1)
        return false;
    for (size_t i = 0; hozo_item(ctx, &list, i, &item, NULL) == 1; i++) {
        uint64_t first = number(ctx, &item, "containerID");

        *uid = number(ctx, &item, "hostID") + (inside - first);
        if (inside >= first && inside - first < number(ctx, &item, "size"))
            return true;
    }
    return false;
}

bool cgroup_owner(struct hozo_ctx *ctx, char uid[CGROUP_OWNER_MAX])
{
    struct hozo_cursor euid;
    const char *path;
    uint64_t user;

    if (!has_namespace(ctx, "cgroup", &path) || *path || !mounts_writable(ctx) ||
        !host_user(ctx, &user))
        return false;
    /* Who makes the cgroup owns it; and an ordinary user cannot give it away. */
    if (hozo_fact(ctx, NULL, "euid", &euid) == 1 &&
        (hozo_as_uint(ctx, &euid) || hozo_as_uint(ctx, &euid) == user))
        return false;
    snprintf(uid, CGROUP_OWNER_MAX, "%" PRIu64, user);
    return true;
}

/* --- on the host --------------------------------------------------------------------------------
 */

static int give(int dir, const char *name, uid_t uid)
{
    if (strchr(name, '/'))
        return -EINVAL;
    /* Not every file is in every cgroup: those of controllers that are not enabled are not. */
    return fchownat(dir, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT ? -errno
                                                                                           : 0;
}

int cgroup_give(int dir, uid_t uid)
{
    char files[4096], *save = NULL;
    int r = cgroup_read(AT_FDCWD, DELEGATE, files, sizeof(files));

    if (r == -ENOENT)
        snprintf(files, sizeof(files), DELEGATE_FIRST);
    else if (r < 0)
        return r;
    if (fchown(dir, uid, (gid_t)-1) < 0)
        return -errno;
    for (char *name = strtok_r(files, "\n", &save); name; name = strtok_r(NULL, "\n", &save))
        if ((r = give(dir, name, uid)) < 0)
            return r;
    return 0;
}
