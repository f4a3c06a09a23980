/* SPDX-License-Identifier: Apache-2.0 */
/* From fields to work: what all families have in common. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------
 */

int resource_find(struct planning *p, const char *path, struct hozo_cursor *at)
{
    return p->update ? hozo_changed(p->ctx, NULL, path, at) : hozo_find(p->ctx, NULL, path, at);
}

static void read_value(struct planning *p, const struct resource *row, const struct hozo_cursor *at,
                       struct value *v)
{
    uint64_t number;

    v->set = true;
    switch (row->type) {
    case HOZO_STRING:
        v->text = hozo_as_string(p->ctx, at);
        break;
    case HOZO_BOOL:
        v->number = hozo_as_bool(p->ctx, at);
        break;
    case HOZO_UINT:
        number = hozo_as_uint(p->ctx, at);
        v->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
        break;
    default:
        v->number = hozo_as_int(p->ctx, at);
    }
}

int resource_values(struct planning *p, struct value *values)
{
    const struct family *f = p->family;

    memset(values, 0, f->n * sizeof(*values));
    for (size_t i = 0; i < f->n; i++) {
        struct hozo_cursor at;
        int found;

        if (!f->rows[i].text)
            continue;
        if ((found = hozo_find(p->ctx, NULL, f->rows[i].path, &at)) < 0)
            return -1;
        if (!found)
            continue;
        read_value(p, &f->rows[i], &at, &values[i]);
        if ((found = resource_find(p, f->rows[i].path, &at)) < 0)
            return -1;
        values[i].named = found;
    }
    return 0;
}

int resource_each(struct planning *p, const char *list, const struct resource *row,
                  resource_entry *entry)
{
    struct hozo_cursor at, item;
    const char *key = NULL;
    int found = resource_find(p, list, &at);

    if (found < 1)
        return found;
    for (size_t i = 0; (found = hozo_item(p->ctx, &at, i, &item, &key)) == 1; i++)
        if (entry(p, row, &item, key) < 0)
            return -1;
    return found;
}

/* --- values as text -----------------------------------------------------------------------------
 */

const char *text_number(int64_t number, char *room)
{
    snprintf(room, TEXT_MAX, "%" PRIi64, number);
    return room;
}

const char *text_plain(const struct value *all, size_t own, enum version version, char *room)
{
    if (version == NOWHERE)
        return NULL;
    return all[own].text ? all[own].text : text_number(all[own].number, room);
}

/* --- work ---------------------------------------------------------------------------------------
 */

enum version resource_version(const struct planning *p)
{
    return !p->h ? NOWHERE : p->h->unified ? V2 : V1;
}

const char *resource_file(const struct planning *p, const struct resource *row)
{
    return resource_version(p) == V2 ? row->v2 : row->v1;
}

int planning_work(struct planning *p, uint32_t phase, const char *path, const char *what,
                  const char *value, const void *data, size_t data_size)
{
    struct hozo_work w = {
        .size = sizeof(w),
        .phase = phase,
        .path = path,
        .what = what,
        .value = value,
        .data = data,
        .data_size = data_size,
    };

    return hozo_plan_work(p->ctx, &w);
}

int planning_assign(struct planning *p, uint32_t phase, const char *path, const char *what,
                    const char *name, const char *text)
{
    auto_free char *value = NULL;

    if (asprintf(&value, strcmp(what, WORK_CHECK) ? "%s=%s" : "%s<=%s", name, text) < 0) {
        value = NULL;
        return hozo_error(p->ctx, ENOMEM, path, "%s", name);
    }
    return planning_work(p, phase, path, what, value, NULL, 0);
}

static uint32_t phase_of(const struct planning *p)
{
    return p->pass == LATE ? HOZO_PHASE_ATTACH : HOZO_PHASE_PREPARE;
}

/* `create` is in the directory that it has just made; any other work has to go there. */
static int enter(struct planning *p, const char *path)
{
    if ((!p->update && p->pass == EARLY) || p->entered == p->h)
        return 0;
    p->entered = p->h;
    if (p->pass == LATE &&
        planning_work(p, HOZO_PHASE_ATTACH, path, WORK_AWAIT, "process", NULL, 0) < 0)
        return -1;
    return planning_work(p, phase_of(p), path, WORK_ENTER, p->h->directory, NULL, 0);
}

int resource_put(struct planning *p, const char *path, const char *what, const char *file,
                 const char *text)
{
    if (p->told)
        return p->told(p, path, what, file, text);
    if (enter(p, path) < 0)
        return -1;
    return planning_assign(p, phase_of(p), path, what, file, text);
}

int resource_refuse(struct planning *p, const char *path)
{
    if (p->why)
        return hozo_error(p->ctx, 0, path, "cannot be applied %s", p->why);
    if (p->h)
        return hozo_error(p->ctx, 0, path, "cgroup %s has nothing like it",
                          p->h->unified ? "v2" : "v1");
    if (!*p->family->controller)
        return hozo_error(p->ctx, 0, path, "the host has no cgroup v2 hierarchy");
    return hozo_error(p->ctx, 0, path, "%s cgroup hierarchy with the controller \"%s\"",
                      p->all.forbidden ? "no right to make a control group in a"
                                       : "the host has no",
                      p->family->controller);
}

int resource_plan(struct planning *p, const struct value *values, size_t own, const char *what)
{
    const struct resource *row = &p->family->rows[own];
    const char *file = resource_file(p, row), *text;
    char room[TEXT_MAX];

    if (!values[own].named)
        return 0;
    text = row->text(values, own, resource_version(p), room);
    if (text && !*text)
        return 0;
    if (!text || !file)
        return resource_refuse(p, row->path);
    return resource_put(p, row->path, what, file, text);
}
