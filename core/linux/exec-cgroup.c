/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/exec-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

void exec_cgroup_close(struct exec_cgroup *x)
{
    for (size_t i = 0; i < x->n; i++)
        cleanup_close(&x->at[i]);
    free(x->at);
    *x = (struct exec_cgroup){0};
}

static bool leads_up(const char *path)
{
    for (size_t n; *path; path += n + (path[n] == '/'))
        if ((n = strcspn(path, "/")) == 2 && !memcmp(path, "..", 2))
            return true;
    return false;
}

/* `base` is the container's own cgroup; the container may have written to whatever lies below it. */
static int open_below(const char *base, const char *path, struct error *err)
{
    const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                            RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    auto_close int top = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *relative = path + strspn(path, "/");
    int fd = -1;

    if (leads_up(path))
        return fail(err, 0, NULL, "--cgroup: %s leads out of the container's control group", path);
    if (top >= 0)
        fd = (int)syscall(SYS_openat2, top, *relative ? relative : ".", &how, sizeof how);
    return fd >= 0 ? fd : fail(err, errno, NULL, "--cgroup: open %s below %s", path, base);
}

/* Without the name of the file in it. */
static int open_beside(const char *procs, const char *path, struct error *err)
{
    auto_free char *base = strndup(procs, strlen(procs) - strlen("/cgroup.procs"));

    return base ? open_below(base, path, err) : fail_memory(err);
}

/* --- cgroup v1: which hierarchy ---------------------------------------------------------------- */

struct word {
    const char *controllers; /* as it was written: they end at ':'; NULL: all hierarchies */
    const char *path;
};

/* What stands before the first ':' are controllers, unless it is part of a path. */
static struct word split(const char *text)
{
    size_t n = strcspn(text, ":/");

    return text[n] == ':' ? (struct word){text, text + n + 1} : (struct word){NULL, text};
}

/* The mount point of the hierarchy that has this controller. */
static const char *mountpoint(const struct container *c, const char *controller, size_t length)
{
    const cJSON *all = json_at(c->facts.root, "cgroup", "hierarchies", NULL), *hierarchy, *name;

    cJSON_ArrayForEach (hierarchy, all)
        cJSON_ArrayForEach (name, json_get(hierarchy, "controllers"))
            if (strlen(name->valuestring) == length &&
                !memcmp(name->valuestring, controller, length))
                return json_string(hierarchy, "mountpoint", NULL);
    return NULL;
}

/* The index in `procs` of the container's cgroup in that hierarchy, or -1. */
static int index_of(const struct container *c, const char *mount)
{
    size_t length = mount ? strlen(mount) : 0;

    for (int i = 0; mount && c->state.cgroup.procs[i]; i++)
        if (!strncmp(c->state.cgroup.procs[i], mount, length) &&
            c->state.cgroup.procs[i][length] == '/')
            return i;
    return -1;
}

/* Each controller of one word gets its path in paths[]. */
static int choose(const struct container *c, const struct word *w, const char **paths,
                  struct error *err)
{
    const char *name = w->controllers;

    for (size_t n;; name += n + 1) {
        n = strcspn(name, ",:");
        int i = index_of(c, mountpoint(c, name, n));

        if (i < 0)
            return fail(err, 0, NULL, "--cgroup: the container has no controller \"%.*s\"", (int)n,
                        name);
        /* Controllers of one hierarchy may be named together. */
        if (paths[i] && paths[i] != w->path)
            return fail(err, 0, NULL, "--cgroup: \"%.*s\" is given two paths", (int)n, name);
        paths[i] = w->path;
        if (name[n] == ':')
            return 0;
    }
}

static int open_v1(const struct container *c, const char *const *words, size_t n_words,
                   struct exec_cgroup *x, struct error *err)
{
    char **procs = c->state.cgroup.procs;
    auto_free const char **paths = NULL;
    size_t n = 0;

    while (procs[n])
        n++;
    if (!(paths = calloc(n + 1, sizeof *paths)) || !(x->at = calloc(n + 1, sizeof *x->at)))
        return fail_memory(err);
    for (size_t i = 0; i < n_words; i++) {
        const struct word w = split(words[i]);

        if (!w.controllers && n_words > 1)
            return fail(err, 0, NULL, "--cgroup: \"%s\" names no controller", words[i]);
        if (w.controllers && choose(c, &w, paths, err))
            return -1;
        for (size_t k = 0; !w.controllers && k < n; k++)
            paths[k] = w.path;
    }
    for (size_t i = 0; i < n; i++) {
        if ((x->at[i] = open_beside(procs[i], paths[i] ? paths[i] : "", err)) < 0)
            return -1;
        x->n++;
    }
    return 0;
}

/* --- cgroup v2 --------------------------------------------------------------------------------- */

static int open_v2(const struct container *c, const char *const *words, size_t n_words,
                   struct exec_cgroup *x, struct error *err)
{
    if (n_words > 1 || split(words[0]).controllers)
        return fail(err, 0, NULL, "--cgroup: with cgroup v2 this is one path, without controllers");
    if (!(x->at = calloc(1, sizeof *x->at)))
        return fail_memory(err);
    if ((x->at[0] = open_below(c->state.cgroup.directory, words[0], err)) < 0)
        return -1;
    x->n = 1;
    return 0;
}

int exec_cgroup_open(const struct container *c, const char *const *words, size_t n_words,
                     struct exec_cgroup *x, struct error *err)
{
    if (!n_words)
        return 0;
    if (c->state.cgroup.procs)
        return open_v1(c, words, n_words, x, err);
    if (c->state.cgroup.directory)
        return open_v2(c, words, n_words, x, err);
    return fail(err, 0, NULL, "--cgroup: the container has no control group");
}
