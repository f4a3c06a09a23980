/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations for which `plugin check` calls a plugin: those that the author gives, or, made of the rows of the
 * descriptor, one with nothing, one with all that it owns, one for each field and each value that a row permits, and
 * one for each annotation. What a plugin refuses of these is no fault of it: relations between fields are not known here.
 */
#include <fcntl.h>
#include <string.h>

#include "build-config.h"
#include "core/plugin-subject.h"

#define EXAMPLES_MAX 400

/* --- values ----------------------------------------------------------------------------------- */

/* 1 if that is permitted; both 0: any number is. */
static cJSON *number_between(int64_t min, int64_t max)
{
    if (min == 0 && max == 0)
        return cJSON_CreateNumber(1);
    return cJSON_CreateNumber((double)(min > 1 ? min : max < 1 ? max : 1));
}

/* Something that the specification permits. */
static cJSON *any_value(const struct spec_field *row)
{
    cJSON *value;

    switch (row->type) {
    case SPEC_STRING:
        return cJSON_CreateString(row->values ? row->values[0] : "1");
    case SPEC_BOOL:
        return cJSON_CreateTrue();
    case SPEC_INT:
    case SPEC_UINT:
    case SPEC_NUMBER:
        return cJSON_CreateNumber(row->min ? row->min : 1);
    case SPEC_ARRAY:
        value = cJSON_CreateArray();
        if (row->members)
            cJSON_AddItemToArray(value, any_value(row->members));
        return value;
    case SPEC_MAP:
        value = cJSON_CreateObject();
        if (row->members)
            cJSON_AddItemToObject(value, "1", any_value(row->members));
        return value;
    case SPEC_OBJECT:
    case SPEC_ANY:
        break;
    }
    return cJSON_CreateObject();
}

static bool is_leaf(uint32_t type)
{
    return type != HOZO_OBJECT && type != HOZO_ARRAY && type != HOZO_MAP;
}

/* The value of a row: `n` counts those that it names. */
static cJSON *row_value(const struct hozo_field *row, size_t n)
{
    const struct spec_field *field = spec_find(row->path);

    switch (row->type) {
    case HOZO_STRING:
        if (row->values && row->values[0])
            return cJSON_CreateString(row->values[n]);
        return field && field->type == SPEC_STRING ? any_value(field) : cJSON_CreateString("1");
    case HOZO_BOOL:
        return cJSON_CreateTrue();
    case HOZO_INT:
    case HOZO_UINT:
        return number_between(row->min, row->max);
    case HOZO_ARRAY:
        return cJSON_CreateArray();
    default:
        return cJSON_CreateObject();
    }
}

static size_t row_values(const struct hozo_field *row)
{
    size_t n = 0;

    while (row->type == HOZO_STRING && row->values && row->values[n])
        n++;
    return n ? n : 1;
}

/* --- placing ---------------------------------------------------------------------------------- */

/* The member or element that the path goes on with, made if it is not there. */
static cJSON *descend(cJSON *at, const char **path)
{
    char name[64];
    cJSON *next;
    size_t n;

    if (!strncmp(*path, "[]", 2)) {
        *path += 2;
        if (!(next = cJSON_GetArrayItem(at, 0)))
            cJSON_AddItemToArray(at,
                                 next = **path == '[' ? cJSON_CreateArray() : cJSON_CreateObject());
        return next;
    }
    *path += **path == '.';
    n = strcspn(*path, ".[");
    snprintf(name, sizeof name, "%.*s", (int)n, **path == '*' ? "1" : *path);
    *path += n;
    if (!(next = cJSON_GetObjectItemCaseSensitive(at, name)))
        cJSON_AddItemToObject(at, name,
                              next = **path == '[' ? cJSON_CreateArray() : cJSON_CreateObject());
    return next;
}

/* Puts a value where the path leads; the containers on the way have to be what it says. */
static void place(cJSON *root, const char *path, cJSON *value)
{
    cJSON *around = NULL, *at = root;

    while (at && *path) {
        around = at;
        at = cJSON_IsObject(at) || cJSON_IsArray(at) ? descend(at, &path) : NULL;
    }
    if (!at || !around || cJSON_GetArraySize(at) ||
        !(at->string ? cJSON_ReplaceItemInObjectCaseSensitive(around, at->string, value)
                     : cJSON_ReplaceItemViaPointer(around, at, value)))
        cJSON_Delete(value);
}

/* What the specification requires of what is there. */
static void complete(cJSON *at, const struct spec_field *row)
{
    const struct spec_field *member;
    cJSON *child;

    if (row->type == SPEC_ARRAY && row->members && (size_t)cJSON_GetArraySize(at) < row->min)
        cJSON_AddItemToArray(at, any_value(row->members));
    if (row->type == SPEC_ARRAY || row->type == SPEC_MAP) {
        cJSON_ArrayForEach (child, at)
            if (row->members)
                complete(child, row->members);
        return;
    }
    for (member = row->type == SPEC_OBJECT ? row->members : NULL; member && member->name;
         member++) {
        if (!(child = cJSON_GetObjectItemCaseSensitive(at, member->name)) && member->required)
            cJSON_AddItemToObject(at, member->name, child = any_value(member));
        if (child)
            complete(child, member);
    }
}

static bool has(const cJSON *at, const char *path, size_t length)
{
    char name[64];

    while (length && at) {
        size_t n = strcspn(path, ".[");

        n = n > length ? length : n;
        snprintf(name, sizeof name, "%.*s", (int)n, *path == '*' ? "1" : path);
        if (n)
            at = cJSON_GetObjectItemCaseSensitive(at, name);
        else if (!strncmp(path, "[]", 2))
            at = cJSON_GetArrayItem(at, 0);
        n = n ? n : *path == '[' ? 2 : 1;
        path += n;
        length -= n;
    }
    return at;
}

