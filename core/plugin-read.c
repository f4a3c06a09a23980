/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a callback reads: configuration, host facts, its own state. A field or annotation of the
 * configuration that its descriptor does not declare is refused, so that what `features` and the
 * manual say of a plugin cannot drift from what it does.
 */
#include "core/plugin-parts.h"

#include <errno.h>
#include <string.h>

/* --- memory for one call ---------------------------------------------------------------------- */

struct scrap {
    struct scrap *next;
    size_t used, room;
    _Alignas(8) char bytes[];
};

#define SCRAP_ROOM 4000

void *scrap_alloc(struct call *k, size_t size)
{
    struct scrap *s = k->scraps;

    size = (size + 7) & ~(size_t)7;
    if (!s || s->room - s->used < size) {
        size_t room = size > SCRAP_ROOM ? size : SCRAP_ROOM;

        if (!(s = malloc(sizeof *s + room))) {
            call_refuse(k, "out of memory");
            return NULL;
        }
        *s = (struct scrap){.next = k->scraps, .room = room};
        k->scraps = s;
    }
    s->used += size;
    return s->bytes + s->used - size;
}

char *scrap_copy(struct call *k, const char *string, size_t length)
{
    char *copy = scrap_alloc(k, length + 1);

    if (copy) {
        memcpy(copy, string, length);
        copy[length] = '\0';
    }
    return copy;
}

void scraps_free(struct call *k)
{
    while (k->scraps) {
        struct scrap *next = k->scraps->next;

        free(k->scraps);
        k->scraps = next;
    }
}

/* --- cursors ---------------------------------------------------------------------------------- */

/* What a cursor's tag points to. */
struct place {
    const struct json *doc;
    const struct hozo_table *rows; /* that declare what may be read; NULL: facts or state */
    const char *field;             /* in the specification's words */
};

static const struct place *place_of(const struct hozo_cursor *at)
{
    return (const struct place *)(uintptr_t)at->tag;
}

/* A walk from one cursor to another. */
struct reach {
    const struct json *doc;
    const cJSON *node;
    struct text path, field;
    const struct hozo_table *rows; /* configuration or settings: what is declared */
};

static void reach_free(struct reach *r)
{
    text_free(&r->path);
    text_free(&r->field);
}

static int reach_start(struct call *k, struct reach *r, const struct json *doc, const cJSON *root,
                       const struct hozo_table *rows, const struct hozo_cursor *at)
{
    *r = (struct reach){.doc = doc, .node = root, .rows = rows};
    if (!at)
        return 0;
    if (!at->tag || !at->path)
        return call_refuse(k, "uses a cursor that it was not given");
    r->doc = place_of(at)->doc;
    r->node = at->node;
    /* The document is the cursor's; asked through the wrong function, it stays guarded. */
    r->rows = place_of(at)->rows;
    text_put(&r->path, at->path);
    text_put(&r->field, r->rows ? place_of(at)->field : "");
    return 0;
}

static bool is_settings(const char *path)
{
    return !strncmp(path, "settings", 8) && (!path[8] || path[8] == '.');
}

/* 1, or 0 if there is nothing; the cursor is written in both cases. */
static int reach_end(struct call *k, struct reach *r, struct hozo_cursor *found)
{
    struct place *place = scrap_alloc(k, sizeof *place);
    const char *path = r->path.at ? r->path.at : "", *field = r->field.at ? r->field.at : "";
    const struct hozo_field *unset;

    if (!place)
        return -1;
    if (r->path.failed || r->field.failed)
        return call_refuse(k, "out of memory");
    /* They lie among the host facts, so that a plan depends on nothing else; but each is for one plugin. */
    if (!r->rows && r->doc == &k->c->facts && is_settings(path))
        return call_refuse(k, "reads %s, which is hozo_setting()'s to give", path);
    if (r->rows && !rows_declare(r->rows, field, HOZO_OWN | HOZO_READ, true))
        return call_refuse(k, "reads %s%s without declaring it",
                           r->rows == &k->plugin->d->settings ? "setting " : "", path);
    if (r->rows && r->node && (unset = rows_find(r->rows, field, HOZO_UNSET_0)) &&
        row_unset(unset, r->doc, r->node))
        r->node = NULL;
    *place = (struct place){.doc = r->doc, .rows = r->rows};
    if (r->rows && !(place->field = scrap_copy(k, field, r->field.length)))
        return -1;
    if (!(path = scrap_copy(k, path, r->path.length)))
        return -1;
    *found = (struct hozo_cursor){.node = r->node, .path = path, .tag = (uintptr_t)place};
    return r->node ? 1 : 0;
}

/* The next member: up to a dot, or, in a map, all that is left: keys may hold dots. */
static int reach_member(struct call *k, struct reach *r, const char **rest)
{
    bool map = r->rows && r->field.length && rows_map(r->rows, r->field.at);
    size_t length = map ? strlen(*rest) : strcspn(*rest, ".");
    char *name = scrap_copy(k, *rest, length);

    if (!name)
        return -1;
    path_member(&r->path, name);
    if (map)
        text_put(&r->field, ".*");
    else
        path_member(&r->field, name);
    r->node = json_get(r->node, name);
    *rest += length;
    *rest += **rest == '.';
    return 0;
}

static int find(struct call *k, const struct json *doc, const cJSON *root,
                const struct hozo_table *rows, const struct hozo_cursor *at, const char *path,
                struct hozo_cursor *found)
{
    struct reach r __attribute__((cleanup(reach_free))) = {0};

    if (reach_start(k, &r, doc, root, rows, at) < 0)
        return -1;
    while (path && *path)
        if (reach_member(k, &r, &path) < 0)
            return -1;
    return reach_end(k, &r, found);
}

