/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount of type cgroup: on v2 the one hierarchy; on v1 and hybrid a tmpfs with one mount for each v1
 * hierarchy, which in a new cgroup namespace shows the container's part of it, and otherwise is a bind
 * of that part.
 */
#include "core/compile.h"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>

#include "core/linux/confine.h"
#include "core/linux/mount-options.h"

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The container's path in a hierarchy: as the plugin that manages it said, else hozo's own; NULL if the
 * mount does not even show that. */
static const char *own_path(const struct compile *p, const char *controllers,
                            const cJSON *hierarchy)
{
    size_t length = strlen(controllers);

    for (char **m = p->c->state.cgroup.mounts; m && *m; m++)
        if (!strncmp(*m, controllers, length) && (*m)[length] == '=')
            return *m + length + 1;
    return json_string(hierarchy, "own", NULL);
}

static int add_hierarchy(struct compile *p, const cJSON *hierarchy, const char *target,
                         const char *path, const struct mount_options *o, struct error *err)
{
    const char *mountpoint = json_string(hierarchy, "mountpoint", "");
    auto_text struct text controllers = {0}, at = {0}, source = {0};
    auto_free const char **options = json_strings(json_get(hierarchy, "controllers"));
    const char *no_controller[] = {"none", NULL, NULL};

    for (const char **name = options; name && *name; name++)
        text_add(&controllers, "%s%s", name == options ? "" : ",", *name);
    text_add(&at, "%s/%s", target, base(mountpoint));
    if (p->new_namespaces & CLONE_NEWCGROUP) {
        const char *const *list = options;

        if (options && options[0] && strchr(options[0], '=')) { /* name=systemd: no controller */
            no_controller[1] = options[0];
            list = no_controller;
        }
        plan_op(p->b, PHASE_MOUNTS, MOUNT, path, SLOT(p->root), STR(at.at), STR("cgroup"),
                STR("cgroup"), LIST(list), NUM(o->set), NUM(o->propagation), NUM(0));
    } else {
        const char *own = own_path(p, controllers.at ? controllers.at : "", hierarchy);

        if (!own)
            return fail(err, 0, path, "%s does not show the container's control group", mountpoint);
        text_add(&source, "%s%s", mountpoint, own);
        plan_op(p->b, PHASE_MOUNTS, BIND, path, SLOT(p->root), STR(at.at), STR(source.at), NUM(0),
                NUM(o->set), NUM(0), NUM(0), NUM(0), NUM(o->propagation),
                NUM(compile_bind_how(p, o)));
    }
    plan_what(p->b, "mount cgroup to %s", at.at ? at.at : "");
    /* "cpu" and "cpuacct" beside "cpu,cpuacct" */
    for (const char **name = options; name && *name; name++)
        if (strchr(base(mountpoint), ',')) {
            auto_text struct text link = {0};

            text_add(&link, "%s/%s", target, *name);
            plan_op(p->b, PHASE_MOUNTS, SYMLINK, path, SLOT(p->root), STR(link.at),
                    STR(base(mountpoint)), NUM(0));
        }
    return 0;
}

static int add_v1(struct compile *p, const char *target, const char *path,
                  const struct mount_options *o, struct error *err)
{
    const char *tmpfs[] = {"mode=755", NULL, NULL};
    auto_free char *label = NULL;
    const cJSON *hierarchies = json_at(p->c->facts.root, "cgroup", "hierarchies", NULL), *hierarchy;

    if (mount_label_option(p, "tmpfs", tmpfs, &label, err) < 0)
        return -1;
    tmpfs[1] = label;
    plan_op(p->b, PHASE_MOUNTS, MOUNT, path, SLOT(p->root), STR(target), STR("tmpfs"),
            STR("cgroup"), LIST(tmpfs), NUM(o->set & ~(uint64_t)MOUNT_ATTR_RDONLY),
            NUM(o->propagation), NUM(0));
    plan_what(p->b, "mount tmpfs to %s", target);
    cJSON_ArrayForEach (hierarchy, hierarchies)
        if (add_hierarchy(p, hierarchy, target, path, o, err) < 0)
            return -1;
    if (o->set & MOUNT_ATTR_RDONLY)
        plan_op(p->b, PHASE_MOUNTS, READONLY, path, SLOT(p->root), STR(target));
    return 0;
}

/* The kernel lets nobody mount the hierarchy in a user namespace that does not own the cgroup namespace. The
 * host's is shown, but cannot be written: a process of the container may have a right to parts of it as the
 * user that it is outside (CVE-2023-25809). */
static void add_whole(struct compile *p, const char *target, const char *path,
                      const struct mount_options *o)
{
    const char *mountpoint = json_string(json_at(p->c->facts.root, "cgroup", "unified", NULL),
                                         "mountpoint", "/sys/fs/cgroup");

    plan_op(p->b, PHASE_MOUNTS, BIND, path, SLOT(p->root), STR(target), STR(mountpoint), NUM(1),
            NUM(o->set | MOUNT_ATTR_RDONLY), NUM(0), NUM(MOUNT_ATTR_RDONLY), NUM(0),
            NUM(o->propagation), NUM(HOW_NO_SYMLINKS));
    plan_what(p->b, "bind %s to %s", mountpoint, target);
}

int compile_cgroup_mount(struct compile *p, const char *target, const struct mount_options *o,
                         const char *path, struct error *err)
{
    const char *layout = json_string(json_get(p->c->facts.root, "cgroup"), "layout", "none");
    char at[256];

    snprintf(at, sizeof at, "%s.options", path);
    if (o->copy_up)
        return fail(err, 0, at, "tmpcopyup is for tmpfs");
    if (!strcmp(layout, "none"))
        return fail(err, 0, path, "this host has no control groups mounted");
    if (!strcmp(layout, "v2") && p->bind_nodes && !(p->namespaces & CLONE_NEWCGROUP)) {
        add_whole(p, target, path, o);
        return 0;
    }
    if (!strcmp(layout, "v2")) {
        plan_op(p->b, PHASE_MOUNTS, MOUNT, path, SLOT(p->root), STR(target), STR("cgroup2"),
                STR("cgroup"), LIST(o->data), NUM(o->set), NUM(o->propagation),
                NUM(HOW_NO_SYMLINKS));
        plan_what(p->b, "mount cgroup2 to %s", target);
        return 0;
    }
    if (o->data[0])
        return fail(err, 0, at, "\"%s\" means nothing to the mounts of cgroup v1", o->data[0]);
    return add_v1(p, target, path, o, err);
}
