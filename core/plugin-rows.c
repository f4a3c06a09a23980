/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of descriptors as checks of the configuration: type, permitted values, range, presence.
 */
#include "core/plugin-parts.h"

#include <string.h>

const struct hozo_field *rows_find(const struct hozo_table *rows, const char *field, uint32_t use)
{
    table_each(struct hozo_field, row, rows)
    {
        if (row->use & use && !strcmp(row->path, field))
            return row;
    }
    return NULL;
}

bool rows_declare(const struct hozo_table *rows, const char *field, uint32_t use, bool below)
{
    size_t n = strlen(field);

    table_each(struct hozo_field, row, rows)
    {
        if (row->use & use && !strncmp(row->path, field, n) &&
            (!row->path[n] || (below && (!n || strchr(".[", row->path[n])))))
            return true;
    }
    return false;
}

bool rows_map(const struct hozo_table *rows, const char *field)
{
    size_t n = strlen(field);

    table_each(struct hozo_field, row, rows)
    {
        if (!strncmp(row->path, field, n) && !strncmp(row->path + n, ".*", 2))
            return true;
    }
    return false;
}

struct check {
    const struct json *doc;
    const struct hozo_field *row;
    struct text path;
    struct error *err;
};

static int check_type(const struct check *c, const cJSON *node)
{
    const char *wanted = NULL;
    uint64_t u;
    int64_t i;

    switch (c->row->type) {
    case HOZO_STRING:
        wanted = cJSON_IsString(node) ? NULL : "a string";
        break;
    case HOZO_BOOL:
        wanted = cJSON_IsBool(node) ? NULL : "true or false";
        break;
    case HOZO_INT:
        wanted = !json_i64(c->doc, node, &i) ? NULL : "an integer";
        break;
    case HOZO_UINT:
        wanted = !json_u64(c->doc, node, &u) ? NULL : "an integer that is not negative";
        break;
    case HOZO_ARRAY:
        wanted = cJSON_IsArray(node) ? NULL : "an array";
        break;
    default:
        wanted = cJSON_IsObject(node) ? NULL : "an object";
    }
    return wanted ? fail(c->err, 0, c->path.at, "must be %s", wanted) : 0;
}

static int check_values(const struct check *c, const char *string)
{
    auto_text struct text list = {0}, quoted = {0};

    for (const char *const *v = c->row->values; *v; v++) {
        if (!strcmp(*v, string))
            return 0;
        text_add(&list, "%s%s", v == c->row->values ? "" : ", ", *v);
    }
    text_json(&quoted, string);
    if (list.failed || quoted.failed)
        return fail_memory(c->err);
    return fail(c->err, 0, c->path.at, "%.120s%s is not one of %s", quoted.at,
                quoted.length > 120 ? "…" : "", list.at ? list.at : "none");
}

static int check_range(const struct check *c, const cJSON *node)
{
    const struct hozo_field *row = c->row;
    bool fits;
    uint64_t u;
    int64_t i;

    if (row->type == HOZO_UINT)
        fits = !json_u64(c->doc, node, &u) && (row->min < 0 || u >= (uint64_t)row->min) &&
               row->max >= 0 && u <= (uint64_t)row->max;
    else
        fits = !json_i64(c->doc, node, &i) && i >= row->min && i <= row->max;
    return fits ? 0
                : fail(c->err, 0, c->path.at, "must be a number from %lld to %lld",
                       (long long)row->min, (long long)row->max);
}

static int check_node(const struct check *c, const cJSON *node)
{
    const struct hozo_field *row = c->row;

    if (check_type(c, node) < 0)
        return -1;
    /* Only the owner narrows a field. */
    if (!(row->use & HOZO_OWN) || row_unset(row, c->doc, node))
        return 0;
    if (row->type == HOZO_STRING && row->values)
        return check_values(c, node->valuestring);
    if ((row->type == HOZO_INT || row->type == HOZO_UINT) && (row->min || row->max))
        return check_range(c, node);
    return 0;
}

static int descend(struct check *c, const cJSON *node, const char *rest);

static int descend_all(struct check *c, const cJSON *list, const char *rest)
{
    size_t length = c->path.length, i = 0;
    const cJSON *child;

    cJSON_ArrayForEach (child, list) {
        if (cJSON_IsArray(list))
            path_element(&c->path, i++);
        else
            path_member(&c->path, child->string);
        if (!cJSON_IsNull(child) && descend(c, child, rest) < 0)
            return -1;
        if (c->path.at)
            c->path.at[c->path.length = length] = '\0';
    }
    return 0;
}

/* Goes to every node that the rest of the row's path stands for. */
static int descend(struct check *c, const cJSON *node, const char *rest)
{
    const cJSON *child;
    char name[64];
    size_t length;

    if (c->path.failed)
        return fail_memory(c->err);
    if (!*rest)
        return check_node(c, node);
    if (*rest == '[')
        return descend_all(c, cJSON_IsArray(node) ? node : NULL, rest + 2);
    rest += *rest == '.';
    if (*rest == '*')
        return descend_all(c, cJSON_IsObject(node) ? node : NULL, rest + 1);
    length = strcspn(rest, ".[");
    snprintf(name, sizeof name, "%.*s", (int)length, rest);
    rest += length;
    path_member(&c->path, name);
    if ((child = json_get(node, name)))
        return descend(c, child, rest);
    if (!*rest && (c->row->use & HOZO_OWN) && (c->row->use & HOZO_REQUIRED))
        return fail(c->err, 0, c->path.at, "is missing");
    return 0;
}

int rows_check(const struct hozo_table *rows, const struct json *doc, const cJSON *root,
               const char *path, struct error *err)
{
    struct check c = {.doc = doc, .err = err};
    int r = 0;

    for (uint32_t i = 0; i < rows->count && !r; i++) {
        c.row = table_row(rows, i);
        c.path.length = 0;
        text_put(&c.path, path);
        r = descend(&c, root, c.row->path);
    }
    text_free(&c.path);
    return r;
}

int fields_check(const struct plugins *p, const struct json *doc, struct error *err)
{
    for (size_t i = 0; i < p->n_opened; i++)
        if (rows_check(&p->opened[i]->d->fields, doc, doc->root, "", err) < 0)
            return -1;
    return 0;
}
