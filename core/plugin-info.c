/* SPDX-License-Identifier: Apache-2.0 */
/* `plugin info`: all that a descriptor says, for people. */
#include "core/plugin-parts.h"

#include <string.h>
#include <sys/stat.h>

/* --- which one -------------------------------------------------------------------------------- */

static const struct plugin *open_file(struct plugins *p, const char *name, struct error *err)
{
    const char *why, *mask = plugin_masked(p, name);
    struct plugin_file *f;

    if (mask)
        fail(err, 0, NULL, "%s is masked by %s", name, mask);
    else if (plugin_kind(name, &why) == KIND_STRAY)
        fail(err, 0, NULL, "%s is never opened: %s", name, why);
    else if (plugins_open(p, name, err) == 1 && plugin_files(p, name, &f))
        return f->plugin;
    return NULL;
}

static const struct plugin *open_named(struct plugins *p, const char *name, struct error *err)
{
    size_t broken = 0;

    if (plugins_rehearse(p, err) < 0)
        return NULL;
    for (size_t i = 0; i < p->n_files; i++) {
        struct error ignored;

        if (plugin_kind(p->files[i].name, NULL) != KIND_STRAY)
            broken += plugins_open(p, p->files[i].name, &ignored) < 0;
    }
    for (size_t i = 0; i < p->n_opened; i++) {
        if (!strcmp(p->opened[i]->d->name, name))
            return p->opened[i];
    }
    fail(err, 0, NULL, "no installed plugin or file is called %s%s", name,
         broken ? "; hozo plugin list tells which files cannot be used" : "");
    return NULL;
}

static const struct plugin *choose(struct plugins *p, const char *name, struct error *err)
{
    size_t length = strlen(name);
    struct plugin_file *f;
    auto_free char *file =
        strndup(name, length > 3 && !strcmp(name + length - 3, ".so") ? length - 3 : length);

    if (!file)
        fail_memory(err);
    if (!file || plugins_scan(p, err) < 0)
        return NULL;
    return *file && plugin_files(p, file, &f) ? open_file(p, file, err) : open_named(p, name, err);
}

/* --- writing ---------------------------------------------------------------------------------- */

#define WIDTH 90

/* Breaks at blanks; the lines behind the first are indented as far as it. */
static void paragraph(struct text *out, size_t indent, const char *first, const char *text)
{
    size_t column = indent + strlen(first);

    text_add(out, "%*s%s", (int)indent, "", first);
    for (const char *word = text; *word;) {
        size_t n = strcspn(word, " ");

        if (word != text && column + 1 + n > WIDTH) {
            column = indent + strlen(first);
            text_add(out, "\n%*s", (int)column, "");
        } else if (word != text) {
            text_put(out, " ");
            column++;
        }
        text_append(out, word, n);
        column += n;
        word += n;
        word += strspn(word, " ");
    }
    text_put(out, "\n");
}

static void list(struct text *out, size_t indent, const char *first, const char *const *strings)
{
    auto_text struct text line = {0};

    for (const char *const *s = strings; *s; s++) {
        text_add(&line, "%s%s", s == strings ? "" : ", ", **s ? *s : "\"\"");
    }
    out->failed |= line.failed;
    paragraph(out, indent, first, line.at ? line.at : "none");
}

static void names_of(struct text *out, const char *first, const struct hozo_table *t)
{
    auto_text struct text line = {0};

    for (uint32_t i = 0; i < t->count; i++)
        text_add(&line, "%s%s", i ? ", " : "", table_string(t, i));
    out->failed |= line.failed;
    if (t->count && line.at)
        paragraph(out, 0, first, line.at);
}

static const char *use_name(uint32_t use)
{
    return use & HOZO_OWN ? "own" : "read";
}

/* --- the tables ------------------------------------------------------------------------------- */

static void print_row(struct text *out, const struct hozo_field *row, bool setting)
{
    static const char *const types[] = {
        [HOZO_STRING] = "string", [HOZO_BOOL] = "boolean",
        [HOZO_INT] = "integer",   [HOZO_UINT] = "unsigned integer",
        [HOZO_OBJECT] = "object", [HOZO_ARRAY] = "array",
        [HOZO_MAP] = "map",
    };

    text_add(out, "    %s (%s", row->path, types[row->type]);
    if (!setting)
        text_add(out, ", %s", use_name(row->use));
    text_add(out, "%s%s)\n", row->use & HOZO_REQUIRED ? ", required" : "",
             setting || spec_find(row->path) ? "" : ", in no specification");
    if (row->doc)
        paragraph(out, 8, "", row->doc);
    if (row->values)
        list(out, 8, "one of: ", row->values);
    if (row->min || row->max)
        text_add(out, "        from %lld to %lld\n", (long long)row->min, (long long)row->max);
    if (row->use & HOZO_UNSET_0)
        text_add(out, "        %s: not set\n", row->type == HOZO_STRING ? "\"\"" : "0");
    if (row->feature)
        text_add(out, "        features: %s\n", row->feature);
}

