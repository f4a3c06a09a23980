/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hozo check`: what happens to each member of the configuration, and who serves it. Lists are told once:
 * a row stands for all elements that have the same fate, "linux.resources.devices[].allow".
 */
#include "core/compile.h"
#include "core/plugin-parts.h"

#include <string.h>

struct row {
    char *name, *server, *text;
};

struct table {
    struct container *c;
    bool strict;
    struct error *why; /* the first reason to refuse; without text: none so far */
    struct row *rows;
    size_t count;
    bool failed; /* out of memory */
};

/* --- rows ------------------------------------------------------------------------------------- */

static void row_free(struct row *row)
{
    free(row->name);
    free(row->server);
    free(row->text);
}

/* mounts[3].options[0] becomes mounts[].options; keys, in quotes, stay. */
static char *without_indexes(const char *path)
{
    char *name = strdup(path), *to = name;
    bool quoted = false;

    for (const char *p = path; name && *p; p++) {
        *to++ = *p;
        if (*p == '\\' && quoted)
            *to++ = *++p;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == '[' && !quoted)
            p += strspn(p + 1, "0123456789");
    }
    if (!name)
        return NULL;
    if (to - name > 2 && to[-2] == '[')
        to -= 2;
    *to = '\0';
    return name;
}

static bool known(const struct table *t, const struct row *row)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].name, row->name) && !strcmp(t->rows[i].server, row->server) &&
            !strcmp(t->rows[i].text, row->text))
            return true;
    return false;
}

/* Takes the row over. */
static void add_row(struct table *t, struct row row)
{
    struct row *rows = NULL;

    if (!row.name || !row.server || !row.text) {
        t->failed = true;
    } else if (!known(t, &row)) {
        if ((rows = reallocarray(t->rows, t->count + 1, sizeof row))) {
            t->rows = rows;
            t->rows[t->count++] = row;
            return;
        }
        t->failed = true;
    }
    row_free(&row);
}

static void add(struct table *t, const char *path, const char *server, const char *fmt, ...)
    PRINTF(4, 5);
static void add(struct table *t, const char *path, const char *server, const char *fmt, ...)
{
    struct row row = {.name = without_indexes(path), .server = strdup(server)};
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&row.text, fmt, ap) < 0)
        row.text = NULL;
    va_end(ap);
    add_row(t, row);
}

static void add_error(struct table *t, const char *path, const struct error *why)
{
    struct error bare = *why;
    char text[1200];

    bare.path[0] = '\0';
    error_format(&bare, text, sizeof text);
    add(t, path, "-", "error: %s", text);
}

static void add_by(struct table *t, const char *path, const struct plugin *p, const char *text)
{
    auto_text struct text title = {0};

    text_add(&title, "%s %s", p->d->name, p->d->version);
    t->failed |= title.failed;
    if (title.at)
        add(t, path, title.at, "%s", text);
}

/* How much of the path is this name. */
static size_t covers(const char *name, const char *path)
{
    size_t n = strlen(name);

    return !strncmp(path, name, n) && (!path[n] || strchr(".[", path[n])) ? n : 0;
}

/* The row that tells of this member, or of what it lies in. */
static struct row *row_around(struct table *t, const char *name)
{
    struct row *best = NULL;

    for (size_t i = 0; i < t->count; i++)
        if (covers(t->rows[i].name, name) > (best ? strlen(best->name) : 0))
            best = &t->rows[i];
    return best;
}

/* Or of something in it. */
static struct row *row_about(struct table *t, const char *name)
{
    struct row *row = row_around(t, name);

    for (size_t i = 0; i < t->count && !row; i++)
        if (covers(name, t->rows[i].name))
            row = &t->rows[i];
    return row;
}

/* --- members ---------------------------------------------------------------------------------- */

/* The core's: the members of a section, one row for each with all that lies in it. */
static bool worth_a_row(const struct member *at)
{
    if (!at->around)
        return at->row->type != SPEC_OBJECT && strcmp(at->name, "annotations") != 0;
    return !at->around->around && at->around->row->type == SPEC_OBJECT;
}

/* Of a container that the core does not run: who reads this member, or something in it, to apply it. */
static const struct plugin *runner_of(const struct table *t, const struct member *at)
{
    auto_text struct text field = {0};

    if (!config_is_foreign(t->c->config.root))
        return NULL;
    member_field(&field, at);
    for (size_t i = 0; field.at && i < t->c->plugins.n_opened; i++) {
        const struct plugin *p = t->c->plugins.opened[i];

        if (p->d->runner && rows_declare(&p->d->fields, field.at, HOZO_OWN | HOZO_READ, true))
            return p;
    }
    return NULL;
}

static void tell(struct table *t, const struct member *at, const char *path, enum fate fate,
                 const struct plugin *owner)
{
    const struct plugin *runner = fate == FATE_CORE && worth_a_row(at) ? runner_of(t, at) : NULL;

    if (runner) {
        add_by(t, path, runner, "applied");
        return;
    }
    if (fate == FATE_PLUGIN)
        add_by(t, path, owner, "applied");
    else if (fate == FATE_CORE && worth_a_row(at))
        add(t, path, "core", "applied");
    else if (fate == FATE_EMPTY)
        add(t, path, "-", "empty: asks for nothing");
    else if (fate == FATE_ELSEWHERE)
        add(t, path, "-", "ignored: of another operating system");
    else if (fate == FATE_INFORMS)
        add(t, path, "-", "ignored: as the specification says");
}

static int explain(struct walk *w, const cJSON *node, const struct member *at)
{
    auto_text struct text path = {0};
    const struct plugin *owner = NULL;
    struct table *t = w->data;
    enum fate fate;

    member_path(&path, at);
    if (path.failed)
        return fail_memory(w->err);
    if (field_open(w, node, at) < 0 || (fate = field_judge(w, node, at, &owner)) == FATE_REFUSED) {
        add_error(t, path.at, w->err);
        return 1;
    }
    tell(t, at, path.at, fate, owner);
    return fate_ends(fate);
}

/* A plugin may know a later specification. */
static int explain_unknown(struct walk *w, const cJSON *node UNUSED, const struct member *at)
{
    auto_text struct text path = {0}, field = {0};
    const struct plugins *p = w->p;
    struct table *t = w->data;
    bool declared = false;

    member_path(&path, at);
    member_field(&field, at);
    if (path.failed || field.failed)
        return fail_memory(w->err);
    for (size_t i = 0; i < p->n_opened; i++) {
        if (!rows_declare(&p->opened[i]->d->fields, field.at, HOZO_OWN | HOZO_READ, true))
            continue;
        add_by(t, path.at, p->opened[i], "in no specification, but read");
        declared = true;
    }
    if (!t->strict || declared)
        return 0;
    add(t, path.at, "-", "error: in no specification");
    if (!t->why->text[0])
        fail(t->why, 0, path.at, "no specification has this member");
    return 0;
}

/* --- whoever else is opened ------------------------------------------------------------------- */

static struct plugin *open_plugin(struct table *t, const char *path, const char *name)
{
    struct error err = {0};
    struct plugin_file *f;

    if (plugins_open(&t->c->plugins, name, &err) < 0) {
        add_error(t, path, &err);
        return NULL;
    }
    return plugin_files(&t->c->plugins, name, &f) ? f->plugin : NULL;
}

static void explain_cgroup_managers(struct table *t)
{
    for (const char *const *name = cgroup_managers(t->c); *name; name++) {
        struct error err = {0};
        const struct plugin *p;

        if (cgroup_manager_open(t->c, *name, &err) < 0)
            add_error(t, *name, &err);
        else if ((p = open_plugin(t, *name, *name)))
            add_by(t, *name, p, "manages the control group");
    }
}

static bool explain_readers(struct table *t, const char *path, const char *key)
{
    const struct plugins *p = &t->c->plugins;
    bool read = false;

    for (size_t i = 0; i < p->n_opened; i++) {
        if (!annotation_row(p->opened[i]->d, key))
            continue;
        add_by(t, path, p->opened[i], "read");
        read = true;
    }
    return read;
}

static void explain_annotations(struct table *t)
{
    const cJSON *annotation;

    cJSON_ArrayForEach (annotation, json_get(t->c->config.root, "annotations")) {
        const char *name = annotation_server(&t->c->plugins, annotation->string);
        auto_text struct text path = {0};
        const struct plugin *p;

        if (cJSON_IsNull(annotation))
            continue;
        text_put(&path, "annotations");
        path_member(&path, annotation->string);
        t->failed |= path.failed;
        if (!path.at)
            return;
        if (name && !(p = open_plugin(t, path.at, name)))
            continue;
        if (name)
            add_by(t, path.at, p, "opens this plugin");
        else if (!explain_readers(t, path.at, annotation->string))
            add(t, path.at, "-", "no effect; passed on in the state");
    }
}

static int explain_watchers(struct table *t, struct error *err)
{
    const struct plugins *p = &t->c->plugins;

    for (size_t i = 0; i < p->n_files; i++) {
        const char *name = p->files[i].name, *mask;
        auto_free char *path = NULL;
        const struct plugin *plugin;
        int r = watcher_watches(name, t->c->config.root, &path, err);

        if (r < 0)
            return -1;
        if (!r || (i && !strcmp(name, p->files[i - 1].name)))
            continue;
        if ((mask = plugin_masked(p, name)))
            add(t, name, "-", "masked by %s", mask);
        else if ((plugin = open_plugin(t, name, name)))
            add_by(t, name, plugin, plugin->aside ? "looked, and is not concerned" : "watches");
    }
    return 0;
}

static void explain_additions(struct table *t)
{
    const struct plugins *p = &t->c->plugins;

    for (size_t i = 0; i < p->n_additions; i++) {
        auto_free char *name = without_indexes(p->additions[i].path);
        struct row *served = name ? row_about(t, name) : NULL;
        struct row row = {.name = strdup(p->additions[i].path),
                          .server = strdup(served ? served->server : "-")};

        if (asprintf(&row.text, "added by plugin %s", p->additions[i].plugin) < 0)
            row.text = NULL;
        add_row(t, row);
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

static int explain_all(struct table *t, struct error *err)
{
    struct container *c = t->c;
    struct error why;
    struct walk w = {.open = &c->plugins,
                     .p = &c->plugins,
                     .err = &why,
                     .data = t,
                     .visit = explain,
                     .unknown = explain_unknown};

    /* Who serves a member is only known when all are open. */
    if (fields_open(c, true, err) < 0)
        return -1;
    if (walk_members(&w, c->config.root, spec_config, NULL) < 0)
        return fail_memory(err);
    explain_annotations(t);
    explain_cgroup_managers(t);
    return explain_watchers(t, err);
}

/* An error that only compiling has found is told at its place, too. */
static void explain_why(struct table *t)
{
    auto_free char *name = without_indexes(t->why->path), *text = NULL;
    struct row *row = name && *name ? row_around(t, name) : NULL;
    struct error why = *t->why;
    char line[1500];

    t->failed |= !name;
    if (!row || !strncmp(row->text, "error: ", 7))
        return;
    if (!strcmp(row->name, why.path))
        why.path[0] = '\0';
    error_format(&why, line, sizeof line);
    if (asprintf(&text, "error: %s", line) < 0) {
        text = NULL;
        t->failed = true;
        return;
    }
    free(row->text);
    row->text = steal_ptr(text);
}

static void print(const struct table *t, struct text *out)
{
    size_t name = 0, server = 0;

    for (size_t i = 0; i < t->count; i++) {
        size_t n = strlen(t->rows[i].name), s = strlen(t->rows[i].server);

        name = n > name && n <= 48 ? n : name;
        server = s > server && s <= 32 ? s : server;
    }
    for (size_t i = 0; i < t->count; i++)
        text_add(out, "%-*s  %-*s  %s\n", (int)name, t->rows[i].name, (int)server,
                 t->rows[i].server, t->rows[i].text);
}

int plugins_explain(struct container *c, bool strict, struct error *why, struct text *out,
                    struct error *err)
{
    struct table t = {.c = c, .strict = strict, .why = why};
    int r = explain_all(&t, err);

    if (!r) {
        explain_why(&t);
        explain_additions(&t);
        print(&t, out);
        if (t.failed || out->failed)
            r = fail_memory(err);
    }
    for (size_t i = 0; i < t.count; i++)
        row_free(&t.rows[i]);
    free(t.rows);
    return r;
}