/* And what the plugin does: whose container is there. */
static void require(cJSON *root, const struct hozo_plugin *d)
{
    table_each(struct hozo_field, row, &d->fields)
    {
        const char *dot = strrchr(row->path, '.');

        if (row->use & HOZO_REQUIRED && dot && has(root, row->path, (size_t)(dot - row->path)) &&
            !has(root, row->path, strlen(row->path)))
            place(root, row->path, row_value(row, 0));
    }
}

/* --- examples --------------------------------------------------------------------------------- */

static bool is_for_freebsd(const struct hozo_plugin *d)
{
    table_each(struct hozo_field, row, &d->fields)
    {
        if (row->use & HOZO_OWN && !strncmp(row->path, "freebsd", 7))
            return true;
    }
    return false;
}

static const char for_all[] =
    "{\"ociVersion\":\"" HOZO_SPEC_VERSION "\",\"root\":{\"path\":\"rootfs\"},"
    "\"process\":{\"cwd\":\"/\",\"args\":[\"/bin/true\"],"
    "\"user\":{\"uid\":0,\"gid\":0}}}";
static const char for_linux[] =
    "{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
    "{\"type\":\"uts\"},{\"type\":\"mount\"}]}";

static cJSON *base(const struct hozo_plugin *d)
{
    cJSON *root = cJSON_Parse(for_all);

    if (!is_for_freebsd(d))
        cJSON_AddItemToObject(root, "linux", cJSON_Parse(for_linux));
    return root;
}

static struct example *add(struct subject *s)
{
    struct example *rows = reallocarray(s->examples, s->n_examples + 1, sizeof *rows);

    if (!rows)
        return NULL;
    s->examples = rows;
    rows[s->n_examples] = (struct example){0};
    return &rows[s->n_examples++];
}

/* Takes the tree. */
static int add_made(struct subject *s, cJSON *root, const char *name, const char *value,
                    struct error *err)
{
    const struct spec_field all = {.type = SPEC_OBJECT, .members = spec_config};
    struct example *e = s->n_examples < EXAMPLES_MAX ? add(s) : NULL;
    char *text;
    int r = 0;

    require(s->d ? root : NULL, s->d);
    complete(root, &all);
    text = cJSON_PrintUnformatted(root);
    if (e &&
        (!text || asprintf(&e->name, "%s%s%s", name, value ? " = " : "", value ? value : "") < 0))
        r = fail_memory(err);
    else if (e)
        r = json_parse(&e->config, e->name, text, strlen(text), err);
    free(text);
    cJSON_Delete(root);
    return r;
}

static int add_fields(struct subject *s, struct error *err)
{
    table_each(struct hozo_field, row, &s->d->fields)
    {
        for (size_t n = 0; is_leaf(row->type) && n < row_values(row); n++) {
            cJSON *root = base(s->d);

            place(root, row->path, row_value(row, n));
            if (add_made(s, root, row->path, row_values(row) > 1 ? row->values[n] : NULL, err) < 0)
                return -1;
        }
    }
    return 0;
}

static void annotate(cJSON *root, const struct hozo_annotation *row)
{
    cJSON *all = cJSON_GetObjectItemCaseSensitive(root, "annotations");
    char key[256];

    if (!all)
        cJSON_AddItemToObject(root, "annotations", all = cJSON_CreateObject());
    snprintf(key, sizeof key, "%s%s", row->key, row->key[strlen(row->key) - 1] == '.' ? "1" : "");
    cJSON_AddItemToObject(all, key, cJSON_CreateString("1"));
}

static int add_annotations(struct subject *s, struct error *err)
{
    table_each(struct hozo_annotation, row, &s->d->annotations)
    {
        cJSON *root = base(s->d);

        annotate(root, row);
        if (add_made(s, root, row->key, NULL, err) < 0)
            return -1;
    }
    return 0;
}

static int add_all(struct subject *s, struct error *err)
{
    cJSON *root = base(s->d);

    table_each(struct hozo_field, row, &s->d->fields)
    {
        if (row->use & HOZO_OWN && is_leaf(row->type))
            place(root, row->path, row_value(row, 0));
    }
    table_each(struct hozo_annotation, row, &s->d->annotations)
    {
        annotate(root, row);
    }
    return add_made(s, root, "all that it owns", NULL, err);
}

static int add_given(struct subject *s, const char *file, struct error *err)
{
    struct example *e = add(s);

    if (!e || !(e->name = strdup(file)))
        return fail_memory(err);
    e->given = true;
    if (json_read(&e->config, AT_FDCWD, file, err) < 0)
        return -1;
    return cJSON_IsObject(e->config.root) ? 0
                                          : fail(err, 0, NULL, "%s: is not a JSON object", file);
}

int examples_make(struct subject *s, struct error *err)
{
    if (s->n_examples)
        return 0;
    for (size_t i = 0; i < s->request->n_configs; i++)
        if (add_given(s, s->request->configs[i], err) < 0)
            return -1;
    if (add_all(s, err) < 0 || add_made(s, base(s->d), "nothing", NULL, err) < 0)
        return -1;
    return add_fields(s, err) < 0 ? -1 : add_annotations(s, err);
}

void examples_free(struct subject *s)
{
    for (size_t i = 0; i < s->n_examples; i++) {
        free(s->examples[i].name);
        json_free(&s->examples[i].config);
    }
    free(s->examples);
}
