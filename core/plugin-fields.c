/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration against plugins: which files the present members ask for, whether each member is
 * served, and the rows of the descriptors as checks.
 *
 * A member has two names: its path in this configuration, "linux.resources.devices[2].major", and
 * its field in the specification, "linux.resources.devices[].major".
 */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/spec/rows.h"

/* --- the walk over what is present ------------------------------------------------------------ */

/* A present member. Its names are written out only where somebody asks: most members are the
 * core's. */
struct place {
    const struct place *around;
    const struct spec_field *row; /* NULL: the walk starts below a member of this name */
    const char *name;             /* NULL: an element of an array */
    size_t index;
};

struct walk {
    struct plugins *open;    /* where files are opened */
    const struct plugins *p; /* where owners are sought */
    struct error *err;
    /* 1: do not descend */
    int (*visit)(struct walk *w, const cJSON *node, const struct place *at);
};

static void add_path(struct text *t, const struct place *at)
{
    if (at->around)
        add_path(t, at->around);
    if (at->name)
        path_member(t, at->name);
    else
        path_element(t, at->index);
}

static void add_field(struct text *t, const struct place *at)
{
    if (at->around)
        add_field(t, at->around);
    if (!at->name)
        text_append(t, "[]", 2);
    else if (at->around && at->around->row && at->around->row->type == SPEC_MAP)
        text_append(t, ".*", 2);
    else
        path_member(t, at->name);
}

static int fail_at(struct walk *w, const struct place *at, const char *fmt, ...) PRINTF(3, 4);
static int fail_at(struct walk *w, const struct place *at, const char *fmt, ...)
{
    auto_text struct text path = {0};
    va_list ap;

    add_path(&path, at);
    va_start(ap, fmt);
    vfail(w->err, 0, path.at, fmt, ap);
    va_end(ap);
    return -1;
}

static bool container(const struct spec_field *row)
{
    return row->type == SPEC_OBJECT || row->type == SPEC_ARRAY || row->type == SPEC_MAP;
}

static int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table,
                        const struct place *around);

static int walk_node(struct walk *w, const cJSON *node, const struct place *at)
{
    const struct spec_field *row = at->row;
    struct place inside = {.around = at, .row = row->members};
    int r = w->visit(w, node, at);
    const cJSON *child;

    if (r || !container(row))
        return r < 0 ? -1 : 0;
    if (row->type == SPEC_OBJECT)
        return walk_members(w, node, row->members, at);
    /* Lists of strings that the core serves, such as process.env, hold nothing of interest. */
    if (row->server != SERVED_BY_PLUGIN && !container(row->members))
        return 0;
    cJSON_ArrayForEach (child, node) {
        inside.name = row->type == SPEC_MAP ? child->string : NULL;
        if (!cJSON_IsNull(child) && walk_node(w, child, &inside) < 0)
            return -1;
        inside.index++;
    }
    return 0;
}

