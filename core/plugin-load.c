/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a trusted file to a checked descriptor. Nothing is ever unloaded: libraries that a plugin
 * brought along may have left threads or exit handlers behind.
 */
#include "core/plugin-parts.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <string.h>

#include "core/json-scan.h"

/* --- the descriptor --------------------------------------------------------------------------- */

#define ROWS_MAX 4096

int plugin_check_interface(const struct hozo_plugin *d, struct error *err)
{
    if (d->magic != HOZO_MAGIC)
        return fail(err, 0, NULL, "is no plugin of hozo: its magic number is 0x%08x", d->magic);
    if (d->abi_major != HOZO_ABI_MAJOR)
        return fail(err, 0, NULL, "is built for plugin interface %u, this hozo has %u",
                    d->abi_major, HOZO_ABI_MAJOR);
    /* Version 0 changes with every minor number. */
    if (d->needs_minor > HOZO_ABI_MINOR || (!HOZO_ABI_MAJOR && d->needs_minor != HOZO_ABI_MINOR))
        return fail(err, 0, NULL, "needs plugin interface %u.%u, this hozo has %u.%u", d->abi_major,
                    d->needs_minor, HOZO_ABI_MAJOR, HOZO_ABI_MINOR);
    if (d->size < sizeof *d)
        return fail(err, 0, NULL, "has a descriptor of %u bytes, %zu are needed", d->size,
                    sizeof *d);
    /* A member or flag that only a newer host understands may be a constraint. */
    if (d->flags)
        return fail(err, 0, NULL, "has flags that this hozo does not know: 0x%llx",
                    (unsigned long long)d->flags);
    return 0;
}

static int check_table(const struct hozo_table *t, const char *what, size_t row, struct error *err)
{
    if (t->count > ROWS_MAX)
        return fail(err, 0, NULL, "has %u %s, the limit is %d", t->count, what, ROWS_MAX);
    if (t->count && (!t->rows || t->row_size < row || t->row_size % _Alignof(void *)))
        return fail(err, 0, NULL, "has a broken table of %s: rows of %u bytes, %zu are needed",
                    what, t->row_size, row);
    return 0;
}

static int check_strings(const struct hozo_table *t, const char *what, struct error *err)
{
    if (check_table(t, what, sizeof(char *), err) < 0)
        return -1;
    for (uint32_t i = 0; i < t->count; i++)
        if (!table_string(t, i))
            return fail(err, 0, NULL, "has an empty row among its %s", what);
    return 0;
}

static bool type_agrees(const struct spec_field *field, uint32_t type)
{
    switch (field->type) {
    case SPEC_STRING:
        return type == HOZO_STRING;
    case SPEC_BOOL:
        return type == HOZO_BOOL;
    case SPEC_INT:
    case SPEC_UINT:
    case SPEC_NUMBER:
        return type == HOZO_INT || type == HOZO_UINT;
    case SPEC_OBJECT:
        return type == HOZO_OBJECT;
    case SPEC_MAP:
        return type == HOZO_MAP;
    case SPEC_ARRAY:
        return type == HOZO_ARRAY;
    case SPEC_ANY:
        return true;
    }
    return false;
}

/* member.member[].member.* */
static bool path_is_sound(const char *path)
{
    const char *p = path;

    do {
        size_t n = json_plain_length(p, strlen(p));

        if (!n && (p == path || *p != '*'))
            return false;
        for (p += n ? n : 1; !strncmp(p, "[]", 2);)
            p += 2;
    } while (*p == '.' && *++p);
    return !*p && p[-1] != '.';
}

static int check_row(const struct hozo_field *row, struct error *err)
{
    if (!row->path || !path_is_sound(row->path))
        return fail(err, 0, NULL, "declares a field without a sound path: %s",
                    row->path ? row->path : "(null)");
    if (row->type < HOZO_STRING || row->type > HOZO_MAP)
        return fail(err, 0, NULL, "declares %s with an unknown type", row->path);
    if (!(row->use & (HOZO_OWN | HOZO_READ)) ||
        row->use & ~(HOZO_OWN | HOZO_READ | HOZO_REQUIRED | HOZO_UNSET_0))
        return fail(err, 0, NULL, "declares %s for an unknown use", row->path);
    if (row->use & HOZO_UNSET_0 &&
        (row->type == HOZO_BOOL || row->type >= HOZO_OBJECT || row->path[strcspn(row->path, "[*")]))
        return fail(err, 0, NULL,
                    "declares that %s may be not set, which only members with a "
                    "number or a string can be",
                    row->path);
    return 0;
}

