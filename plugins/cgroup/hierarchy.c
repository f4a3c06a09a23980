/* SPDX-License-Identifier: Apache-2.0 */
/* Where the container's cgroups lie: a pure function of linux.cgroupsPath, the id and the host
 * facts. */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugins/cgroup/unit.h"

char *cgroup_path_clean(const char *path)
{
    char *clean = malloc(strlen(path) + 2), *end = clean;

    if (!clean)
        return NULL;
    for (;;) {
        size_t length;

        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (!length)
            break;
        if (length == 2 && !memcmp(path, "..", 2)) {
            free(clean);
            errno = EINVAL;
            return NULL;
        }
        if (length != 1 || *path != '.') {
            *end++ = '/';
            end = mempcpy(end, path, length);
        }
        path += length;
    }
    *end = '\0';
    return clean;
}

char *cgroup_path_resolve(const char *cgroups_path, const char *id, const char *own)
{
    bool absolute = cgroups_path && *cgroups_path == '/';
    auto_free char *path = cgroup_path_clean(cgroups_path && *cgroups_path ? cgroups_path : id);
    auto_free char *parent = absolute ? strdup("") : cgroup_path_clean(own);
    char *last, *joined;

    if (!path || !parent)
        return NULL;
    if (!*path) { /* the root of a hierarchy is nobody's container */
        errno = EINVAL;
        return NULL;
    }
    last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    return asprintf(&joined, "%s%s", parent, path) < 0 ? NULL : joined;
}

bool controllers_have(const char *controllers, const char *controller)
{
    size_t length = strlen(controller);

    for (const char *at = controllers; *at; at += strspn(at, ",")) {
        size_t n = strcspn(at, ",");

        if (n == length && !memcmp(at, controller, n))
            return true;
        at += n;
    }
    return false;
}

bool hierarchy_has(const struct hierarchy *h, const char *controller)
{
    return controllers_have(h->controllers, controller);
}

void hierarchies_free(struct hierarchies *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->at[i].controllers);
        free(all->at[i].mountpoint);
        free(all->at[i].path);
        free(all->at[i].directory);
    }
    all->n = 0;
}

static char *join_controllers(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    struct hozo_cursor list, item;
    char *text = strdup("");

    if (hozo_fact(ctx, at, "controllers", &list) != 1)
        return text;
    for (size_t i = 0; text && hozo_item(ctx, &list, i, &item, NULL) == 1; i++) {
        auto_free char *before = text;

        if (asprintf(&text, "%s%s%s", before, i ? "," : "", hozo_as_string(ctx, &item)) < 0)
            text = NULL;
    }
    return text;
}

static bool writable(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    struct hozo_cursor flag;

    return hozo_fact(ctx, at, "writable", &flag) != 1 || hozo_as_bool(ctx, &flag);
}

/* Where the configuration puts the container's cgroup below this mount point. */
static int resolve(struct hozo_ctx *ctx, struct hierarchy *h, const struct hozo_cursor *at,
                   const char *cgroups_path)
{
    struct hozo_cursor own_place;
    const char *own = "/";

    if (hozo_fact(ctx, at, "own", &own_place) == 1)
        own = hozo_as_string(ctx, &own_place);
    else if (!cgroups_path || *cgroups_path != '/')
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "must be absolute: the mount at %s does not show hozo's own cgroup",
                          h->mountpoint);
    h->path = cgroup_path_resolve(cgroups_path, hozo_id(ctx), own);
    if (!h->path && errno == EINVAL)
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "\"%s\" does not name a cgroup below %s, seen from \"%s\"",
                          cgroups_path ? cgroups_path : "", h->mountpoint, own);
    return 0;
}

/* `at` is a record of the host facts: mountpoint, own, and for v1 controllers. `unit`: the path of a
 * unit's cgroup, which is the same in all hierarchies. */
