/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json-edit.h"

#include <string.h>

static void renumber(cJSON *node, size_t by)
{
    cJSON *child;

    if (cJSON_IsNumber(node))
        node->valueint += (int)by;
    cJSON_ArrayForEach (child, node)
        renumber(child, by);
}

static char *put(char **table, const struct json *from, char *text)
{
    for (size_t i = 0; i < from->n_numbers; i++) {
        *table++ = text;
        text = stpcpy(text, from->numbers[i]) + 1;
    }
    return text;
}

static size_t room(const struct json *doc)
{
    size_t size = doc->n_numbers * sizeof(char *);

    for (size_t i = 0; i < doc->n_numbers; i++)
        size += strlen(doc->numbers[i]) + 1;
    return size;
}

/* The side table of numbers is one block: pointers, then what they point to. */
static int join_numbers(struct json *doc, const struct json *more, struct error *err)
{
    char **table;

    if (!more->n_numbers)
        return 0;
    table = malloc(room(doc) + room(more));
    if (!table)
        return fail_memory(err);
    put(table + doc->n_numbers, more,
        put(table, doc, (char *)(table + doc->n_numbers + more->n_numbers)));
    free(doc->numbers);
    doc->numbers = table;
    doc->n_numbers += more->n_numbers;
    return 0;
}

int json_insert(struct json *doc, cJSON *into, const char *name, const char *text, size_t size,
                struct error *err)
{
    auto_json struct json own = {0};
    size_t before = doc->n_numbers;
    bool added;

    if (json_parse(&own, name ? name : "element", text, size, err) < 0 ||
        join_numbers(doc, &own, err) < 0)
        return -1;
    renumber(own.root, before);
    if (name)
        cJSON_DeleteItemFromObjectCaseSensitive(into, name);
    added =
        name ? cJSON_AddItemToObject(into, name, own.root) : cJSON_AddItemToArray(into, own.root);
    if (!added)
        return fail_memory(err);
    own.root = NULL;
    return 0;
}

cJSON *json_ensure(struct json *doc, cJSON *object, const char *name, const char *empty,
                   struct error *err)
{
    if (!json_get(object, name) && json_insert(doc, object, name, empty, strlen(empty), err) < 0)
        return NULL;
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool same_members(const struct json *a_doc, const cJSON *a, const struct json *b_doc,
                         const cJSON *b)
{
    const cJSON *child, *other = b->child;
    bool named = cJSON_IsObject(a);

    if (json_length(a) != json_length(b))
        return false;
    cJSON_ArrayForEach (child, a) {
        if (named)
            other = cJSON_GetObjectItemCaseSensitive(b, child->string);
        if (!other || !json_same(a_doc, child, b_doc, other))
            return false;
        other = other->next;
    }
    return true;
}

bool json_same(const struct json *a_doc, const cJSON *a, const struct json *b_doc, const cJSON *b)
{
    if ((a->type & 0xff) != (b->type & 0xff))
        return false;
    if (cJSON_IsString(a))
        return !strcmp(a->valuestring, b->valuestring);
    if (cJSON_IsNumber(a))
        return !strcmp(a_doc->numbers[a->valueint], b_doc->numbers[b->valueint]);
    return same_members(a_doc, a, b_doc, b);
}
