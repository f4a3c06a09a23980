/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/namespaces.h"

#include <sched.h>
#include <string.h>

#include "core/compile.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct namespace_kind namespace_kinds[] = {
    {"pid", "pid", CLONE_NEWPID, true},
    {"network", "net", CLONE_NEWNET, true},
    {"mount", "mnt", CLONE_NEWNS, true},
    {"ipc", "ipc", CLONE_NEWIPC, true},
    {"uts", "uts", CLONE_NEWUTS, true},
    {"cgroup", "cgroup", CLONE_NEWCGROUP, true},
    {"user", "user", CLONE_NEWUSER, false},
    {"time", "time", CLONE_NEWTIME, false},
    {.type = NULL},
};

const struct namespace_kind *namespace_kind(const char *type)
{
    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        if (!strcmp(k->type, type))
            return k;
    return NULL;
}

static int join(struct compile *p, const struct namespace_kind *kind, const char *file,
                const char *path, struct error *err)
{
    int slot;

    if (file[0] != '/')
        return fail(err, 0, path, "path \"%s\" is not absolute", file);
    if (kind->flag == CLONE_NEWNS)
        return fail(err, 0, path,
                    "joining a mount namespace is not supported by this version of hozo");
    slot = plan_slot(p->b, kind->file);
    plan_op(p->b, PHASE_PREPARE, OPEN_NS, path, NUM(kind->flag), STR(file), SLOT(slot));
    plan_what(p->b, "join %s namespace %s", kind->type, file);
    plan_op(p->b, PHASE_STAGE, JOIN, path, NUM(kind->flag), SLOT(slot));
    plan_what(p->b, "join %s namespace %s", kind->type, file);
    plan_op(p->b, PHASE_STAGE, CLOSE, path, SLOT(slot));
    return 0;
}

int compile_namespaces(struct compile *p, struct error *err)
{
    uint64_t seen = 0, new = 0;
    const cJSON *ns;
    unsigned index = 0;

    cJSON_ArrayForEach (ns, json_get(p->linux_, "namespaces")) {
        const char *type = json_string(ns, "type", ""), *file = json_string(ns, "path", "");
        const struct namespace_kind *kind = namespace_kind(type);
        char path[64];

        snprintf(path, sizeof path, "linux.namespaces[%u]", index++);
        if (!kind || !kind->served)
            return fail(err, 0, path, "%s namespaces are not supported by this version of hozo",
                        type);
        if (seen & kind->flag)
            return fail(err, 0, path, "there is already an entry of type %s", type);
        seen |= kind->flag;
        if (!*file)
            new |= kind->flag;
        else if (join(p, kind, file, path, err) < 0)
            return -1;
    }
    /* Without it the container's mounts would be made on the host. */
    if (!(new &CLONE_NEWNS))
        return fail(err, 0, "linux.namespaces", "a new mount namespace is required");
    p->c->state.own_pid_namespace = new &CLONE_NEWPID;
    p->new_namespaces = new;
    p->namespaces = seen;
    plan_op(p->b, PHASE_CLONE, CLONE, "linux.namespaces", NUM(new));
    plan_op0(p->b, PHASE_ENTER, SESSION, NULL);
    return 0;
}