static int add(struct hozo_ctx *ctx, struct hierarchies *all, const struct hozo_cursor *at,
               bool unified, const char *cgroups_path, const char *unit)
{
    struct hozo_cursor mountpoint;
    struct hierarchy *h;

    if (!unit && (!cgroups_path || !*cgroups_path) && !writable(ctx, at)) {
        all->forbidden = true;
        return 0;
    }
    if (all->n == HIERARCHIES_MAX)
        return hozo_error(ctx, E2BIG, CGROUPS_PATH, "cgroup hierarchies of the host");
    if (hozo_fact(ctx, at, "mountpoint", &mountpoint) != 1)
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "the host facts do not tell where a cgroup hierarchy is mounted");
    h = &all->at[all->n++];
    h->unified = unified;
    h->controllers = unified ? strdup("") : join_controllers(ctx, at);
    if (!(h->mountpoint = strdup(hozo_as_string(ctx, &mountpoint))))
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "control groups");
    if (unit)
        h->path = strdup(unit);
    else if (resolve(ctx, h, at, cgroups_path) < 0)
        return -1;
    if (!h->controllers || !h->path ||
        asprintf(&h->directory, "%s%s", h->mountpoint, h->path) < 0) {
        h->directory = NULL;
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "control groups");
    }
    return 0;
}

static int find_all(struct hozo_ctx *ctx, struct hierarchies *all, const char *cgroups_path,
                    const char *unit)
{
    struct hozo_cursor at, list;

    if (hozo_fact(ctx, NULL, "cgroup.unified", &at) == 1 &&
        add(ctx, all, &at, true, cgroups_path, unit) < 0)
        return -1;
    if (hozo_fact(ctx, NULL, "cgroup.hierarchies", &list) == 1)
        for (size_t i = 0; hozo_item(ctx, &list, i, &at, NULL) == 1; i++)
            if (add(ctx, all, &at, false, cgroups_path, unit) < 0)
                return -1;
    if (!all->n && !all->forbidden)
        return hozo_error(ctx, 0, CGROUPS_PATH, "the host has no cgroup hierarchy mounted");
    all->v2 = all->n == 1 && all->at[0].unified;
    return 0;
}

int hierarchies_of_unit(struct hozo_ctx *ctx, const char *path, struct hierarchies *all)
{
    memset(all, 0, sizeof(*all));
    return find_all(ctx, all, NULL, path);
}

int hierarchies_find(struct hozo_ctx *ctx, struct hierarchies *all)
{
    auto_unit struct unit unit = {0};
    const char *cgroups_path = NULL;
    struct hozo_cursor at;

    memset(all, 0, sizeof(*all));
    if (unit_wanted(ctx))
        return unit_find(ctx, &unit) < 0 ? -1 : hierarchies_of_unit(ctx, unit.path, all);
    switch (hozo_find(ctx, NULL, CGROUPS_PATH, &at)) {
    case -1:
        return -1;
    case 1:
        cgroups_path = hozo_as_string(ctx, &at);
    }
    return find_all(ctx, all, cgroups_path, NULL);
}

/* --- later verbs --------------------------------------------------------------------------------
 */

static const char *recorded_text(struct hozo_ctx *ctx, const struct hozo_cursor *at,
                                 const char *member)
{
    struct hozo_cursor found;

    return hozo_state_find(ctx, at, member, &found) == 1 ? hozo_as_string(ctx, &found) : NULL;
}

int hierarchies_recorded(struct hozo_ctx *ctx, struct hierarchies *all)
{
    struct hozo_cursor list, item;

    memset(all, 0, sizeof(*all));
    if (hozo_state_find(ctx, NULL, "hierarchies", &list) != 1)
        return hozo_error(ctx, 0, NULL, "an older version has made this container's control group");
    for (size_t i = 0; i < HIERARCHIES_MAX && hozo_item(ctx, &list, i, &item, NULL) == 1; i++) {
        struct hierarchy *h = &all->at[all->n++];
        const char *controllers = recorded_text(ctx, &item, "controllers");
        const char *directory = recorded_text(ctx, &item, "directory");

        if (!controllers || !directory)
            return hozo_error(ctx, 0, NULL, "what is recorded of the control group is damaged");
        *h = (struct hierarchy){.unified = !*controllers,
                                .controllers = strdup(controllers),
                                .directory = strdup(directory)};
        if (!h->controllers || !h->directory)
            return hozo_error(ctx, ENOMEM, NULL, "control groups");
    }
    all->v2 = all->n == 1 && all->at[0].unified;
    all->unit = hozo_state_find(ctx, NULL, "unit", &item) == 1 && hozo_as_bool(ctx, &item);
    return 0;
}
