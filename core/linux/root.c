/* SPDX-License-Identifier: Apache-2.0 */
/* root, rootfsPropagation, and how the container's root becomes the root. */
#include "core/compile.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

static const struct {
    const char *name;
    uint64_t flags;
} propagations[] = {
    {"shared", MS_SHARED},
    {"slave", MS_SLAVE},
    {"private", MS_PRIVATE},
    {"unbindable", MS_UNBINDABLE},
    {"rshared", MS_SHARED | MS_REC},
    {"rslave", MS_SLAVE | MS_REC},
    {"rprivate", MS_PRIVATE | MS_REC},
    {"runbindable", MS_UNBINDABLE | MS_REC},
};

void compile_look_at_root(struct compile *p)
{
    const char *propagation = json_string(p->linux_, "rootfsPropagation", "");
    const cJSON *ns;

    /* In a mount namespace of another user namespace every mount begins as a slave. */
    p->tree_is_shared =
        !p->user_namespace && (!strcmp(propagation, "shared") || !strcmp(propagation, "rshared"));
    cJSON_ArrayForEach (ns, json_get(p->linux_, "namespaces"))
        p->joins_mounts |=
            !strcmp(json_string(ns, "type", ""), "mount") && *json_string(ns, "path", "");
}

static int find_propagation(const struct compile *p, uint64_t *flags, struct error *err)
{
    const char *wanted = json_string(p->linux_, "rootfsPropagation", "");

    *flags = MS_SLAVE;
    for (size_t i = 0; *wanted; i++) {
        if (i == ARRAY_SIZE(propagations))
            return fail(err, 0, "linux.rootfsPropagation",
                        "\"%s\" is not one of shared, slave, private, unbindable", wanted);
        if (!strcmp(propagations[i].name, wanted)) {
            *flags = propagations[i].flags;
            break;
        }
    }
    return 0;
}

/*
 * A slave at least: nothing that is mounted from now on may appear on the host. Not so if the root is to be
 * shared, which engines ask for when a bind mount shall propagate both ways: the source has to keep its
 * peers. The root's own tree leaves its peer groups all the same, and so does the mount that it lies in.
 * An unbindable tree could not be bound on itself, so that comes last, and pivot_root(2) wants no shared
 * mount around it, so that comes last as well.
 */
static void add_tree(struct compile *p, uint64_t flags)
{
    if (!p->tree_is_shared)
        plan_op(p->b, PHASE_ENTER, TREE, "linux.rootfsPropagation",
                NUM((flags & (MS_PRIVATE | MS_UNBINDABLE) ? MS_PRIVATE : MS_SLAVE) | MS_REC));
}

/* Bound on itself, by who may open it. */
static void add_root(struct compile *p)
{
    const char *path = p->c->state.rootfs;
    int tree, place;

    if (!p->helper || !p->user_namespace) {
        plan_op(p->b, PHASE_ENTER, ROOT, "root.path", STR(path), SLOT(p->root),
                NUM(p->tree_is_shared ? MS_PRIVATE | MS_REC : 0));
        plan_what(p->b, "root %s", path);
        return;
    }
    tree = plan_slot(p->b, "root-tree");
    place = plan_slot(p->b, "root-place");
    plan_op(p->b, PHASE_SOURCES, PLACE, "root.path", STR(path), SLOT(place));
    plan_what(p->b, "root %s", path);
    plan_op(p->b, PHASE_SOURCES, SOURCE, "root.path", STR(path), NUM(1), SLOT(tree));
    plan_what(p->b, "root %s", path);
    plan_op(p->b, PHASE_MOUNTS, ATTACH_ROOT, "root.path", SLOT(tree), SLOT(place), SLOT(p->root));
    plan_what(p->b, "root %s", path);
}

int compile_root(struct compile *p, struct error *err)
{
    uint64_t flags;

    if (find_propagation(p, &flags, err) < 0)
        return -1;
    add_tree(p, flags);
    add_root(p);
    /* A move to a shared "/" would be one on the host as well. */
    if (p->c->no_pivot && p->tree_is_shared)
        return fail(err, 0, "linux.rootfsPropagation", "shared is not possible with --no-pivot");
    if (p->c->no_pivot)
        plan_op(p->b, PHASE_ROOT, MOVE_ROOT, "root", SLOT(p->root));
    else
        plan_op(p->b, PHASE_ROOT, PIVOT, "root", SLOT(p->root));
    return 0;
}

int compile_root_attributes(struct compile *p, struct error *err)
{
    uint64_t flags;

    if (find_propagation(p, &flags, err) < 0)
        return -1;
    if (json_bool(json_get(p->config, "root"), "readonly", false))
        plan_op(p->b, PHASE_SYSTEM, ROOT_ATTR, "root.readonly", SLOT(p->root),
                NUM(MOUNT_ATTR_RDONLY), NUM(0));
    if (flags & (MS_UNBINDABLE | MS_SHARED))
        plan_op(p->b, PHASE_SYSTEM, ROOT_ATTR, "linux.rootfsPropagation", SLOT(p->root), NUM(0),
                NUM(flags));
    return 0;
}

/* What config.json says about mounts is about those that the container gets, not about another's. */
int compile_joined_root(struct compile *p, struct error *err)
{
    const struct {
        const char *path;
        const cJSON *value;
    } configured[] = {
        {"mounts", json_get(p->config, "mounts")},
        {"linux.devices", json_get(p->linux_, "devices")},
        {"linux.maskedPaths", json_get(p->linux_, "maskedPaths")},
        {"linux.readonlyPaths", json_get(p->linux_, "readonlyPaths")},
        {"hooks.createContainer", json_at(p->config, "hooks", "createContainer", NULL)},
    };
    static const char why[] = "is not possible in a mount namespace that is joined";

    for (size_t i = 0; i < ARRAY_SIZE(configured); i++)
        if (json_length(configured[i].value))
            return fail(err, 0, configured[i].path, "%s", why);
    if (*json_string(p->linux_, "rootfsPropagation", ""))
        return fail(err, 0, "linux.rootfsPropagation", "%s", why);
    if (json_bool(json_get(p->config, "root"), "readonly", false))
        return fail(err, 0, "root.readonly", "%s", why);
    if (strcmp(json_string(json_get(p->config, "root"), "path", ""), "/"))
        return fail(err, 0, "root.path",
                    "must be \"/\": a mount namespace that is joined has its own");
    return 0;
}
