/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what hozo has made, and only that. */
#include "plugins/rdt/rdt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#define PATIENCE_MS 300

/* One that is waited for has left its class as far as anybody can see but the kernel. */
static bool has_ended(long pid)
{
    char path[40], text[512];
    auto_close int fd = -1;
    const char *state;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return errno == ENOENT;
    if ((n = read(fd, text, sizeof(text) - 1)) <= 0)
        return n < 0 && errno == ESRCH;
    text[n] = '\0';
    state = strrchr(text, ')');
    return state && state[1] && strchr("ZX", state[2]);
}

static bool has_tasks(int class)
{
    auto_free char *tasks = resctrl_read(class, "tasks");

    for (char *at = tasks, *end; at && *at; at = end + strspn(end, "\n")) {
        long pid = strtol(at, &end, 10);

        if (end == at || !has_ended(pid))
            return true;
    }
    return !tasks;
}

static bool has_monitors(int class)
{
    int fd = resctrl_open(class, "mon_groups", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool found = false;
    struct dirent *e;

    if (!dir) {
        rdt_close_fd(&fd);
        return fd != -ENOENT; /* without monitoring there is no such directory */
    }
    while (!found && (e = readdir(dir)))
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return found;
}

/* By others, whom the kernel would put back into the root class. */
static bool is_used(int root, const char *path)
{
    auto_close int class = resctrl_open(root, path, O_RDONLY | O_DIRECTORY);

    return class >= 0 && (has_tasks(class) || has_monitors(class));
}

/* A process that hozo was making when it was killed ends by itself, a little later. */
static void await_tasks(int root, const char *path)
{
    auto_close int class = resctrl_open(root, path, O_RDONLY | O_DIRECTORY);

    for (long ms = 1; class >= 0 && ms < PATIENCE_MS && has_tasks(class); ms *= 2)
        nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int take_away(struct hozo_ctx *ctx, int root, const char *path)
{
    int r = resctrl_rmdir(root, path);

    return !r || r == -ENOENT ? 0 : hozo_error(ctx, -r, NULL, "removing %s of resctrl", path);
}

static int take_all(struct hozo_ctx *ctx, int root, const struct record *r)
{
    const char *class = beneath(r->class);
    int result = r->monitor ? take_away(ctx, root, beneath(r->monitor)) : 0;

    if (!r->made)
        return result;
    if (is_used(root, class)) {
        hozo_log(ctx, HOZO_LOG_WARNING, "the class %s of resctrl is used by others, and stays",
                 class);
        return result;
    }
    return take_away(ctx, root, class) < 0 ? -1 : result;
}

int rdt_cleanup(struct hozo_ctx *ctx)
{
    struct record r = {0};
    int found = rdt_record_read(ctx, &r), locked;
    bool nothing = found <= 0 || (!r.made && !r.monitor);
    auto_close int root = nothing ? -ENODEV : place_open(&r.place);

    rdt_entry_undo(ctx, found > 0 ? r.class : "/");
    place_free(&r.place);
    /* With the mount the kernel has removed all groups. */
    if (root == -ENODEV)
        return found < 0 ? -1 : 0;
    if (root < 0)
        return hozo_error(ctx, -root, NULL, "resctrl");
    if (r.made && !hozo_option(ctx, "processes-ended"))
        await_tasks(root, beneath(r.class));
    locked = resctrl_lock(root);
    return locked < 0 ? hozo_error(ctx, -locked, NULL, "resctrl") : take_all(ctx, root, &r);
}
