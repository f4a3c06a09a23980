/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration against plugins: which files the present members ask for, whether each member is served,
 * and the rows of the descriptors as checks.
 *
 * A member has two names: its path in this configuration, "linux.resources.devices[2].major", and its
 * field in the specification, "linux.resources.devices[].major".
 */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/json-scan.h"

/* --- names ---------------------------------------------------------------------------------------- */

void path_member(struct text *path, const char *name)
{
    if (*name && !name[strspn(name, JSON_PLAIN_NAME)]) {
        text_add(path, "%s%s", path->length ? "." : "", name);
        return;
    }
    text_add(path, "[");
    text_json(path, name);
    text_add(path, "]");
}

void path_element(struct text *path, size_t index)
{
    text_add(path, "[%zu]", index);
}

static void cut(struct text *t, size_t length)
{
    if (t->at)
        t->at[t->length = length] = '\0';
}

const struct spec_field *spec_find(const char *field)
{
    const struct spec_field *table = spec_config, *row = NULL;

    while (*field) {
        char name[64];
        size_t length;

        if (!strncmp(field, "[]", 2)) {
            row = row && row->type == SPEC_ARRAY ? row->members : NULL;
            field += 2;
        } else {
            field += *field == '.';
            length = strcspn(field, ".[");
            if (!length || length >= sizeof name)
                return NULL;
            memcpy(name, field, length);
            name[length] = '\0';
            field += length;
            if (row && row->type == SPEC_MAP)
                row = strcmp(name, "*") ? NULL : row->members;
            else
                row = spec_member(table, name);
        }
        if (!row)
            return NULL;
        table = row->type == SPEC_OBJECT ? row->members : NULL;
    }
    return row;
}

const char *plugin_package(const char *path)
{
    const struct spec_field *row;

    if (!strcmp(path, "+cgroup-manager.cgroupfs"))
        return "hozo-plugin-cgroup";
    if (!strcmp(path, "+cgroup-manager.systemd"))
        return "hozo-plugin-systemd";
    row = spec_find(path);
    return row ? row->package : NULL;
}

/* --- the walk over what is present ---------------------------------------------------------------- */

struct walk {
    struct plugins *open;       /* where files are opened */
    const struct plugins *p;    /* where owners are sought */
    struct text path, field;
    struct error *err;
    /* 1: do not descend */
    int (*visit)(struct walk *w, const cJSON *node, const struct spec_field *row, bool element);
};

static int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table);

static bool container(const struct spec_field *row)
{
    return row->type == SPEC_OBJECT || row->type == SPEC_ARRAY || row->type == SPEC_MAP;
}

static int walk_node(struct walk *w, const cJSON *node, const struct spec_field *row, bool element)
{
    size_t path = w->path.length, field = w->field.length, i = 0;
    const cJSON *child;
    int r;

    if (w->path.failed || w->field.failed)
        return fail_memory(w->err);
    r = w->visit(w, node, row, element);
    if (r || !container(row))
        return r < 0 ? -1 : 0;
    if (row->type == SPEC_OBJECT)
        return walk_members(w, node, row->members);
    /* Lists of strings that the core serves, such as process.env, hold nothing of interest. */
    if (row->server != SERVED_BY_PLUGIN && !container(row->members))
        return 0;
    cJSON_ArrayForEach(child, node)
    {
        if (row->type == SPEC_ARRAY)
            path_element(&w->path, i++);
        else
            path_member(&w->path, child->string);
        text_add(&w->field, row->type == SPEC_ARRAY ? "[]" : ".*");
        if (!cJSON_IsNull(child) && walk_node(w, child, row->members, true) < 0)
            return -1;
        cut(&w->path, path);
        cut(&w->field, field);
    }
    return 0;
}

static int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table)
{
    size_t path = w->path.length, field = w->field.length;
    const cJSON *child;

    cJSON_ArrayForEach(child, object)
    {
        const struct spec_field *row = spec_member(table, child->string);

        if (!row || cJSON_IsNull(child))
            continue;
        path_member(&w->path, row->name);
        path_member(&w->field, row->name);
        if (walk_node(w, child, row, false) < 0)
            return -1;
        cut(&w->path, path);
        cut(&w->field, field);
    }
    return 0;
}

static int walk(struct walk *w, const cJSON *object, const struct spec_field *table,
                const char *path)
{
    int r;

    text_add(&w->path, "%s", path);
    text_add(&w->field, "%s", path);
    r = walk_members(w, object, table);
    text_free(&w->path);
    text_free(&w->field);
    return r;
}

/* --- opening -------------------------------------------------------------------------------------- */

/* The error of a file names the member that asked for it. */
static int open_for(struct plugins *p, const char *name, const char *path, struct error *err)
{
    int r = plugins_open(p, name, err);

    if (r < 0 && !err->path[0])
        return fail(err, err->errnum, path, "%s", err->text);
    return r;
}

/* The file that serves this member, and the files of everything around it. */
static int open_member(struct walk *w, const cJSON *node UNUSED, const struct spec_field *row,
                       bool element UNUSED)
{
    char *field = w->field.at;

    if (row->server != SERVED_BY_PLUGIN || strpbrk(field, "[*"))
        return row->server == SERVED_BY_PLUGIN || row->server == SERVED_BY_CORE ? 0 : 1;
    for (char *dot = strchr(field, '.'); dot; dot = strchr(dot + 1, '.')) {
        int r;

        *dot = '\0';
        r = open_for(w->open, field, w->path.at, w->err);
        *dot = '.';
        if (r < 0)
            return -1;
    }
    return open_for(w->open, field, w->path.at, w->err) < 0 ? -1 : 0;
}