static void print_rows(struct text *out, const char *title, const struct hozo_table *rows,
                       bool settings)
{
    if (rows->count)
        text_add(out, "\n%s\n", title);
    table_each(struct hozo_field, row, rows)
    {
        print_row(out, row, settings);
    }
}

static void print_annotations(struct text *out, const struct hozo_table *rows)
{
    if (rows->count)
        text_add(out, "\nAnnotations, potentially unsafe: they change what hozo does\n");
    table_each(struct hozo_annotation, row, rows)
    {
        size_t n = strlen(row->key);

        text_add(out, "    %s%s (%s)\n", row->key, row->key[n - 1] == '.' ? "*" : "",
                 use_name(row->use));
        if (row->doc)
            paragraph(out, 8, "", row->doc);
    }
}

static void print_features(struct text *out, const struct hozo_table *rows)
{
    if (rows->count)
        text_add(out, "\nFeatures\n");
    table_each(struct hozo_feature, row, rows)
    {
        text_add(out, "    %s: %s\n", row->path, row->value);
    }
}

static void print_callbacks(struct text *out, const struct hozo_plugin *d)
{
    char first[32];

    text_add(out, "\nCallbacks\n");
#define CB(id, member, purity, time, when, may)                                                    \
    if (d->member) {                                                                               \
        snprintf(first, sizeof first, "%-13s", #member);                                           \
        paragraph(out, 4, first, when ": " may);                                                   \
    }
    PLUGIN_CALLBACKS(CB)
#undef CB
}

/* Where it is installed under this name, or what else is. */
static void print_name(struct plugins *p, const struct plugin *plugin, const char *name,
                       struct text *out)
{
    const char *why, *mask = plugin_masked(p, name);
    struct error err = {0};
    struct plugin_file *f;
    char text[1200];

    text_add(out, "    %-32s ", name);
    if (plugin_kind(name, &why) == KIND_STRAY) {
        text_add(out, "never opened: %s\n", why);
    } else if (mask) {
        text_add(out, "masked by %s\n", mask);
    } else if (plugins_open(p, name, &err) < 0) {
        error_format(&err, text, sizeof text);
        text_add(out, "%s\n", text);
    } else if (!plugin_files(p, name, &f)) {
        text_add(out, "not installed\n");
    } else {
        text_add(out, "%s%s%s\n", f->path, f->plugin == plugin ? "" : ", which is plugin ",
                 f->plugin == plugin ? "" : f->plugin->d->name);
    }
}

/* It is open: nobody else can write it, nor what leads to it. */
static void print_trust(const struct plugin *plugin, struct text *out)
{
    struct stat st;

    if (!*plugin->file || stat(plugin->file, &st) < 0)
        return;
    text_add(out, "Trust:      nobody but %s%.0u can write it, or what leads to it\n",
             st.st_uid ? "root and uid " : "root", (unsigned)st.st_uid);
    text_add(out, "Loading:    %.2f ms\n", (double)plugin->load_ns / 1e6);
}

static void print_head(const struct plugin *plugin, struct text *out)
{
    const struct hozo_plugin *d = plugin->d;

    text_add(out, "%s %s%s%s\n\n", d->name, d->version, d->summary ? ": " : "",
             d->summary ? d->summary : "");
    text_add(out, "Package:    %s\n", d->package);
    text_add(out, "File:       %s\n", plugin_where(plugin));
    print_trust(plugin, out);
    text_add(out, "Interface:  %u.%u\n", d->abi_major, d->needs_minor);
    text_add(out, "State:      version %u\n", d->state_version);
    if (d->settings.count)
        text_add(out, "Settings:   %s/%s.json\n", settings_directory(), d->name);
    names_of(out, "Before:     ", &d->before);
    names_of(out, "After:      ", &d->after);
}

int plugins_info(struct plugins *p, const char *name, struct text *out, struct error *err)
{
    const struct plugin *plugin = choose(p, name, err);
    const struct hozo_plugin *d;

    if (!plugin)
        return -1;
    d = plugin->d;
    print_head(plugin, out);
    text_add(out, "\nNames\n");
    for (uint32_t i = 0; i < d->names.count; i++)
        print_name(p, plugin, table_string(&d->names, i), out);
    print_rows(out, "Fields", &d->fields, false);
    print_annotations(out, &d->annotations);
    print_rows(out, "Settings", &d->settings, true);
    print_features(out, &d->features);
    print_callbacks(out, d);
    return out->failed ? fail_memory(err) : 0;
}