static int check_field(const struct hozo_field *row, struct error *err)
{
    const struct spec_field *field;

    if (check_row(row, err) < 0)
        return -1;
    /* Annotations have a table of their own, from which engines learn which ones are unsafe. */
    if (!strncmp(row->path, "annotations", 11))
        return fail(err, 0, NULL, "declares %s as a field instead of an annotation", row->path);
    /* A plugin may know a later specification; a member that this one does not know is ignored. */
    if (!(field = spec_find(row->path)))
        return 0;
    if (!type_agrees(field, row->type))
        return fail(err, 0, NULL, "declares %s with another type than the specification",
                    row->path);
    if (row->use & HOZO_OWN && field->server != SERVED_BY_PLUGIN)
        return fail(err, 0, NULL, "declares %s as its own, which is not a plugin's to serve",
                    row->path);
    return 0;
}

/* The file is the plugin's alone: every row of it is its own. */
static int check_setting(const struct hozo_field *row, struct error *err)
{
    if (check_row(row, err) < 0)
        return -1;
    return row->use & HOZO_OWN
               ? 0
               : fail(err, 0, NULL, "declares the setting %s without owning it", row->path);
}

static int check_tables(const struct hozo_plugin *d, struct error *err)
{
    if (check_strings(&d->names, "names", err) < 0 ||
        check_strings(&d->before, "plugins that come later", err) < 0 ||
        check_strings(&d->after, "plugins that come before", err) < 0 ||
        check_table(&d->fields, "fields", sizeof(struct hozo_field), err) < 0 ||
        check_table(&d->annotations, "annotations", sizeof(struct hozo_annotation), err) < 0 ||
        check_table(&d->features, "features", sizeof(struct hozo_feature), err) < 0 ||
        check_table(&d->settings, "settings", sizeof(struct hozo_field), err) < 0)
        return -1;
    table_each(struct hozo_field, row, &d->settings)
    {
        if (check_setting(row, err) < 0)
            return -1;
    }
    table_each(struct hozo_field, row, &d->fields)
    {
        if (check_field(row, err) < 0)
            return -1;
    }
    table_each(struct hozo_annotation, row, &d->annotations)
    {
        if (!row->key || !*row->key)
            return fail(err, 0, NULL, "has an annotation without a key");
    }
    table_each(struct hozo_feature, row, &d->features)
    {
        if (!row->path || !row->value)
            return fail(err, 0, NULL, "has a feature without path or value");
    }
    return 0;
}

int plugin_check_content(const struct hozo_plugin *d, struct error *err)
{
    if (!d->name || !*d->name || !d->version || !d->package)
        return fail(err, 0, NULL, "has a descriptor without name, version or package");
    /* It becomes part of file names and lines of the log; and two names are ours. */
    if (*d->name == '.' || strlen(d->name) > NAME_MAX / 2 ||
        strspn(d->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
            strlen(d->name) ||
        !strcmp(d->name, "core") || !strcmp(d->name, "hozo"))
        return fail(err, 0, NULL, "has a name that no plugin can have: \"%.64s\"", d->name);
    return check_tables(d, err);
}

int plugin_check(const struct hozo_plugin *d, struct error *err)
{
    return plugin_check_interface(d, err) < 0 ? -1 : plugin_check_content(d, err);
}

int plugin_check_name(const struct hozo_plugin *d, const char *name, struct error *err)
{
    auto_text struct text names = {0};

    for (uint32_t i = 0; i < d->names.count; i++) {
        if (!strcmp(table_string(&d->names, i), name))
            return 0;
        text_add(&names, "%s%s", i ? ", " : "", table_string(&d->names, i));
    }
    return fail(err, 0, NULL, "plugin %s may not be opened as %s, only as %s", d->name, name,
                names.at ? names.at : "nothing");
}

/* --- the file --------------------------------------------------------------------------------- */

/* dlsym() also finds what a library that the plugin needs exports. */
static bool lies_in(const void *symbol, void *handle)
{
    struct link_map *map = NULL;
    Dl_info info;

    return !dlinfo(handle, RTLD_DI_LINKMAP, &map) && dladdr(symbol, &info) &&
           !strcmp(info.dli_fname, map->l_name);
}

const struct hozo_plugin *plugin_link(const char *real, void **handle, struct error *err)
{
    const struct hozo_plugin *d;
    const char *why;

    if (!(*handle = dlopen(real, RTLD_NOW | RTLD_LOCAL))) {
        size_t n = strlen(real);

        why = dlerror();
        /* The text begins with the file where the file itself is at fault. */
        if (why && !strncmp(why, real, n) && !strncmp(why + n, ": ", 2))
            why += n + 2;
        fail(err, 0, NULL, "cannot be loaded: %s", why ? why : "no reason given");
        return NULL;
    }
    d = dlsym(*handle, "hozo_plugin");
    if (d && lies_in(d, *handle))
        return d;
    fail(err, 0, NULL, "is no plugin of hozo: it has no symbol hozo_plugin");
    return NULL;
}

int plugin_load(const char *real, const struct hozo_plugin **d, struct error *err)
{
    void *handle;

    *d = plugin_link(real, &handle, err);
    return *d ? plugin_check(*d, err) : -1;
}
