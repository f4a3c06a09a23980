/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How deep a container nests its cgroups is its own choice. So the walk holds one descriptor and goes
 * back up by "..", which nobody can redirect: cgroups are never moved to another parent.
 */
#include "core/cgroup-pids.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "core/json.h"
#include "core/state.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void pids_free(struct pids *p)
{
    free(p->at);
}

int pids_add(struct pids *p, pid_t pid)
{
    if (p->count == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        pid_t *at = reallocarray(p->at, room, sizeof *at);

        if (!at)
            return -1;
        p->at = at;
        p->room = room;
    }
    p->at[p->count++] = pid;
    return 0;
}

static int compare_pids(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

    return (x > y) - (x < y);
}

void pids_sort(struct pids *p)
{
    size_t kept = 0;

    if (!p->count)
        return;
    qsort(p->at, p->count, sizeof *p->at, compare_pids);
    /* A process that was moved while the cgroups were read is in two lists. */
    for (size_t i = 1; i < p->count; i++)
        if (p->at[i] != p->at[kept])
            p->at[++kept] = p->at[i];
    p->count = kept + 1;
}

bool pids_have(const struct pids *p, pid_t pid)
{
    return p->count && bsearch(&pid, p->at, p->count, sizeof pid, compare_pids);
}

/* The cgroup was removed meanwhile; or it is threaded, and its domain lists the processes. */
static bool nothing_there(int errnum)
{
    return errnum == ENOENT || errnum == ENODEV || errnum == EOPNOTSUPP;
}

static int collect_list(int dirfd, struct pids *pids)
{
    int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    auto_fclose FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
    int pid;

    if (!file) {
        int errnum = errno;

        if (fd >= 0)
            close(fd);
        errno = errnum;
        return fd < 0 && nothing_there(errnum) ? 0 : -1;
    }
    /* 0 stands for a process that this pid namespace does not see. */
    while (fscanf(file, "%d", &pid) == 1)
        if (pid > 0 && pids_add(pids, pid))
            return -1;
    return ferror(file) && !nothing_there(errno) ? -1 : 0;
}

/* --- the walk ---------------------------------------------------------------------------------- */

/* The cgroups below one that are still to be seen: each name with its NUL. */
struct level {
    struct text names;
    size_t next;
};

struct walk {
    int dirfd; /* of the level that is last */
    struct level *levels;
    size_t depth, room;
};

static void walk_end(struct walk *w)
{
    cleanup_close(&w->dirfd);
    while (w->depth)
        text_free(&w->levels[--w->depth].names);
    free(w->levels);
}

static int add_names(int dirfd, struct text *names)
{
    int fd = openat(dirfd, ".", DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        int errnum = errno;

        cleanup_close(&fd);
        errno = errnum;
        return nothing_there(errnum) ? 0 : -1;
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_type == DT_DIR && strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            text_append(names, e->d_name, strlen(e->d_name) + 1);
    closedir(dir);
    errno = ENOMEM;
    return names->failed ? -1 : 0;
}

/* Takes the descriptor, of the top or of a child of where the walk is. */
static int enter(struct walk *w, int dirfd, struct pids *pids)
{
    cleanup_close(&w->dirfd);
    w->dirfd = dirfd;
    if (w->depth == w->room) {
        size_t room = w->room ? 2 * w->room : 8;
        struct level *levels = reallocarray(w->levels, room, sizeof *levels);

        if (!levels)
            return -1;
        w->levels = levels;
        w->room = room;
    }
    w->levels[w->depth++] = (struct level){0};
    return collect_list(dirfd, pids) || add_names(dirfd, &w->levels[w->depth - 1].names) ? -1 : 0;
}

static int leave(struct walk *w)
{
    int parent;

    text_free(&w->levels[--w->depth].names);
    if (!w->depth)
        return 0;
    parent = openat(w->dirfd, "..", DIRECTORY);
    if (parent < 0)
        return -1;
    close(w->dirfd);
    w->dirfd = parent;
    return 0;
}

/* Takes the descriptor. */
static int collect_tree(int top, struct pids *pids)
{
    __attribute__((cleanup(walk_end))) struct walk w = {.dirfd = -1};

    if (enter(&w, top, pids))
        return -1;
    while (w.depth) {
        struct level *here = &w.levels[w.depth - 1];
        const char *name;
        int child;

        if (here->next == here->names.length) {
            if (leave(&w))
                return -1;
            continue;
        }
        name = here->names.at + here->next;
        here->next += strlen(name) + 1;
        child = openat(w.dirfd, name, DIRECTORY);
        if (child < 0 ? !nothing_there(errno) : enter(&w, child, pids))
            return -1;
    }
    return 0;
}

int cgroup_pids(const struct state_cgroup *cgroup, struct pids *pids)
{
    char path[PATH_MAX];
    const char *end = cgroup->list ? strrchr(cgroup->list, '/') : NULL;

    pids->count = 0;
    if (!end)
        return 0;
    if ((size_t)snprintf(path, sizeof path, "%.*s", (int)(end - cgroup->list), cgroup->list) >=
        sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0 ? !nothing_there(errno) : collect_tree(dirfd, pids))
        return -1;
    pids_sort(pids);
    return 0;
}