static int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table,
                        const struct place *around)
{
    const cJSON *child;

    cJSON_ArrayForEach (child, object) {
        struct place at = {around, spec_member(table, child->string), child->string, 0};

        if (at.row && !cJSON_IsNull(child) && walk_node(w, child, &at) < 0)
            return -1;
    }
    return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The error of a file names the member that asked for it. */
static int open_for(struct plugins *p, const char *name, const char *path, struct error *err)
{
    int r = plugins_open(p, name, err);

    if (r < 0 && !err->path[0])
        return fail(err, err->errnum, path, "%s", err->text);
    return r;
}

/* The file that serves this member, and the files of everything around it. */
static int open_member(struct walk *w, const cJSON *node UNUSED, const struct place *at)
{
    auto_text struct text field = {0}, path = {0};

    if (at->row->server == SERVED_BY_CORE)
        return 0;
    if (at->row->server != SERVED_BY_PLUGIN)
        return 1;
    add_field(&field, at);
    add_path(&path, at);
    if (field.failed || path.failed)
        return fail_memory(w->err);
    for (char *dot = strchr(field.at, '.'); dot; dot = strchr(dot + 1, '.')) {
        int r;

        *dot = '\0';
        r = open_for(w->open, field.at, path.at, w->err);
        *dot = '.';
        if (r < 0)
            return -1;
    }
    if (open_for(w->open, field.at, path.at, w->err) < 0)
        return -1;
    /* Elements have no files of their own. */
    return at->row->type != SPEC_OBJECT;
}

/* Of the files whose prefix an annotation has, the longest serves it. */
static int open_annotation(struct plugins *p, const char *key, struct error *err)
{
    const char *best = NULL;

    for (size_t i = 0; i < p->n_files; i++) {
        const char *name = p->files[i].name;

        if (!strncmp(name, "annotations.", 12) && annotation_matches(key, name + 12) &&
            plugin_kind(name, NULL) == KIND_ANNOTATIONS && (!best || strlen(name) > strlen(best)) &&
            !plugin_masked(p, name))
            best = name;
    }
    return best && open_for(p, best, "annotations", err) < 0 ? -1 : 0;
}

static bool occurs(const cJSON *config, const char *path)
{
    auto_free char *copy = strdup(path);
    char *rest = copy, *member;
    const cJSON *node = config;

    if (!strncmp(path, "annotations.", 12)) {
        cJSON_ArrayForEach (node, json_get(config, "annotations"))
            if (annotation_matches(node->string, path + 12))
                return true;
        return false;
    }
    while (node && (member = strsep(&rest, ".")))
        node = json_get(node, member);
    return node;
}

/* All that watch a member that is there. */
static int open_watcher(struct plugins *p, const char *name, const cJSON *config, struct error *err)
{
    auto_free char *path = strndup(name, strcspn(name, "@"));

    if (!path)
        return fail_memory(err);
    if (plugin_kind(name, NULL) != KIND_WATCHER || !occurs(config, path))
        return 0;
    return open_for(p, name, path, err) < 0 ? -1 : 0;
}

int fields_open(struct container *c, struct error *err)
{
    struct walk w = {.open = &c->plugins, .err = err, .visit = open_member};
    const cJSON *annotation;

    if (plugins_scan(&c->plugins, err) < 0 ||
        walk_members(&w, c->config.root, spec_config, NULL) < 0)
        return -1;
    cJSON_ArrayForEach (annotation, json_get(c->config.root, "annotations")) {
        if (open_annotation(&c->plugins, annotation->string, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < c->plugins.n_files; i++)
        if (strchr(c->plugins.files[i].name, '@') &&
            open_watcher(&c->plugins, c->plugins.files[i].name, c->config.root, err) < 0)
            return -1;
    return 0;
}

/* --- served or not ---------------------------------------------------------------------------- */

/* The opened plugin that has this path among its names, and so was expected to serve what is below. */
static const struct plugin *opened_as(const struct plugins *p, const char *path)
{
    for (size_t i = 0; i < p->n_opened; i++)
        table_each(char *const, name,
                   &p->opened[i]->d->names) if (!strcmp(*name, path)) return p->opened[i];
    return NULL;
}

static int unserved(struct walk *w, const struct place *at, char *field)
{
    const char *mask;

    field[strcspn(field, "[*")] = '\0';
    for (char *end = field + strlen(field); end; end = strrchr(field, '.')) {
        const struct plugin *p;

        *end = '\0';
        if ((p = opened_as(w->p, field)))
            return fail_at(w, at, "is not served by the installed %s %s", p->d->package,
                           p->d->version);
        if ((mask = plugin_masked(w->p, field)))
            return fail_at(w, at, "the plugin that serves this is masked by %s", mask);
    }
    return fail_at(w, at, "no installed plugin serves this; install %s", at->row->package);
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
static int find_owner(struct walk *w, const struct place *at, bool below)
{
    const struct plugin *owner = NULL;
    auto_text struct text field = {0};

    add_field(&field, at);
    if (field.failed)
        return fail_memory(w->err);
    for (size_t i = 0; i < w->p->n_opened; i++) {
        const struct plugin *p = w->p->opened[i];

        if (p->watches || !owns(p->d, field.at, below))
            continue;
        if (owner && !below)
            return fail_at(w, at, "both plugin %s (%s) and plugin %s (%s) serve this",
                           owner->d->name, plugin_where(owner), p->d->name, plugin_where(p));
        owner = p;
    }
    return owner ? 0 : unserved(w, at, field.at);
}

static int judge(struct walk *w, const cJSON *node, const struct place *at)
{
    const struct spec_field *row = at->row, *around = at->around ? at->around->row : NULL;
    bool empty = container(row) && !node->child;

    if (row->server == SERVED_LATER && !empty)
        return fail_at(w, at, "is not supported by this version of hozo");
    if (row->server != SERVED_BY_PLUGIN)
        return row->server == SERVED_BY_CORE ? 0 : 1;
    if (!container(row))
        return find_owner(w, at, false);
    if (!empty)
        return 0;
    /* An element says something by being there: {"eth0": {}}. */
    if (around && around->type != SPEC_OBJECT)
        return find_owner(w, at, false);
    /* So may a section: "intelRdt": {}. But limits that name none are none. */
    if (row->type == SPEC_OBJECT && (!around || around->server != SERVED_BY_PLUGIN) &&
        row->members != spec_resources)
        return find_owner(w, at, true);
    return 0;
}

int fields_served(const struct plugins *p, const cJSON *object, const struct spec_field *table,
                  const char *path, struct error *err)
{
    const struct place around = {.name = path};
    struct walk w = {.p = p, .err = err, .visit = judge};

    return walk_members(&w, object, table, *path ? &around : NULL);
}
