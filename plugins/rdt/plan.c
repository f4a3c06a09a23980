/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: each group, each line and each tasks file, decided here; the other files only carry it out. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <stdio.h>

#include "plugins/rdt/schemata.h"

static int append(struct hozo_ctx *ctx, uint32_t phase, const char *path, const char *what,
                  const char *value)
{
    const struct hozo_work work = {
        .size = sizeof(work), .phase = phase, .path = path, .what = what, .value = value};

    return hozo_plan_work(ctx, &work);
}

/* --- paths ------------------------------------------------------------------------------------- */

static const char *name_of(struct hozo_ctx *ctx, const struct section *s)
{
    if (!s->clos)
        return hozo_id(ctx);
    return strcmp(s->clos, "/") ? s->clos : "";
}

static int append_path(struct hozo_ctx *ctx, uint32_t phase, const char *path, const char *what,
                       const char *fmt, const char *class, const char *id)
{
    auto_free char *value = NULL;
    bool failed;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    failed = asprintf(&value, fmt, class, id) < 0;
#pragma GCC diagnostic pop
    return failed ? hozo_error(ctx, ENOMEM, path, "plan") : append(ctx, phase, path, what, value);
}

/* --- lines ------------------------------------------------------------------------------------- */

/* config-linux.md, IntelRdt: of l3CacheSchema, lines of MB are not written. */
static int plan_cache(struct hozo_ctx *ctx, const char *lines)
{
    for (const char *at = lines; *at; at += strspn(at, "\n")) {
        size_t length = strcspn(at, "\n");
        auto_free char *line = strndup(at, length);

        if (!line)
            return hozo_error(ctx, ENOMEM, L3, "plan");
        if (schemata_names(line, "MB"))
            hozo_log(ctx, HOZO_LOG_DEBUG, L3 ": \"%s\" is left out: memBwSchema is for that", line);
        else if (length && append(ctx, HOZO_PHASE_PREPARE, L3, WORK_SCHEMA, line) < 0)
            return -1;
        at += length;
    }
    return 0;
}

static int plan_lines(struct hozo_ctx *ctx, const struct section *s)
{
    struct hozo_cursor at;
    int found = 0;

    if (s->l3 && plan_cache(ctx, s->l3) < 0)
        return -1;
    if (s->mb && append(ctx, HOZO_PHASE_PREPARE, MB, WORK_SCHEMA, s->mb) < 0)
        return -1;
    for (size_t i = 0; s->has_schemata && (found = hozo_item(ctx, &s->schemata, i, &at, NULL)) > 0;
         i++) {
        const char *line = hozo_as_string(ctx, &at);

        if (*line && append(ctx, HOZO_PHASE_PREPARE, at.path, WORK_SCHEMATA, line) < 0)
            return -1;
    }
    return found;
}

/* --- the whole --------------------------------------------------------------------------------- */

static int plan_groups(struct hozo_ctx *ctx, const struct section *s)
{
    bool lines = s->l3 || s->mb || s->has_schemata;
    const char *what = !s->clos ? WORK_OWN : lines ? WORK_SHARE : WORK_JOIN;

    if (append_path(ctx, HOZO_PHASE_PREPARE, s->clos ? CLOS : RDT, what, "/%s", name_of(ctx, s),
                    NULL) < 0 ||
        plan_lines(ctx, s) < 0)
        return -1;
    return !s->monitoring ? 0
                          : append_path(ctx, HOZO_PHASE_PREPARE, MONITOR, WORK_MONITOR,
                                        *name_of(ctx, s) ? "/%s/mon_groups/%s" : "%s/mon_groups/%s",
                                        name_of(ctx, s), hozo_id(ctx));
}

/* The class first: writing to its tasks takes the process out of any group that monitors. */
static int plan_tasks(struct hozo_ctx *ctx, const struct section *s)
{
    bool root = !*name_of(ctx, s);

    if (append_path(ctx, HOZO_PHASE_ATTACH, RDT, WORK_TASKS, root ? "%s/tasks" : "/%s/tasks",
                    name_of(ctx, s), NULL) < 0)
        return -1;
    return !s->monitoring ? 0
                          : append_path(ctx, HOZO_PHASE_ATTACH, MONITOR, WORK_TASKS,
                                        root ? "%s/mon_groups/%s/tasks" : "/%s/mon_groups/%s/tasks",
                                        name_of(ctx, s), hozo_id(ctx));
}

int rdt_plan(struct hozo_ctx *ctx)
{
    struct section s;
    int found = section_read(ctx, ctx->host->find, &s);

    if (found <= 0)
        return found;
    return plan_groups(ctx, &s) < 0 ? -1 : plan_tasks(ctx, &s);
}

int rdt_exec(struct hozo_ctx *ctx)
{
    struct section s;
    int found = section_read(ctx, ctx->host->find, &s);

    return found <= 0 ? found : plan_tasks(ctx, &s);
}

int rdt_update(struct hozo_ctx *ctx)
{
    struct section s;
    struct hozo_cursor at;
    int found = section_read(ctx, ctx->host->changed, &s);

    if (found <= 0)
        return found;
    if (s.clos || hozo_changed(ctx, NULL, MONITOR, &at) > 0)
        return hozo_error(ctx, 0, s.clos ? CLOS : MONITOR, "does not change with an update");
    return plan_lines(ctx, &s);
}
