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
    {"slave", MS_SLAVE | MS_REC},           {"private", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE | MS_REC}, {"rslave", MS_SLAVE | MS_REC},
    {"rprivate", MS_PRIVATE | MS_REC},      {"runbindable", MS_UNBINDABLE | MS_REC},
};

static int find_propagation(const char *name, uint64_t *flags, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
        if (!strcmp(propagations[i].name, name)) {
            *flags = propagations[i].flags;
            return 0;
        }
    return fail(err, 0, "linux.rootfsPropagation", "%s is not supported by this version of hozo",
                name);
}

static int propagation(struct compile *p, uint64_t *flags, struct error *err)
{
    const char *wanted = json_string(p->linux_, "rootfsPropagation", "");

    *flags = MS_SLAVE | MS_REC;
    return *wanted ? find_propagation(wanted, flags, err) : 0;
}

/* Bound on itself, by who may open it. */
static void add_root(struct compile *p)
{
    const char *path = p->c->state.rootfs;
    int tree, place;

    if (!p->helper) {
        plan_op(p->b, PHASE_ENTER, ROOT, "root.path", STR(path), SLOT(p->root));
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

    if (propagation(p, &flags, err) < 0)
        return -1;
    /* A slave at least: nothing that is mounted from now on may appear on the host. An unbindable
     * tree could not be bound on itself, so that comes last. */
    plan_op(p->b, PHASE_ENTER, TREE, "linux.rootfsPropagation",
            NUM(flags & MS_UNBINDABLE ? MS_PRIVATE | MS_REC : flags));
    add_root(p);
    if (p->c->no_pivot)
        plan_op(p->b, PHASE_ROOT, MOVE_ROOT, "root", SLOT(p->root));
    else
        plan_op(p->b, PHASE_ROOT, PIVOT, "root", SLOT(p->root));
    return 0;
}

int compile_root_attributes(struct compile *p, struct error *err)
{
    uint64_t flags;

    if (propagation(p, &flags, err) < 0)
        return -1;
    if (json_bool(json_get(p->config, "root"), "readonly", false))
        plan_op(p->b, PHASE_SYSTEM, ROOT_ATTR, "root.readonly", SLOT(p->root),
                NUM(MOUNT_ATTR_RDONLY), NUM(0));
    if (flags & MS_UNBINDABLE)
        plan_op(p->b, PHASE_SYSTEM, ROOT_ATTR, "linux.rootfsPropagation", SLOT(p->root), NUM(0),
                NUM(MS_UNBINDABLE));
    return 0;
}
