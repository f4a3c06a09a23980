/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing the container's cgroups, with those that it has made below them. Everything in there is
 * the container's, so what still runs is killed. How deep they go is the container's choice: the
 * walk holds one descriptor and no stack.
 */
#include "plugins/cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define PATIENCE_MS 1000

static int write_text(int dir, const char *file, const char *text)
{
    auto_close int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* --- killing, where there is no cgroup.kill (v1, and v2 before Linux 5.14)
 * ------------------------ */

static bool lists(int dir, int pid)
{
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), listed;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
    bool found = false;

    if (!f) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (!found && fscanf(f, "%d", &listed) == 1)
        found = listed == pid;
    fclose(f);
    return found;
}

/* The number may be another process's by now; what is still listed after it was opened is the one.
 */
static void kill_member(int dir, int pid)
{
    auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd >= 0 && lists(dir, pid))
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void kill_members(int dir)
{
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "re");

    if (!f) {
        cgroup_close_fd(&fd);
        return;
    }
    while (fscanf(f, "%d", &pid) == 1)
        if (pid > 0) /* 0: of a pid namespace that is not below ours */
            kill_member(dir, pid);
    fclose(f);
    write_text(dir, "freezer.state", "THAWED"); /* v1: a frozen process does not even die */
}

/* --- the walk -----------------------------------------------------------------------------------
 */

/* Names from the top to where the walk is, "a/b/c". */
struct trail {
    char *at;
    size_t length;
};

static int trail_push(struct trail *t, const char *name)
{
    size_t n = strlen(name);
    char *grown = realloc(t->at, t->length + n + 2);

    if (!grown)
        return -ENOMEM;
    t->at = grown;
    t->at[t->length++] = '/';
    memcpy(t->at + t->length, name, n + 1);
    t->length += n;
    return 0;
}

static const char *trail_pop(struct trail *t)
{
    char *slash = memrchr(t->at, '/', t->length);

    t->length = (size_t)(slash - t->at);
    return slash + 1;
}

/* The name of some directory in `dir`: 1, 0 if there is none. */
static int first_child(int dir, char name[NAME_MAX + 1])
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!d) {
        found = -errno;
        cgroup_close_fd(&fd);
        return found;
    }
    while (!found && (e = readdir(d)))
        if (e->d_type == DT_DIR && strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            snprintf(name, NAME_MAX + 1, "%s", e->d_name);
            found = 1;
        }
    closedir(d);
    return found;
}

static int move_to(int *fd, const char *name)
{
    int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (next < 0)
        return -errno;
    close(*fd);
    *fd = next;
    return 0;
}

/* Everything below `top`; consumes the descriptor. */
static int remove_below(int top, struct trail *trail)
{
    auto_close int fd = top;
    char name[NAME_MAX + 1];
    int r;

    for (;;) {
        kill_members(fd);
        r = first_child(fd, name);
        if (r < 0)
            return r;
        if (r > 0) {
            if ((r = trail_push(trail, name)) < 0 || (r = move_to(&fd, name)) < 0)
                return r;
            continue;
        }
        if (!trail->length)
            return 0;
        if ((r = move_to(&fd, "..")) < 0)
            return r;
        if (unlinkat(fd, trail_pop(trail), AT_REMOVEDIR) < 0 && errno != ENOENT)
            return -errno;
    }
}

/* Somebody else's processes, in a group of a container that has none any more. */
static bool is_occupied(int dir)
{
    char text[256];

    return (cgroup_read(dir, "cgroup.events", text, sizeof(text)) > 0 &&
            strstr(text, "populated 1")) ||
           cgroup_read(dir, "cgroup.procs", text, sizeof(text)) > 0;
}

/* `ended`: nobody in there is the container's. */
static int remove_once(const char *directory, bool ended)
{
    struct trail trail = {0};
    int fd, r;

    if (rmdir(directory) == 0 || errno == ENOENT)
        return 0;
    fd = cgroup_open(directory, O_RDONLY);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (ended && is_occupied(fd)) {
        close(fd);
        return -EBUSY;
    }
    write_text(fd, "cgroup.kill", "1");
    r = remove_below(fd, &trail);
    free(trail.at);
    if (r < 0 && r != -ENOENT)
        return r;
    return rmdir(directory) == 0 || errno == ENOENT ? 0 : -errno;
}

struct created {
    const char *directory;
    int error; /* of the last attempt; 1: none yet */
};

/* Whether one is left that may go by waiting. */
static bool remove_all(struct created *all, size_t n, bool ended)
{
    bool again = false;

    for (size_t i = 0; i < n; i++) {
        if (all[i].error)
            all[i].error = remove_once(all[i].directory, ended);
        again |= all[i].error == -EBUSY;
    }
    return again;
}

/* A killed process leaves its cgroups a little later; one that is frozen in one hierarchy of v1
 * stays in all of them until it was thawed there. So they are tried together. */
static void remove_patiently(struct created *all, size_t n, bool ended)
{
    for (long waited = 0, pause = 1; remove_all(all, n, ended) && waited < PATIENCE_MS;
         pause *= 2) {
        struct timespec t = {.tv_nsec = pause * 1000000};

        nanosleep(&t, NULL);
        waited += pause;
    }
}

int cgroup_cleanup(struct hozo_ctx *ctx)
{
    struct created all[HIERARCHIES_MAX];
    struct hozo_cursor list, item;
    size_t n = 0;
    int failed = 0;

    if (hozo_state_find(ctx, NULL, "created", &list) != 1)
        return 0;
    for (; n < HIERARCHIES_MAX && hozo_item(ctx, &list, n, &item, NULL) == 1; n++)
        all[n] = (struct created){hozo_as_string(ctx, &item), 1};
    remove_patiently(all, n, hozo_option(ctx, "processes-ended"));
    for (size_t i = 0; i < n; i++)
        if (all[i].error)
            failed =
                hozo_error(ctx, -all[i].error, NULL, "removing the cgroup %s", all[i].directory);
    return failed;
}
