/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with the tables: look up, walk, check. The check is a walk. */
#include "core/spec.h"

#include <errno.h>
#include <string.h>

const struct spec_field *spec_member(const struct spec_field *table, const char *name)
{
    for (const struct spec_field *row = table; row && row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

/* --- walk ---------------------------------------------------------------------------------------
 */

static int walk_members(struct text *path, const cJSON *object, const struct spec_field *table,
                        const struct spec_visit *v);

static void cut(struct text *path, size_t length)
{
    path->length = length;
    if (path->at)
        path->at[length] = '\0';
}

static const char *path_text(const struct text *path)
{
    return path->at ? path->at : "";
}

static int walk_node(struct text *path, const cJSON *node, const struct spec_field *row,
                     const struct spec_visit *v)
{
    size_t length = path->length, i = 0;
    const cJSON *element;
    int rc;

    /* Without memory the path would end early, and be another's. */
    if (path->failed)
        return -ENOMEM;
    rc = v->visit(v->data, path_text(path), node, row);
    if (rc)
        return rc < 0 ? rc : 0;
    if (row->type == SPEC_OBJECT && cJSON_IsObject(node))
        return walk_members(path, node, row->members, v);
    if (!(row->type == SPEC_MAP && cJSON_IsObject(node)) &&
        !(row->type == SPEC_ARRAY && cJSON_IsArray(node)))
        return 0;
    cJSON_ArrayForEach (element, node) {
        if (row->type == SPEC_ARRAY)
            path_element(path, i++);
        else if (cJSON_IsNull(element))
            continue;
        else
            path_member(path, element->string);
        rc = walk_node(path, element, row->members, v);
        if (rc < 0)
            return rc;
        cut(path, length);
    }
    return 0;
}

static int walk_members(struct text *path, const cJSON *object, const struct spec_field *table,
                        const struct spec_visit *v)
{
    size_t length = path->length;
    const cJSON *node;

    cJSON_ArrayForEach (node, object) {
        const struct spec_field *row = spec_member(table, node->string);
        int rc;

        if (!row || cJSON_IsNull(node))
            continue;
        path_member(path, node->string);
        rc = walk_node(path, node, row, v);
        if (rc < 0)
            return rc;
        cut(path, length);
    }
    return 0;
}

int spec_walk(const cJSON *object, const struct spec_field *table, const char *path,
              const struct spec_visit *v)
{
    auto_text struct text at = {0};

    text_put(&at, path);
    return cJSON_IsObject(object) ? walk_members(&at, object, table, v) : 0;
}

/* --- check --------------------------------------------------------------------------------------
 */

struct check {
    const struct json *doc;
    struct error *err;
};

static int check_string(struct check *c, const char *path, const char *string,
                        const char *const *values)
{
    auto_text struct text list = {0}, quoted = {0};

    if (!values)
        return 0;
    for (const char *const *v = values; *v; v++) {
        if (strcmp(*v, string) == 0)
            return 0;
        text_add(&list, "%s%s", v == values ? "" : ", ", **v ? *v : "\"\"");
    }
    text_json(&quoted, string);
    if (list.failed || quoted.failed)
        return fail_memory(c->err);
    /* A long value must not push the list out of the error. */
    return fail(c->err, 0, path, "%.120s%s is not one of %s", quoted.at,
                quoted.length > 120 ? "…" : "", list.at);
}

static int check_int(struct check *c, const char *path, const cJSON *node, unsigned bits)
{
    int64_t max = bits < 64 ? (INT64_C(1) << (bits - 1)) - 1 : INT64_MAX, value;

    if (json_i64(c->doc, node, &value) == 0 && value <= max && value >= -max - 1)
        return 0;
    return fail(c->err, 0, path, "must be a number from %lld to %lld", (long long)(-max - 1),
                (long long)max);
}

static int check_uint(struct check *c, const char *path, const cJSON *node, unsigned bits,
                      unsigned min)
{
    uint64_t max = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX, value;

    if (json_u64(c->doc, node, &value) == 0 && value <= max && value >= min)
        return 0;
    return fail(c->err, 0, path, "must be a number from %u to %llu", min, (unsigned long long)max);
}

static int check_object(struct check *c, const char *path, const cJSON *node,
                        const struct spec_field *table)
{
    if (!cJSON_IsObject(node))
        return fail(c->err, 0, path, *path ? "must be an object" : "the top must be an object");
    for (const struct spec_field *row = table; row->name; row++) {
        auto_text struct text missing = {0};

        if (!row->required || json_get(node, row->name))
            continue;
        text_put(&missing, path);
        path_member(&missing, row->name);
        return missing.failed ? fail_memory(c->err) : fail(c->err, 0, missing.at, "is missing");
    }
    return 0;
}

static int check_array(struct check *c, const char *path, const cJSON *node, size_t min)
{
    if (!cJSON_IsArray(node))
        return fail(c->err, 0, path, "must be an array");
    if (json_length(node) < min)
        return fail(c->err, 0, path, "must not be empty");
    return 0;
}

static int check_node(void *data, const char *path, const cJSON *node, const struct spec_field *row)
{
    struct check *c = data;

    switch (row->type) {
    case SPEC_STRING:
        return cJSON_IsString(node) ? check_string(c, path, node->valuestring, row->values)
                                    : fail(c->err, 0, path, "must be a string");
    case SPEC_BOOL:
        return cJSON_IsBool(node) ? 0 : fail(c->err, 0, path, "must be true or false");
    case SPEC_INT:
        return check_int(c, path, node, row->bits);
    case SPEC_UINT:
        return check_uint(c, path, node, row->bits, row->min);
    case SPEC_NUMBER:
        return cJSON_IsNumber(node) ? 0 : fail(c->err, 0, path, "must be a number");
    case SPEC_OBJECT:
        return check_object(c, path, node, row->members);
    case SPEC_MAP:
        return cJSON_IsObject(node) ? 0 : fail(c->err, 0, path, "must be an object");
    case SPEC_ARRAY:
        return check_array(c, path, node, row->min);
    case SPEC_ANY:
        return 0;
    }
    return fail(c->err, 0, path, "has no type in the table");
}

int spec_check(const struct json *doc, const cJSON *object, const struct spec_field *table,
               const char *path, struct error *err)
{
    struct check c = {doc, err};
    struct spec_visit v = {.visit = check_node, .data = &c};
    int rc;

    if (check_object(&c, path, object, table) < 0)
        return -1;
    rc = spec_walk(object, table, path, &v);
    return rc == -ENOMEM ? fail_memory(err) : rc;
}
