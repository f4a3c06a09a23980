/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration against plugins: which files the present members ask for, and whether each member is
 * served. One function decides that, field_judge(): create refuses by it, and `hozo check` explains.
 */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/spec/rows.h"

/* --- opening ---------------------------------------------------------------------------------- */

/* The error of a file names the member that asked for it. */
static int open_for(struct walk *w, const char *name, const char *path)
{
    int r = plugins_open(w->open, name, w->err);

    if (r < 0 && w->go_on)
        return 0;
    if (r < 0 && !w->err->path[0])
        return fail(w->err, w->err->errnum, path, "%s", w->err->text);
    return r;
}

int field_open(struct walk *w, const cJSON *node UNUSED, const struct member *at)
{
    auto_text struct text field = {0}, path = {0};

    if (at->row->server == SERVED_BY_CORE)
        return 0;
    if (at->row->server != SERVED_BY_PLUGIN)
        return 1;
    member_field(&field, at);
    member_path(&path, at);
    if (field.failed || path.failed)
        return fail_memory(w->err);
    for (char *dot = strchr(field.at, '.'); dot; dot = strchr(dot + 1, '.')) {
        int r;

        *dot = '\0';
        r = open_for(w, field.at, path.at);
        *dot = '.';
        if (r < 0)
            return -1;
    }
    if (open_for(w, field.at, path.at) < 0)
        return -1;
    /* Elements have no files of their own. */
    return at->row->type != SPEC_OBJECT;
}

const char *annotation_server(const struct plugins *p, const char *key)
{
    const char *best = NULL;

    for (size_t i = 0; i < p->n_files; i++) {
        const char *name = p->files[i].name;

        if (!strncmp(name, "annotations.", 12) && annotation_matches(key, name + 12) &&
            plugin_kind(name, NULL) == KIND_ANNOTATIONS && (!best || strlen(name) > strlen(best)) &&
            !plugin_masked(p, name))
            best = name;
    }
    return best;
}

static bool occurs(const cJSON *config, const char *path)
{
    auto_free char *copy = strdup(path);
    char *rest = copy, *member;
    const cJSON *node = config;

    if (!strncmp(path, "annotations.", 12)) {
        cJSON_ArrayForEach (node, json_get(config, "annotations"))
            if (!cJSON_IsNull(node) && annotation_matches(node->string, path + 12))
                return true;
        return false;
    }
    while (node && (member = strsep(&rest, ".")))
        node = json_get(node, member);
    return node;
}

int watcher_watches(const char *name, const cJSON *config, char **path, struct error *err)
{
    size_t n = strcspn(name, "@");

    *path = NULL;
    if (!name[n] || plugin_kind(name, NULL) != KIND_WATCHER)
        return 0;
    if (!(*path = strndup(name, n)))
        return fail_memory(err);
    return occurs(config, *path);
}

static int open_all(struct walk *w, const cJSON *config)
{
    const struct plugins *p = w->open;
    const cJSON *annotation;

    if (walk_members(w, config, spec_config, NULL) < 0)
        return -1;
    cJSON_ArrayForEach (annotation, json_get(config, "annotations")) {
        const char *name = annotation_server(p, annotation->string);

        if (name && !cJSON_IsNull(annotation) && open_for(w, name, "annotations") < 0)
            return -1;
    }
    for (size_t i = 0; i < p->n_files; i++) {
        auto_free char *path = NULL;
        int r = watcher_watches(p->files[i].name, config, &path, w->err);

        if (r < 0 || (r && open_for(w, p->files[i].name, path) < 0))
            return -1;
    }
    return 0;
}

int fields_open(struct container *c, bool go_on, struct error *err)
{
    struct walk w = {.open = &c->plugins, .go_on = go_on, .err = err, .visit = field_open};

    return plugins_scan(&c->plugins, err) < 0 ? -1 : open_all(&w, c->config.root);
}

int fields_open_below(struct plugins *p, const cJSON *object, const struct spec_field *table,
                      const char *path, struct error *err)
{
    const struct member around = {.name = path};
    struct walk w = {.open = p, .err = err, .visit = field_open};

    return walk_members(&w, object, table, &around);
}