/* Of the files whose prefix an annotation has, the longest serves it. */
static int open_annotation(struct plugins *p, const char *key, struct error *err)
{
    const char *best = NULL;

    for (size_t i = 0; i < p->n_files; i++) {
        const char *name = p->files[i].name;

        if (!strncmp(name, "annotations.", 12) && annotation_matches(key, name + 12) &&
            plugin_kind(name, NULL) == KIND_ANNOTATIONS &&
            (!best || strlen(name) > strlen(best)) && !plugin_masked(p, name))
            best = name;
    }
    return best && open_for(p, best, "annotations", err) < 0 ? -1 : 0;
}

/* Whoever installs a watcher relies on it: where it would be needed, its absence is an error. */
static int refuse_watcher(const struct plugins *p, const char *name, const cJSON *config,
                          struct error *err)
{
    auto_free char *path = strndup(name, strcspn(name, "@"));
    const cJSON *node = config;

    if (!path)
        return fail_memory(err);
    if (!strncmp(path, "annotations.", 12)) {
        cJSON_ArrayForEach(node, json_get(config, "annotations"))
        {
            if (annotation_matches(node->string, path + 12))
                break;
        }
    } else {
        char *rest = path, *member;

        while (node && (member = strsep(&rest, ".")))
            node = json_get(node, member);
    }
    if (!node || plugin_masked(p, name))
        return 0;
    return fail(err, 0, path, "%s.so: watchers are not supported by this version of hozo", name);
}

int fields_open(struct container *c, struct error *err)
{
    struct walk w = {.open = &c->plugins, .err = err, .visit = open_member};
    const cJSON *annotation;

    if (plugins_scan(&c->plugins, err) < 0 || walk(&w, c->config.root, spec_config, "") < 0)
        return -1;
    cJSON_ArrayForEach(annotation, json_get(c->config.root, "annotations"))
    {
        if (open_annotation(&c->plugins, annotation->string, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < c->plugins.n_files; i++)
        if (strchr(c->plugins.files[i].name, '@') &&
            refuse_watcher(&c->plugins, c->plugins.files[i].name, c->config.root, err) < 0)
            return -1;
    return 0;
}

/* --- served or not -------------------------------------------------------------------------------- */

static int unserved(struct walk *w, const struct spec_field *row)
{
    auto_free char *name = strdup(w->field.at);
    const char *mask;

    if (!name)
        return fail_memory(w->err);
    for (char *end = name + strcspn(name, "[*"); *name; end = strrchr(name, '.')) {
        if (!end)
            break;
        *end = '\0';
        if ((mask = plugin_masked(w->p, name)))
            return fail(w->err, 0, w->path.at, "the plugin that serves this is masked by %s", mask);
    }
    return fail(w->err, 0, w->path.at, "no installed plugin serves this; install %s", row->package);
}

static bool owns(const struct hozo_plugin *d, const char *field, bool below)
{
    size_t n = strlen(field);

    table_each(struct hozo_field, row, &d->fields)
    {
        if (row->use & HOZO_OWN && !strncmp(row->path, field, n) &&
            (!row->path[n] || (below && strchr(".[", row->path[n]))))
            return true;
    }
    return false;
}

/* Exactly one opened plugin owns the field; `below`: or something in it. */
static int find_owner(struct walk *w, const struct spec_field *row, bool below)
{
    const struct plugin *owner = NULL;

    for (size_t i = 0; i < w->p->n_opened; i++) {
        const struct plugin *p = w->p->opened[i];

        if (!owns(p->d, w->field.at, below))
            continue;
        if (owner && !below)
            return fail(w->err, 0, w->path.at, "both plugin %s (%s) and plugin %s (%s) serve this",
                        owner->d->name, plugin_where(owner), p->d->name, plugin_where(p));
        owner = p;
    }
    return owner ? 0 : unserved(w, row);
}

/* A section may act by being there, as "intelRdt": {} does. Limits that name none are none. */
static bool is_section(const char *field)
{
    const char *dot = strrchr(field, '.');
    char parent[256];

    snprintf(parent, sizeof parent, "%.*s", dot ? (int)(dot - field) : 0, field);
    return strcmp(field, "linux.resources") &&
           (!dot || spec_find(parent)->server != SERVED_BY_PLUGIN);
}

static int judge(struct walk *w, const cJSON *node, const struct spec_field *row, bool element)
{
    bool empty = container(row) && !node->child;

    if (row->server == SERVED_LATER && !empty)
        return fail(w->err, 0, w->path.at, "is not supported by this version of hozo");
    if (row->server != SERVED_BY_PLUGIN)
        return row->server == SERVED_BY_CORE ? 0 : 1;
    if (!container(row))
        return find_owner(w, row, false);
    if (!empty)
        return 0;
    /* {"eth0": {}} says something. */
    if (element)
        return find_owner(w, row, false);
    if (row->type == SPEC_OBJECT && is_section(w->field.at))
        return find_owner(w, row, true);
    return 0;
}

int fields_served(const struct plugins *p, const cJSON *object, const struct spec_field *table,
                  const char *path, struct error *err)
{
    struct walk w = {.p = p, .err = err, .visit = judge};

    return walk(&w, object, table, path);
}
