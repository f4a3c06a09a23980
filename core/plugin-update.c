/* SPDX-License-Identifier: Apache-2.0 */
/* `update` and `events` as plugins take part in them. */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/json-edit.h"

/* --- what is not set -------------------------------------------------------------------------- */

bool row_unset(const struct hozo_field *row, const struct json *doc, const cJSON *node)
{
    int64_t number;

    if (!(row->use & HOZO_UNSET_0))
        return false;
    if (cJSON_IsString(node))
        return !*node->valuestring;
    return cJSON_IsNumber(node) && !json_i64(doc, node, &number) && !number;
}

/* Rows of this kind name members of objects only: plugin_check_content() has seen to that. */
static void prune_row(const struct hozo_field *row, struct json *doc)
{
    cJSON *node = doc->root, *around = NULL;
    const char *at = row->path;
    char name[64];

    for (; node && *at; at += *at == '.') {
        size_t n = strcspn(at, ".");

        snprintf(name, sizeof name, "%.*s", (int)n, at);
        around = node;
        node = cJSON_GetObjectItemCaseSensitive(node, name);
        at += n;
    }
    if (node && around && row_unset(row, doc, node))
        cJSON_DeleteItemFromObjectCaseSensitive(around, name);
}

void fields_prune(const struct plugins *p, struct json *doc)
{
    for (size_t i = 0; i < p->n_opened; i++)
        table_each(struct hozo_field, row, &p->opened[i]->d->fields)
        {
            if (row->use & HOZO_UNSET_0)
                prune_row(row, doc);
        }
}

/* --- update ----------------------------------------------------------------------------------- */

/* What cannot be undone is told behind what failed. */
static void tell_left(const char *plugin, const struct error *left, struct error *err)
{
    char failed[600], also[400];
    struct error first = *err;

    first.path[0] = '\0'; /* it stays where it is */
    error_format(&first, failed, sizeof failed);
    error_format(left, also, sizeof also);
    fail(err, 0, err->path, "%s; and what plugin %s did could not be undone: %s", failed, plugin,
         also);
}

void plugins_update_undo(struct container *c, size_t n, struct error *err)
{
    while (n-- > 0) {
        struct error left = {0};

        if (plugins_call_one(c, n, STAGE_UPDATE_UNDO, &left) < 0)
            tell_left(c->plugins.opened[n]->d->name, &left, err);
    }
}

/* The one that fails has left all as it was itself. */
int plugins_update_apply(struct container *c, struct error *err)
{
    for (size_t i = 0; i < c->plugins.n_opened; i++) {
        if (plugins_call_one(c, i, STAGE_UPDATE_APPLY, err) == 0)
            continue;
        plugins_update_undo(c, i, err);
        return -1;
    }
    return 0;
}

/* --- events ----------------------------------------------------------------------------------- */

int stats_tell(struct hozo_ctx *ctx, const char *member, const char *json, size_t size)
{
    auto_json struct json value = {0};
    struct call *k = call_of(ctx);
    struct json *stats = &k->c->stats;
    struct error err = {0};

    if (call_allowed(k, "hozo_stats", IN(STATS)) < 0)
        return -1;
    if (json_get(stats->root, member))
        return call_refuse(k, "tells %s, which another has told", member);
    if (json_parse(&value, member, json, size, &err) < 0)
        return call_refuse(k, "tells what is not JSON: %s", err.text);
    if (json_insert(stats, stats->root, member, json, size, &err) < 0)
        return call_refuse(k, "out of memory");
    return 0;
}

int plugins_stats(struct container *c, struct error *err)
{
    json_free(&c->stats);
    if (json_parse(&c->stats, "statistics", "{}", 2, err) < 0)
        return -1;
    return plugins_call(c, STAGE_STATS, err);
}
