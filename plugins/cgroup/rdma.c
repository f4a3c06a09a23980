/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.rdma. */
#include "plugins/cgroup/resources.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RDMA RESOURCES ".rdma"

enum { HANDLES, OBJECTS, COUNT };

/* clang-format off */
static const struct resource rows[COUNT] = {
    [HANDLES] = {RDMA ".*.hcaHandles", HOZO_UINT, "rdma.max", "rdma.max", NULL,
                 "`NAME hca_handle=N`; absent is `max`"},
    [OBJECTS] = {RDMA ".*.hcaObjects", HOZO_UINT, "rdma.max", "rdma.max", NULL,
                 "in the same line, `hca_object=N`; absent is `max`"},
};
/* clang-format on */

/* " hca_handle=2"; of an update, what is absent stays as it is. Whether it is there. */
static int append(struct planning *p, const struct hozo_cursor *entry, const char *member,
                  const char *word, char text[TEXT_MAX])
{
    struct hozo_cursor at;
    int found = hozo_find(p->ctx, entry, member, &at);
    size_t n = strlen(text);

    if (found > 0)
        snprintf(text + n, TEXT_MAX - n, " %s=%" PRIu64, word, hozo_as_uint(p->ctx, &at));
    else if (!found && !p->update)
        snprintf(text + n, TEXT_MAX - n, " %s=max", word);
    return found;
}

static int limit(struct planning *p, const struct resource *row, const struct hozo_cursor *entry,
                 const char *name)
{
    char text[TEXT_MAX];
    int handles, objects;

    if (!*name || strpbrk(name, " \t\n=/") || strlen(name) > 64)
        return hozo_error(p->ctx, 0, entry->path, "\"%.40s\" is not the name of a device", name);
    snprintf(text, sizeof(text), "%s", name);
    if ((handles = append(p, entry, "hcaHandles", "hca_handle", text)) < 0 ||
        (objects = append(p, entry, "hcaObjects", "hca_object", text)) < 0)
        return -1;
    if (!handles && !objects)
        return hozo_error(p->ctx, 0, entry->path, "has neither hcaHandles nor hcaObjects");
    if (!p->h)
        return resource_refuse(p, entry->path);
    return resource_put(p, entry->path, WORK_WRITE, resource_file(p, row), text);
}

static int plan(struct planning *p)
{
    return resource_each(p, RDMA, rows, limit);
}

const struct family rdma_family = {"rdma", RDMA, EARLY, rows, COUNT, plan};
