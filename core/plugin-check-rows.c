/* SPDX-License-Identifier: Apache-2.0 */
/* What a sound descriptor may still say wrong: rows that nobody would look at, or that say nothing. */
#include "core/plugin-subject.h"

#include <string.h>

static int check_names(const struct hozo_plugin *d, struct error *err)
{
    for (uint32_t i = 0; i < d->names.count; i++) {
        const char *name = table_string(&d->names, i), *why;

        if (!plugin_name_is_sound(name))
            return fail(err, 0, NULL, "%s: has characters that no file name may have", name);
        if (plugin_kind(name, &why) == KIND_STRAY)
            return fail(err, 0, NULL, "%s: %s", name, why);
    }
    return 0;
}

/* Every callback by which something can come of what is declared. */
static bool acts(const struct hozo_plugin *d)
{
    return d->adjust || d->plan || d->prepare || d->attach || d->started || d->exec ||
           d->exec_attach;
}

static bool declares_annotation(const struct hozo_plugin *d, const char *prefix)
{
    table_each(struct hozo_annotation, row, &d->annotations)
    {
        if (annotation_matches(row->key, prefix))
            return true;
    }
    return false;
}

static int check_behind_names(const struct hozo_plugin *d, struct error *err)
{
    for (uint32_t i = 0; i < d->names.count; i++) {
        const char *name = table_string(&d->names, i);
        enum plugin_kind kind = plugin_kind(name, NULL);

        if (kind == KIND_SECTION && !rows_declare(&d->fields, name, HOZO_OWN, true))
            return fail(err, 0, NULL, "%s: owns nothing there", name);
        if (kind == KIND_ANNOTATIONS && !declares_annotation(d, name + strlen("annotations.")))
            return fail(err, 0, NULL, "%s: declares no such annotation", name);
        if (kind == KIND_WATCHER && !acts(d) && !d->validate && !d->probe)
            return fail(err, 0, NULL, "%s: watches without any callback", name);
    }
    return 0;
}

/* Nobody would open the plugin for what it owns elsewhere. */
static bool opened_for(const struct hozo_plugin *d, const char *field)
{
    for (uint32_t i = 0; i < d->names.count; i++) {
        const char *name = table_string(&d->names, i);
        size_t n = strlen(name);

        if (!strncmp(field, name, n) && (!field[n] || strchr(".[", field[n])))
            return true;
    }
    return false;
}

static int check_owned(const struct hozo_plugin *d, struct error *err)
{
    bool owns = false;

    table_each(struct hozo_field, row, &d->fields)
    {
        if (!(row->use & HOZO_OWN) || !spec_find(row->path))
            continue;
        if (!opened_for(d, row->path))
            return fail(err, 0, NULL, "owns %s, but has no name for which it would be opened",
                        row->path);
        owns = true;
    }
    if (owns && !acts(d))
        return fail(err, 0, NULL, "owns fields, but has no callback that could apply them");
    if (d->annotations.count && !acts(d) && !d->validate && !d->probe)
        return fail(err, 0, NULL, "declares annotations, but has no callback that could read them");
    return 0;
}

/* The first member of every row is its name. */
static int check_twice(const struct hozo_table *t, const char *what, struct error *err)
{
    for (uint32_t i = 1; i < t->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(table_string(t, i), table_string(t, j)))
                return fail(err, 0, NULL, "%s stands twice among its %s", table_string(t, i), what);
    return 0;
}

static int check_duplicates(const struct hozo_plugin *d, struct error *err)
{
    if (check_twice(&d->names, "names", err) < 0 || check_twice(&d->fields, "fields", err) < 0 ||
        check_twice(&d->annotations, "annotations", err) < 0 ||
        check_twice(&d->features, "features", err) < 0)
        return -1;
    return check_twice(&d->settings, "settings", err);
}

static int check_line(const char *doc, const char *of, struct error *err)
{
    if (!doc || !*doc)
        return fail(err, 0, NULL, "%s: says nothing", of);
    return strchr(doc, '\n') ? fail(err, 0, NULL, "%s: has more than one line", of) : 0;
}

static int check_docs(const struct hozo_plugin *d, struct error *err)
{
    const struct hozo_table *tables[] = {&d->fields, &d->settings};

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        table_each(struct hozo_field, row, tables[i])
        {
            if (check_line(row->doc, row->path, err) < 0)
                return -1;
        }
    }
    table_each(struct hozo_annotation, row, &d->annotations)
    {
        if (check_line(row->doc, row->key, err) < 0)
            return -1;
    }
    return check_line(d->summary, "summary", err);
}

static int check_features(const struct hozo_plugin *d, struct error *err)
{
    table_each(struct hozo_feature, row, &d->features)
    {
        auto_json struct json value = {0};

        if (!feature_key(row->path))
            return fail(err, 0, NULL, "%s: is no key that plugins fill", row->path);
        if (json_parse(&value, row->path, row->value, strlen(row->value), err) < 0)
            return -1;
    }
    table_each(struct hozo_field, row, &d->fields)
    {
        if (row->feature && !feature_key(row->feature))
            return fail(err, 0, NULL, "%s: is no key that plugins fill", row->feature);
        if (row->feature && !row->values)
            return fail(err, 0, NULL, "%s: %s has no values to be listed", row->feature, row->path);
    }
    return 0;
}

static int check_order(const struct hozo_plugin *d, struct error *err)
{
    for (uint32_t i = 0; i < d->before.count; i++)
        for (uint32_t j = 0; j < d->after.count; j++)
            if (!strcmp(table_string(&d->before, i), table_string(&d->after, j)))
                return fail(err, 0, NULL, "comes before %s and after it",
                            table_string(&d->before, i));
    for (uint32_t i = 0; i < d->before.count + d->after.count; i++)
        if (!strcmp(d->name, i < d->before.count ? table_string(&d->before, i)
                                                 : table_string(&d->after, i - d->before.count)))
            return fail(err, 0, NULL, "comes before or after itself");
    return 0;
}

#define ROWS(name)                                                                                 \
    int point_##name(struct subject *s, struct error *err)                                         \
    {                                                                                              \
        return check_##name(s->d, err);                                                            \
    }
ROWS(names)
ROWS(behind_names)
ROWS(owned)
ROWS(duplicates)
ROWS(docs)
ROWS(features)
ROWS(order)
