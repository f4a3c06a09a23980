/* SPDX-License-Identifier: Apache-2.0 */
/* The unit goes with the container. Its processes are gone by now, and as a rule systemd has seen that. */
#include <errno.h>
#include <string.h>

#include "plugins/systemd/manager.h"

#define POLL_MS 2

struct ending {
    struct hozo_ctx *ctx;
    const struct record *record;
    struct manager *m;
};

/* Not one that somebody has started since under the same name. */
static bool is_ours(const struct record *record, const struct unit_status *status)
{
    return record->invocation ? !strcmp(record->invocation, status->invocation)
                              : !strcmp(record->description, status->description);
}

/* 1: it is there and ours. */
static int look(const struct ending *e)
{
    auto_status struct unit_status status = {0};
    int r = manager_look(e->m, e->record->unit, &status);

    if (r < 1 || is_ours(e->record, &status))
        return r;
    hozo_log(e->ctx, HOZO_LOG_DEBUG, "%s is another unit by now", e->record->unit);
    return 0;
}

static int stop(const struct ending *e)
{
    char result[RESULT_MAX];
    sd_bus_message *message = NULL;
    int r = manager_message(e->m, "StopUnit", &message);

    if (r >= 0 && (r = sd_bus_message_append(message, "ss", e->record->unit, "replace")) >= 0)
        r = manager_job(e->m, message, result);
    sd_bus_message_unref(message);
    return r;
}

static bool is_gone(const struct ending *e, int r)
{
    return r < 0 && sd_bus_error_has_name(&e->m->error, ERROR_NO_SUCH_UNIT);
}

/* A stopped unit is forgotten a moment later, a failed one once that was noted. */
static int await_gone(const struct ending *e)
{
    for (unsigned pause = POLL_MS; pause < 4096; pause *= 2) {
        int r = look(e);

        if (r < 1)
            return r;
        manager_pause(e->m, pause);
    }
    return -ETIMEDOUT;
}

static int end_once(const struct ending *e)
{
    int r = look(e);

    if (r < 1)
        return r;
    if ((r = stop(e)) < 0)
        return is_gone(e, r) ? 0 : r;
    if ((r = manager_ask(e->m, "ResetFailedUnit", "s", e->record->unit)) < 0 && !is_gone(e, r))
        return r;
    return await_gone(e);
}

static int end_unit(const struct ending *e)
{
    int r;

    do {
        r = end_once(e);
    } while (r < 0 && manager_lost(e->m, r));
    if (r >= 0)
        return 0;
    /* Who has gone has taken all units along, and what was left in their groups the cgroup plugin has
     * removed, which comes before. */
    if (r == -ENODEV) {
        hozo_log(e->ctx, HOZO_LOG_DEBUG, "%s is gone, as is the systemd that had it",
                 e->record->unit);
        return 0;
    }
    return manager_failed(e->m, r, NULL, e->record->unit);
}

int systemd_cleanup(struct hozo_ctx *ctx)
{
    auto_record struct record record = {0};
    auto_manager struct manager m;
    struct ending e = {ctx, &record, &m};

    manager_begin(&m, ctx, MANAGER_SYSTEM);
    if (record_read(ctx, &record) < 1)
        return record.unit ? -1 : 0;
    placeholder_end(record.placeholder);
    m.where = record.manager;
    return end_unit(&e);
}
