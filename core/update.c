/* SPDX-License-Identifier: Apache-2.0 */
/* update: every plugin agrees to all of it before one of them acts; then it is part of the frozen configuration. */
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"
#include "core/foreign.h"
#include "core/json-edit.h"
#include "core/lifecycle.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/plugin-parts.h"
#include "core/spec/rows.h"

static cJSON *resources_of(const struct json *doc)
{
    cJSON *linux_ = cJSON_GetObjectItemCaseSensitive(doc->root, "linux");

    return cJSON_GetObjectItemCaseSensitive(linux_, "resources");
}

/* Who updates a container sends all that it has, the device rules too; but what the container may open by now
 * is more than what its configuration says: hooks and engines have added to it. */
static void leave_devices(struct container *c)
{
    cJSON *resources = resources_of(&c->changes);

    if (!json_get(resources, "devices"))
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(resources, "devices");
    if (c->log)
        log_line(c->log, LOG_LEVEL_DEBUG, "update leaves linux.resources.devices as they are");
}

static int check_changes(struct container *c, struct error *err)
{
    const cJSON *linux_ = json_get(c->changes.root, "linux");

    if (spec_check(&c->changes, linux_, spec_linux, "linux", err) < 0)
        return -1;
    if (json_length(json_get(linux_, "resources")) && !c->state.cgroup.list)
        return fail(err, 0, "linux.resources", "the container has no control group to be limited");
    if (json_get(linux_, "intelRdt") && !json_at(c->config.root, "linux", "intelRdt", NULL))
        return fail(err, 0, "linux.intelRdt", "the container was made without this section");
    if (fields_served(&c->plugins, linux_, spec_linux, "linux", err) < 0)
        return -1;
    return fields_check(&c->plugins, &c->changes, err);
}

/* Objects member by member, anything else as a whole; null changes nothing. */
static int merge(struct json *doc, cJSON *into, const struct json *from_doc, const cJSON *from,
                 struct error *err)
{
    const cJSON *child;

    cJSON_ArrayForEach (child, from) {
        cJSON *own = cJSON_GetObjectItemCaseSensitive(into, child->string);
        auto_text struct text text = {0};

        if (cJSON_IsNull(child))
            continue;
        if (cJSON_IsObject(own) && cJSON_IsObject(child)) {
            if (merge(doc, own, from_doc, child, err) < 0)
                return -1;
            continue;
        }
        text_json_tree(&text, from_doc, child);
        if (text.failed)
            return fail_memory(err);
        if (json_insert(doc, into, child->string, text.at, text.length, err) < 0)
            return -1;
    }
    return 0;
}

/* Where memory has no limit any more, memory and swap together have none, unless this update names one: what was
 * configured would come back, or be in the way, with the next limit of memory. */
static void forget_swap(struct container *c)
{
    const cJSON *named = json_get(resources_of(&c->changes), "memory");
    cJSON *memory = cJSON_GetObjectItemCaseSensitive(resources_of(&c->config), "memory");

    if (json_int(&c->changes, named, "limit", 0) == -1 && !json_get(named, "swap"))
        cJSON_DeleteItemFromObjectCaseSensitive(memory, "swap");
}

static int plan_update(struct container *c, struct error *err)
{
    plan_builder_free(&c->builder);
    if (!(c->builder = plan_new()))
        return fail_memory(err);
    if (plugins_call(c, STAGE_UPDATE, err) < 0)
        return -1;
    free(steal_ptr(c->plan));
    return plan_finish(c->builder, &c->plan, err);
}

int compile_update(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_COMPILE, NULL);

    leave_devices(c);
    if (check_changes(c, err) < 0)
        return -1;
    fields_prune(&c->plugins, &c->changes);
    c->adjusted = true;
    if (c->state.machine && machine_raise_memory(&c->changes, c->state.overhead, err) < 0)
        return -1;
    if (merge(&c->config, c->config.root, &c->changes, c->changes.root, err) < 0)
        return -1;
    forget_swap(c);
    if (fields_check(&c->plugins, &c->config, err) < 0)
        return -1;
    return plan_update(c, err);
}

int container_update(struct container *c, struct error *err)
{
    enum status status;

    if (foreign_refuse(&c->state, "update", err) < 0)
        return -1;
    status = state_status(c->dirfd, &c->state);
    if (status == STATUS_STOPPED)
        return fail(err, 0, NULL, "container not running: no such process");
    if (status == STATUS_CREATING)
        return fail(err, 0, NULL, "the container is still being created");
    if (container_facts(c, err) < 0 ||
        plugins_open_for(c, IN(UPDATE) | IN(UPDATE_APPLY), err) < 0 || compile_update(c, err) < 0 ||
        plugins_update_apply(c, err) < 0)
        return -1;
    if (config_freeze(c, true, err) == 0)
        return 0;
    plugins_update_undo(c, c->plugins.n_opened, err);
    return -1;
}