int read_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
              struct hozo_cursor *found)
{
    struct call *k = call_of(ctx);

    return find(k, &k->c->config, k->c->config.root, &k->plugin->d->fields, at, path, found);
}

int read_changed(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                 struct hozo_cursor *found)
{
    struct call *k = call_of(ctx);

    if (call_allowed(k, "hozo_changed", IN(UPDATE)) < 0)
        return -1;
    return find(k, &k->c->changes, k->c->changes.root, &k->plugin->d->fields, at, path, found);
}

int read_fact(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
              struct hozo_cursor *found)
{
    struct call *k = call_of(ctx);

    return find(k, &k->c->facts, k->c->facts.root, NULL, at, path, found);
}

/* Settings have been checked against the rows when the plugin was opened. */
int read_setting(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                 struct hozo_cursor *found)
{
    struct call *k = call_of(ctx);
    const cJSON *own = json_at(k->c->facts.root, "settings", k->plugin->d->name, NULL);

    return find(k, &k->c->facts, own, &k->plugin->d->settings, at, path, found);
}

int read_state(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
               struct hozo_cursor *found)
{
    struct call *k = call_of(ctx);
    const struct state_plugin *state = call_state(k);
    struct error err = {0};

    if (!k->state.root && state && state->value &&
        json_parse(&k->state, "its state", state->value, strlen(state->value), &err) < 0)
        return call_refuse(k, "%s", err.text);
    return find(k, &k->state, k->state.root, NULL, at, path, found);
}

/* --- elements --------------------------------------------------------------------------------- */

static const cJSON *skip_null(const cJSON *node)
{
    while (cJSON_IsNull(node))
        node = node->next;
    return node;
}

/* Goes on where the call before ended, so that a list is walked once. */
static const cJSON *nth(struct call *k, const cJSON *container, size_t index)
{
    bool members = cJSON_IsObject(container);
    const cJSON *child;
    size_t i = 0;

    if (!members && !cJSON_IsArray(container))
        return NULL;
    if (k->last.container == container && k->last.index <= index) {
        child = k->last.child;
        i = k->last.index;
    } else {
        child = members ? skip_null(container->child) : container->child;
    }
    for (; child && i < index; i++)
        child = members ? skip_null(child->next) : child->next;
    k->last.container = container;
    k->last.child = child;
    k->last.index = i;
    return child;
}

int read_item(struct hozo_ctx *ctx, const struct hozo_cursor *at, size_t index,
              struct hozo_cursor *found, const char **key)
{
    struct reach r __attribute__((cleanup(reach_free))) = {0};
    struct call *k = call_of(ctx);
    const cJSON *child;

    if (!at)
        return call_refuse(k, "asks for an element without saying of what");
    if (reach_start(k, &r, &k->c->config, NULL, &k->plugin->d->fields, at) < 0)
        return -1;
    if (!(child = nth(k, at->node, index)))
        return 0;
    if (cJSON_IsArray((const cJSON *)at->node)) {
        path_element(&r.path, index);
        text_put(&r.field, "[]");
    } else {
        bool map = r.rows && r.field.at && rows_map(r.rows, r.field.at);

        path_member(&r.path, child->string);
        if (map)
            text_put(&r.field, ".*");
        else
            path_member(&r.field, child->string);
    }
    r.node = child;
    if (key)
        *key = child->string;
    return reach_end(k, &r, found);
}

/* --- values ----------------------------------------------------------------------------------- */

const char *read_string(struct hozo_ctx *ctx UNUSED, const struct hozo_cursor *at)
{
    const cJSON *node = at->node;

    return cJSON_IsString(node) ? node->valuestring : NULL;
}

int64_t read_int(struct hozo_ctx *ctx UNUSED, const struct hozo_cursor *at)
{
    int64_t value;

    return at->tag && at->node && !json_i64(place_of(at)->doc, at->node, &value) ? value : 0;
}

uint64_t read_uint(struct hozo_ctx *ctx UNUSED, const struct hozo_cursor *at)
{
    uint64_t value;

    return at->tag && at->node && !json_u64(place_of(at)->doc, at->node, &value) ? value : 0;
}

int read_bool(struct hozo_ctx *ctx UNUSED, const struct hozo_cursor *at)
{
    return cJSON_IsTrue((const cJSON *)at->node);
}

const struct hozo_annotation *annotation_row(const struct hozo_plugin *d, const char *key)
{
    table_each(struct hozo_annotation, row, &d->annotations)
    {
        size_t n = strlen(row->key);

        if (!strcmp(key, row->key) || (row->key[n - 1] == '.' && !strncmp(key, row->key, n)))
            return row;
    }
    return NULL;
}

int read_annotation(struct hozo_ctx *ctx, const char *key, const char **value)
{
    struct call *k = call_of(ctx);

    if (!annotation_row(k->plugin->d, key))
        return call_refuse(k, "reads annotation %s without declaring it", key);
    *value = json_string(json_get(k->c->config.root, "annotations"), key, NULL);
    return *value ? 1 : 0;
}

int read_annotation_item(struct hozo_ctx *ctx, size_t index, struct hozo_cursor *found,
                         const char **key)
{
    struct reach r __attribute__((cleanup(reach_free))) = {0};
    struct call *k = call_of(ctx);
    const cJSON *node;

    r.doc = &k->c->config;
    cJSON_ArrayForEach (node, json_get(k->c->config.root, "annotations"))
        if (!cJSON_IsNull(node) && annotation_row(k->plugin->d, node->string) && !index--)
            break;
    if (!node)
        return 0;
    r.node = node;
    path_member(&r.path, "annotations");
    path_member(&r.path, node->string);
    if (key)
        *key = node->string;
    return reach_end(k, &r, found);
}
