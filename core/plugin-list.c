/* SPDX-License-Identifier: Apache-2.0 */
/* `plugin list`: one line for each file: what it serves, or why it does not. */
#include "core/plugin-parts.h"

#include <string.h>

#include "build-config.h"

static void print(struct text *out, const char *name, const char *plugin, const char *text)
{
    text_add(out, "%-32s %-20s %s\n", *name ? name : "-", plugin, text);
}

/* Returns true if the file is as it should be. */
static bool list_named(struct plugins *p, const struct plugin_file *f, struct text *out)
{
    char word[96], text[1200];
    struct plugin_file *first;
    struct error err = {0};

    if (plugins_open(p, f->name, &err) < 0) {
        error_format(&err, text, sizeof text);
        print(out, f->name, "broken", text);
        return false;
    }
    plugin_files(p, f->name, &first);
    snprintf(word, sizeof word, "%s %s", first->plugin->d->name, first->plugin->d->version);
    print(out, f->name, word, f->path);
    return true;
}

static bool list_file(struct plugins *p, const struct plugin_file *f, struct text *out)
{
    const char *why, *mask = *f->name ? plugin_masked(p, f->name) : NULL;
    enum plugin_kind kind = plugin_kind(f->name, &why);
    char text[1200];

    if (mask) {
        snprintf(text, sizeof text, "%s, by %s", f->path, mask);
        print(out, f->name, "masked", text);
        return true;
    }
    if (kind != KIND_STRAY)
        return list_named(p, f, out);
    snprintf(text, sizeof text, "%s: %s", f->path, why);
    print(out, f->name, "not opened", text);
    /* A file that is no plugin by its name, a note perhaps, does no harm. */
    return !*f->name;
}

int plugins_list(struct plugins *p, struct text *out, struct error *err)
{
    int r = 0;

    if (plugins_rehearse(p, err) < 0)
        return -1;
    for (size_t i = 0; i < p->n_files; i++)
        if (!list_file(p, &p->files[i], out))
            r = 1;
    if (HOZO_STATIC_PLUGINS_BUILD)
        text_add(out, "The plugins are built in; the plugin directories are not read.\n");
    return out->failed ? fail_memory(err) : r;
}