/* --- served or not ---------------------------------------------------------------------------- */

static int fail_at(struct walk *w, const struct member *at, const char *fmt, ...) PRINTF(3, 4);
static int fail_at(struct walk *w, const struct member *at, const char *fmt, ...)
{
    auto_text struct text path = {0};
    va_list ap;

    member_path(&path, at);
    va_start(ap, fmt);
    vfail(w->err, 0, path.at, fmt, ap);
    va_end(ap);
    return -1;
}

/* The opened plugin that has this path among its names, and so was expected to serve what is below. */
static const struct plugin *opened_as(const struct plugins *p, const char *path)
{
    for (size_t i = 0; i < p->n_opened; i++)
        table_each(char *const, name,
                   &p->opened[i]->d->names) if (!strcmp(*name, path)) return p->opened[i];
    return NULL;
}

static int unserved(struct walk *w, const struct member *at, char *field)
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

/* Exactly one opened plugin owns the field; `below`: or something in it. */
static enum fate judge_owner(struct walk *w, const struct member *at, bool below,
                             const struct plugin **owner)
{
    auto_text struct text field = {0};

    *owner = NULL;
    member_field(&field, at);
    if (field.failed) {
        fail_memory(w->err);
        return FATE_REFUSED;
    }
    for (size_t i = 0; i < w->p->n_opened; i++) {
        const struct plugin *p = w->p->opened[i];

        if (p->watches || !rows_declare(&p->d->fields, field.at, HOZO_OWN, below))
            continue;
        if (*owner && !below) {
            fail_at(w, at, "both plugin %s (%s) and plugin %s (%s) serve this", (*owner)->d->name,
                    plugin_where(*owner), p->d->name, plugin_where(p));
            return FATE_REFUSED;
        }
        *owner = p;
    }
    if (*owner)
        return FATE_PLUGIN;
    unserved(w, at, field.at);
    return FATE_REFUSED;
}

/* No member that the specification knows is there: what a later one means by others, nobody knows. */
static bool says_nothing(const cJSON *node, const struct spec_field *row)
{
    const cJSON *child;

    if (row->type == SPEC_ARRAY)
        return !node->child;
    cJSON_ArrayForEach (child, node) {
        if (!cJSON_IsNull(child) &&
            (row->type == SPEC_MAP || spec_member(row->members, child->string)))
            return false;
    }
    return true;
}

enum fate field_judge(struct walk *w, const cJSON *node, const struct member *at,
                      const struct plugin **owner)
{
    const struct spec_field *row = at->row, *around = at->around ? at->around->row : NULL;

    if (row->server == SERVED_BY_CORE)
        return FATE_CORE;
    if (row->server == SERVED_ELSEWHERE)
        return FATE_ELSEWHERE;
    if (row->server == SERVED_NOT)
        return FATE_INFORMS;
    if (!spec_contains(row))
        return judge_owner(w, at, false, owner);
    if (!says_nothing(node, row))
        return FATE_INSIDE;
    /* An element says something by being there: {"eth0": {}}. */
    if (around && around->type != SPEC_OBJECT)
        return judge_owner(w, at, false, owner);
    /* So may a section: "intelRdt": {}. But limits that name none are none. */
    if (row->type == SPEC_OBJECT && (!around || around->server != SERVED_BY_PLUGIN) &&
        row->members != spec_resources)
        return judge_owner(w, at, true, owner);
    return FATE_EMPTY;
}

static int refuse(struct walk *w, const cJSON *node, const struct member *at)
{
    const struct plugin *owner;
    enum fate fate = field_judge(w, node, at, &owner);

    return fate == FATE_REFUSED ? -1 : fate_ends(fate);
}

int fields_served(const struct plugins *p, const cJSON *object, const struct spec_field *table,
                  const char *path, struct error *err)
{
    const struct member around = {.name = path};
    struct walk w = {.p = p, .err = err, .visit = refuse};

    return walk_members(&w, object, table, *path ? &around : NULL);
}
