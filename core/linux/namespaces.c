/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "core/linux/user-namespace.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct namespace_kind namespace_kinds[] = {
    {"pid", "pid", CLONE_NEWPID},
    {"network", "net", CLONE_NEWNET},
    {"mount", "mnt", CLONE_NEWNS},
    {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"user", "user", CLONE_NEWUSER},
    {"time", "time", CLONE_NEWTIME},
    {.type = NULL},
};

const struct namespace_kind *namespace_kind(const char *type)
{
    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        if (!strcmp(k->type, type))
            return k;
    return NULL;
}

int namespaces_that_differ(pid_t pid, uint64_t *flags, struct error *err)
{
    char path[64];
    struct stat own, other;

    *flags = 0;
    for (const struct namespace_kind *k = namespace_kinds; k->type; k++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", k->file);
        if (stat(path, &own) < 0) {
            if (errno == ENOENT)
                continue; /* a kernel without this kind */
            return fail(err, errno, NULL, "stat %s", path);
        }
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, k->file);
        if (stat(path, &other) < 0)
            return fail(err, errno, NULL, "stat %s", path);
        if (own.st_dev != other.st_dev || own.st_ino != other.st_ino)
            *flags |= k->flag;
    }
    return 0;
}

bool namespaces_have_user(uint64_t flags)
{
    return flags & CLONE_NEWUSER;
}

int namespace_open(pid_t pid, const struct namespace_kind *kind, struct error *err)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind->file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? fail(err, errno, NULL, "open %s", path) : fd;
}

/* Namespaces that exist, in two passes: first those that hozo's own credentials let it join, then the user
 * namespace, then those that it owns. */
struct joins {
    struct joined {
        const struct namespace_kind *kind;
        const char *file;
        char path[64];
        int slot;
    } at[8];
    unsigned count;
};

static int open_joined(struct compile *p, struct joins *joins, const struct namespace_kind *kind,
                       const char *file, const char *path, struct error *err)
{
    struct joined *j = &joins->at[joins->count];

    if (file[0] != '/')
        return fail(err, 0, path, "path \"%s\" is not absolute", file);
    joins->count++;
    *j = (struct joined){.kind = kind, .file = file, .slot = plan_slot(p->b, kind->file)};
    snprintf(j->path, sizeof j->path, "%s", path);
    plan_op(p->b, PHASE_PREPARE, OPEN_NS, path, NUM(kind->flag), STR(file), SLOT(j->slot));
    plan_what(p->b, "join %s namespace %s", kind->type, file);
    return 0;
}

static void join(struct compile *p, const struct joined *j, bool final)
{
    plan_op(p->b, PHASE_STAGE, JOIN, j->path, NUM(j->kind->flag), SLOT(j->slot), NUM(final));
    plan_what(p->b, "join %s namespace %s", j->kind->type, j->file);
    if (final)
        plan_op(p->b, PHASE_STAGE, CLOSE, j->path, SLOT(j->slot));
}

static void join_all(struct compile *p, const struct joins *joins)
{
    const struct joined *user = NULL;

    for (const struct joined *j = joins->at; j < joins->at + joins->count; j++)
        if (j->kind->flag == CLONE_NEWUSER)
            user = j;
    for (const struct joined *j = joins->at; j < joins->at + joins->count; j++)
        if (j != user)
            join(p, j, !user);
    if (!user)
        return;
    join(p, user, true);
    for (const struct joined *j = joins->at; j < joins->at + joins->count; j++)
        if (j != user)
            join(p, j, true);
}

/* What only makes sense with a user namespace, and what makes no sense without one. */
static int compile_users(struct compile *p, bool new, struct error *err)
{
    static const char *const mappings[] = {"uidMappings", "gidMappings"};

    if (p->user_namespace)
        return compile_user_namespace(p, new, err);
    for (size_t i = 0; i < ARRAY_SIZE(mappings); i++)
        if (json_length(json_get(p->linux_, mappings[i]))) {
            char path[64];

            snprintf(path, sizeof path, "linux.%s", mappings[i]);
            return fail(err, 0, path, "needs a user namespace of the container's own");
        }
    return p->privileged
               ? 0
               : fail(err, 0, "linux.namespaces",
                      "without the rights of root a user namespace is needed to make any other");
}

int compile_namespaces(struct compile *p, struct error *err)
{
    struct joins joins = {.count = 0};
    uint64_t seen = 0, new = 0;
    const cJSON *ns;
    unsigned index = 0;

    cJSON_ArrayForEach (ns, json_get(p->linux_, "namespaces")) {
        const char *type = json_string(ns, "type", ""), *file = json_string(ns, "path", "");
        const struct namespace_kind *kind = namespace_kind(type);
        char path[64];

        snprintf(path, sizeof path, "linux.namespaces[%u]", index++);
        if (p->origin) /* of a machine: one of them alone is the configuration's */
            snprintf(path, sizeof path, "linux.namespaces");
        if (!kind)
            return fail(err, 0, path, "%s: there is no such namespace", type);
        if (seen & kind->flag)
            return fail(err, 0, path, "there is already an entry of type %s", type);
        seen |= kind->flag;
        if (!*file)
            new |= kind->flag;
        else if (open_joined(p, &joins, kind, file, path, err) < 0)
            return -1;
    }
    /* Without it the container's mounts would be made on the host. */
    if (!(seen & CLONE_NEWNS))
        return fail(err, 0, "linux.namespaces", "a mount namespace is required");
    p->c->state.own_pid_namespace = new &CLONE_NEWPID;
    p->new_namespaces = new;
    /* A guest's kernel is the container's own, with all that it has. */
    p->namespaces = p->guest ? UINT64_MAX : seen;
    join_all(p, &joins);
    if (compile_time_offsets(p, err) < 0)
        return -1;
    if (new &CLONE_NEWUSER && !p->privileged)
        plan_op0(p->b, PHASE_CLONE, TRACEABLE, "linux.namespaces");
    plan_op(p->b, PHASE_CLONE, CLONE, "linux.namespaces", NUM(new));
    if (compile_users(p, new &CLONE_NEWUSER, err) < 0)
        return -1;
    plan_op0(p->b, PHASE_ENTER, SESSION, NULL);
    return 0;
}
