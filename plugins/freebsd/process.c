/* SPDX-License-Identifier: Apache-2.0 */
/* `process` and `hooks` of config.md, as far as FreeBSD has what they name; the rest is refused. */
#include <stdio.h>

#include "plugins/freebsd/freebsd.h"

/* --- limits ------------------------------------------------------------------------------------- */

/* Numbers of FreeBSD's <sys/resource.h>: any host compiles this. */
static const struct {
    const char *name;
    int resource;
} resources[] = {
    {"RLIMIT_CPU", 0},    {"RLIMIT_FSIZE", 1}, {"RLIMIT_DATA", 2},    {"RLIMIT_STACK", 3},
    {"RLIMIT_CORE", 4},   {"RLIMIT_RSS", 5},   {"RLIMIT_MEMLOCK", 6}, {"RLIMIT_NPROC", 7},
    {"RLIMIT_NOFILE", 8}, {"RLIMIT_AS", 10},
};

static int find_resource(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
        if (!strcmp(resources[i].name, name))
            return resources[i].resource;
    return -1;
}

static int read_limit(struct jail *j, const struct hozo_cursor *rlimit)
{
    struct limit *l = jail_grow(j, &j->process.limits, &j->process.n_limits, sizeof(*l));
    struct hozo_cursor soft, hard;

    if (!l)
        return -1;
    *l = (struct limit){.path = rlimit->path};
    if (jail_string(j, rlimit, "type", &l->name) < 0 ||
        hozo_find(j->ctx, rlimit, "soft", &soft) < 0 ||
        hozo_find(j->ctx, rlimit, "hard", &hard) < 0)
        return -1;
    l->resource = find_resource(l->name);
    l->soft = hozo_as_uint(j->ctx, &soft);
    l->hard = hozo_as_uint(j->ctx, &hard);
    if (l->resource < 0)
        return hozo_error(j->ctx, 0, rlimit->path, "FreeBSD has no %s", l->name);
    if (l->soft > l->hard)
        return hozo_error(j->ctx, 0, rlimit->path, "the soft limit is above the hard limit");
    for (size_t i = 0; i + 1 < j->process.n_limits; i++)
        if (j->process.limits[i].resource == l->resource)
            return hozo_error(j->ctx, 0, rlimit->path, "%s is there twice", l->name);
    return 0;
}

static int read_limits(struct jail *j)
{
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, NULL, "process.rlimits", &array);

    for (size_t i = 0; found > 0 && (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++)
        if (read_limit(j, &at) < 0)
            return -1;
    return found;
}

/* --- user --------------------------------------------------------------------------------------- */

static int read_number(struct jail *j, const char *path, uint64_t *to)
{
    struct hozo_cursor at;
    int found = hozo_find(j->ctx, NULL, path, &at);

    if (found > 0)
        *to = hozo_as_uint(j->ctx, &at);
    return found;
}

static int read_groups(struct jail *j)
{
    struct process *p = &j->process;
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, NULL, "process.user.additionalGids", &array);

    for (size_t i = 0; found > 0 && (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++) {
        uint32_t *gid = jail_grow(j, &p->groups, &p->n_groups, sizeof(*gid));

        if (!gid)
            return -1;
        *gid = (uint32_t)hozo_as_uint(j->ctx, &at);
    }
    return found;
}

static int read_user(struct jail *j)
{
    struct process *p = &j->process;
    uint64_t uid = 0, gid = 0, umask = 0;
    int found;

    if (read_number(j, "process.user.uid", &uid) < 0 ||
        read_number(j, "process.user.gid", &gid) < 0 ||
        (found = read_number(j, "process.user.umask", &umask)) < 0)
        return -1;
    if (umask > 0777)
        return hozo_error(j->ctx, 0, "process.user.umask",
                          "has more than the bits of permissions, 511");
    p->uid = (uint32_t)uid;
    p->gid = (uint32_t)gid;
    p->umask = found ? (int)umask : -1;
    return read_groups(j);
}

/* --- the process -------------------------------------------------------------------------------- */

static int read_bool(struct jail *j, const char *path, bool *to)
{
    struct hozo_cursor at;
    int found = hozo_find(j->ctx, NULL, path, &at);

    *to = found > 0 && hozo_as_bool(j->ctx, &at);
    return found < 0 ? -1 : 0;
}

/* What config.md has for Linux alone. */
static int check_foreign(struct jail *j)
{
    static const char *const members[] = {
        "process.capabilities", "process.oomScoreAdj",     "process.scheduler",
        "process.ioPriority",   "process.execCPUAffinity",
    };
    struct hozo_cursor at;

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        int found = hozo_find(j->ctx, NULL, members[i], &at);

        if (found)
            return found < 0 ? -1 : hozo_error(j->ctx, 0, at.path, "FreeBSD has nothing like it");
    }
    return 0;
}

int process_read(struct jail *j)
{
    struct process *p = &j->process;

    p->umask = -1;
    if (check_foreign(j) < 0 || jail_string(j, NULL, "process.cwd", &p->cwd) < 0 ||
        jail_strings(j, NULL, "process.args", &p->args) < 0 ||
        jail_strings(j, NULL, "process.env", &p->env) < 0 || read_user(j) < 0 ||
        read_limits(j) < 0 || read_bool(j, "process.terminal", &p->terminal) < 0 ||
        read_bool(j, "process.noNewPrivileges", &p->no_new_privileges) < 0 ||
        read_number(j, "process.consoleSize.width", &p->width) < 0 ||
        read_number(j, "process.consoleSize.height", &p->height) < 0)
        return -1;
    return 0;
}

/* --- hooks -------------------------------------------------------------------------------------- */

const char *const hook_names[] = {
    [HOOK_PRESTART] = "prestart",
    [HOOK_CREATE_RUNTIME] = "createRuntime",
    [HOOK_CREATE_CONTAINER] = "createContainer",
    [HOOK_START_CONTAINER] = "startContainer",
    [HOOK_POSTSTART] = "poststart",
    [HOOK_POSTSTOP] = "poststop",
};

static int read_hook(struct jail *j, enum hook_kind kind, const struct hozo_cursor *hook)
{
    struct hook *h = jail_grow(j, &j->hooks, &j->n_hooks, sizeof(*h));
    struct hozo_cursor at;
    int found;

    if (!h)
        return -1;
    *h = (struct hook){.at = hook->path, .kind = kind};
    if (jail_string(j, hook, "path", &h->program) < 0 ||
        jail_strings(j, hook, "args", &h->args) < 0 || jail_strings(j, hook, "env", &h->env) < 0 ||
        (found = hozo_find(j->ctx, hook, "timeout", &at)) < 0)
        return -1;
    h->timeout = found ? (unsigned)hozo_as_uint(j->ctx, &at) : 0;
    return *h->program == '/'
               ? 0
               : hozo_error(j->ctx, 0, hook->path, "\"%s\" is no absolute path", h->program);
}

int hooks_read(struct jail *j)
{
    for (unsigned kind = 0; kind < HOOK_KINDS; kind++) {
        struct hozo_cursor array, at;
        char path[40];
        int found;

        snprintf(path, sizeof(path), "hooks.%s", hook_names[kind]);
        found = hozo_find(j->ctx, NULL, path, &array);
        for (size_t i = 0; found > 0 && (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++)
            if (read_hook(j, (enum hook_kind)kind, &at) < 0)
                return -1;
        if (found < 0)
            return -1;
    }
    return 0;
}
