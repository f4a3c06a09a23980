/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.network: the controllers net_cls and net_prio, which cgroup v2 does not have. */
#include "plugins/cgroup/resources.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NETWORK RESOURCES ".network"

static const char *class(const struct value *all, size_t own, enum version version, char *room)
{
    return version == V1 ? text_number(all[own].number, room) : NULL;
}

/* clang-format off */
static const struct resource classes[] = {
    {NETWORK ".classID", HOZO_UINT, "net_cls.classid", NULL, class, ""},
};
static const struct resource priorities[] = {
    {NETWORK ".priorities[]", HOZO_OBJECT, "net_prio.ifpriomap", NULL, NULL, "`NAME PRIORITY`"},
};
/* clang-format on */

static int plan_class(struct planning *p)
{
    struct value v[1];

    return resource_values(p, v) < 0 ? -1 : resource_plan(p, v, 0, WORK_WRITE);
}

static int priority(struct planning *p, const struct resource *row, const struct hozo_cursor *entry,
                    const char *key)
{
    struct hozo_cursor name_at, at;
    char text[TEXT_MAX];
    const char *name;

    (void)key;
    if (hozo_find(p->ctx, entry, "name", &name_at) < 0 ||
        hozo_find(p->ctx, entry, "priority", &at) < 0)
        return -1;
    name = hozo_as_string(p->ctx, &name_at);
    if (!*name || strpbrk(name, " \t\n/") || strlen(name) > 64)
        return hozo_error(p->ctx, 0, name_at.path, "\"%.40s\" is not the name of an interface",
                          name);
    if (resource_version(p) != V1)
        return resource_refuse(p, entry->path);
    snprintf(text, sizeof(text), "%s %" PRIu64, name, hozo_as_uint(p->ctx, &at));
    return resource_put(p, entry->path, WORK_WRITE, row->v1, text);
}

static int plan_priorities(struct planning *p)
{
    return resource_each(p, NETWORK ".priorities", priorities, priority);
}

const struct family net_cls_family = {"net_cls", NETWORK, EARLY, classes, 1, plan_class};
const struct family net_prio_family = {"net_prio", NETWORK, EARLY, priorities, 1, plan_priorities};
