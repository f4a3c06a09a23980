/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: which unit, with which properties; start.c and update.c only carry it out. */
#include "plugins/systemd/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugins/systemd/variant.h"

/* --- work ------------------------------------------------------------------------------------------ */

static int work(struct hozo_ctx *ctx, uint32_t phase, const char *path, const char *what,
                const char *value)
{
    struct hozo_work w = {
        .size = sizeof(w), .phase = phase, .path = path, .what = what, .value = value};

    return hozo_plan_work(ctx, &w);
}

static int prepare_work(struct hozo_ctx *ctx, const char *what, const char *value)
{
    return work(ctx, HOZO_PHASE_PREPARE, CGROUPS_PATH, what, value);
}

static int plan_properties(const struct properties *p)
{
    for (size_t i = 0; i < p->n; i++) {
        auto_free char *text = NULL;
        char what[32] = WORK_PROPERTY;

        if (p->at[i].since)
            snprintf(what, sizeof(what), WORK_PROPERTY "-%u", p->at[i].since);
        if (asprintf(&text, "%s=%s", p->at[i].name, p->at[i].value) < 0) {
            text = NULL;
            return hozo_error(p->ctx, ENOMEM, p->at[i].path, "property %s", p->at[i].name);
        }
        if (work(p->ctx, HOZO_PHASE_PREPARE, p->at[i].path, what, text) < 0)
            return -1;
    }
    return 0;
}

bool next_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *w)
{
    *w = (struct hozo_work){.size = sizeof(*w)};
    return hozo_next_work(ctx, index, w) == 1;
}

bool is_property(const struct hozo_work *w, unsigned *since)
{
    const size_t n = strlen(WORK_PROPERTY);

    *since = 0;
    if (strncmp(w->what, WORK_PROPERTY, n) != 0)
        return false;
    return !w->what[n] || sscanf(w->what + n, "-%u", since) == 1;
}

const char *work_value(struct hozo_ctx *ctx, const char *what)
{
    struct hozo_work w;

    for (size_t i = 0; next_work(ctx, i, &w); i++)
        if (!strcmp(w.what, what))
            return w.value;
    return NULL;
}

/* --- properties of every unit ----------------------------------------------------------------------- */

static int set_string(struct properties *p, const char *name, const char *text)
{
    auto_free char *value = property_string(text);

    if (!value)
        return hozo_error(p->ctx, ENOMEM, CGROUPS_PATH, "property %s", name);
    return properties_set(p, CGROUPS_PATH, name, "%s", value);
}

static int set_description(struct properties *p)
{
    auto_free char *text = NULL;

    if (asprintf(&text, "hozo container %s", hozo_id(p->ctx)) < 0) {
        text = NULL;
        return hozo_error(p->ctx, ENOMEM, CGROUPS_PATH, "property Description");
    }
    return set_string(p, "Description", text);
}

/* A slice lies where its name says; that the other one exists as well is all that can be asked for. */
static int set_place(struct properties *p, const struct unit *unit)
{
    auto_free char *slice = property_string(unit->slice);

    if (!slice)
        return hozo_error(p->ctx, ENOMEM, CGROUPS_PATH, "property Slice");
    if (unit->is_slice)
        return properties_set(p, CGROUPS_PATH, "Wants", "[%s]", slice);
    if (properties_set(p, CGROUPS_PATH, "Slice", "%s", slice) < 0)
        return -1;
    /* What is below belongs to the container; all controllers are there whether a limit is set or not. */
    return properties_set(p, CGROUPS_PATH, "Delegate", "true");
}

/* The container ends when its engine says so, not when the host's targets change; and nothing of it is
 * kept for somebody to look at who will not come. */
static int set_life(struct properties *p, bool v2)
{
    static const char *const accounting[] = {"CPUAccounting", "MemoryAccounting",
                                             "TasksAccounting"};

    if (properties_set(p, CGROUPS_PATH, "DefaultDependencies", "false") < 0 ||
        properties_set(p, CGROUPS_PATH, "CollectMode", "'inactive-or-failed'") < 0)
        return -1;
    for (size_t i = 0; i < sizeof(accounting) / sizeof(accounting[0]); i++)
        if (properties_set(p, CGROUPS_PATH, accounting[i], "true") < 0)
            return -1;
    return properties_set(p, CGROUPS_PATH, v2 ? "IOAccounting" : "BlockIOAccounting", "true");
}

static int set_all(struct properties *p, const struct unit *unit, const struct hierarchies *all)
{
    if (set_description(p) < 0 || set_place(p, unit) < 0 || set_life(p, all->v2) < 0 ||
        properties_of_resources(p, all, false) < 0)
        return -1;
    if (!unit->user && properties_of_devices(p, all) < 0)
        return -1;
    return properties_annotated(p);
}

/* --- create ------------------------------------------------------------------------------------------ */

static int plan_manager(struct hozo_ctx *ctx, const struct unit *unit)
{
    struct hozo_cursor directory;
    const char *where = MANAGER_SYSTEM;

    if (unit->user && hozo_fact(ctx, NULL, "runtimeDirectory", &directory) == 1)
        where = hozo_as_string(ctx, &directory);
    return prepare_work(ctx, WORK_MANAGER, where);
}

/* All that is in the unit's group goes when the container does. */
static int plan_vacancy(struct hozo_ctx *ctx, const struct hierarchies *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (prepare_work(ctx, WORK_VACANT, all->at[i].directory) < 0)
            return -1;
    return 0;
}

static int plan_unit(struct hozo_ctx *ctx, const struct unit *unit, const struct hierarchies *all)
{
    auto_properties struct properties properties = {.ctx = ctx};

    if (set_all(&properties, unit, all) < 0 || plan_manager(ctx, unit) < 0 ||
        plan_vacancy(ctx, all) < 0 || plan_properties(&properties) < 0 ||
        (!unit->is_slice && prepare_work(ctx, WORK_PLACEHOLDER, unit->name) < 0) ||
        prepare_work(ctx, WORK_START, unit->name) < 0 ||
        prepare_work(ctx, WORK_GROUP, unit->path) < 0)
        return -1;
    return unit->is_slice ? 0 : work(ctx, HOZO_PHASE_ATTACH, CGROUPS_PATH, WORK_LEAVE, unit->name);
}

int systemd_plan(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(hierarchies_free))) struct hierarchies all = {.n = 0};
    auto_unit struct unit unit = {0};

    if (unit_find(ctx, &unit) < 0 || hierarchies_of_unit(ctx, unit.path, &all) < 0)
        return -1;
    return plan_unit(ctx, &unit, &all);
}

/* --- update ------------------------------------------------------------------------------------------ */

int systemd_update(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(hierarchies_free))) struct hierarchies all = {.n = 0};
    auto_properties struct properties properties = {.ctx = ctx};
    auto_record struct record record = {0};

    if (record_read(ctx, &record) < 1)
        return hozo_error(ctx, 0, NULL, "the container has no unit");
    if (hierarchies_of_unit(ctx, "", &all) < 0 ||
        properties_of_resources(&properties, &all, true) < 0 || plan_properties(&properties) < 0)
        return -1;
    return properties.n ? prepare_work(ctx, WORK_SET, record.unit) : 0;
}
