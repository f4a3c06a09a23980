/* SPDX-License-Identifier: Apache-2.0 */
/* What the state remembers of plugins, and how later verbs find them again. */
#include "core/plugin-parts.h"

#include <string.h>

/* --- writing ---------------------------------------------------------------------------------- */

/* The names of the callbacks that later verbs ask for, separated by blanks. */
static char *callbacks(const struct hozo_plugin *d)
{
    auto_text struct text list = {0};

    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        if ((unsigned)STAGES_LATER >> stage & 1 && plugin_callback(d, stage))
            text_add(&list, "%s%s", list.length ? " " : "", plugin_stage_name[stage]);
    text_put(&list, "");
    return list.failed ? NULL : steal_ptr(list.at);
}

static struct state_plugin *find(const struct state *s, const char *name)
{
    for (size_t i = 0; i < s->n_plugins; i++)
        if (!strcmp(s->plugins[i].name, name))
            return &s->plugins[i];
    return NULL;
}

int plugins_record(struct container *c, struct error *err)
{
    struct state *s = &c->state;
    struct state_plugin *rows =
        reallocarray(s->plugins, s->n_plugins + c->plugins.n_opened + 1, sizeof *rows);

    if (!rows)
        return fail_memory(err);
    s->plugins = rows;
    for (size_t i = 0; i < c->plugins.n_opened; i++) {
        const struct plugin *p = c->plugins.opened[i];
        struct state_plugin *row = &rows[s->n_plugins];

        if (p->aside || find(s, p->d->name))
            continue;
        *row = (struct state_plugin){.name = strdup(p->d->name),
                                     .version = strdup(p->d->version),
                                     .state_version = p->d->state_version,
                                     .file = strdup(p->file),
                                     .as = strdup(p->as),
                                     .callbacks = callbacks(p->d)};
        s->n_plugins++;
        if (!row->name || !row->version || !row->file || !row->as || !row->callbacks)
            return fail_memory(err);
    }
    return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool has(const struct state_plugin *record, const char *callback)
{
    size_t n = strlen(callback);

    for (const char *s = record->callbacks; s && *s; s += strspn(s, " ")) {
        if (!strncmp(s, callback, n) && (!s[n] || s[n] == ' '))
            return true;
        s += strcspn(s, " ");
    }
    return false;
}

bool plugin_is_for(const struct state_plugin *record, unsigned stages)
{
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        if (stages >> stage & 1 && has(record, plugin_stage_name[stage]))
            return true;
    return false;
}

static struct plugin *opened_as(const struct plugins *p, const char *name)
{
    for (size_t i = 0; i < p->n_opened; i++)
        if (!strcmp(p->opened[i]->d->name, name))
            return p->opened[i];
    return NULL;
}

static int absent(struct plugins *p, const struct state_plugin *record, struct error *err)
{
    const char *package = plugin_package(record->as), *mask = plugin_masked(p, record->as);

    if (mask)
        fail(err, 0, NULL, "the container uses plugin %s (%s.so), which %s masks", record->name,
             record->as, mask);
    else
        fail(err, 0, NULL, "the container uses plugin %s (%s.so), which is not installed%s%s",
             record->name, record->as, package ? "; install " : "", package ? package : "");
    return PLUGIN_ABSENT;
}

int plugins_open_recorded(struct plugins *p, const struct state_plugin *record, struct error *err)
{
    int r = plugins_open(p, record->as, err);
    struct plugin *plugin;

    if (r < 0)
        return -1;
    if (!r)
        return absent(p, record, err);
    if (!(plugin = opened_as(p, record->name)))
        return fail(err, 0, NULL, "%s.so is no longer plugin %s, which the container uses",
                    record->as, record->name);
    /* Who is not fit for this container is not called, even if others are. */
    plugin->aside = true;
    if (record->state_version > plugin->d->state_version)
        return fail(err, 0, NULL,
                    "plugin %s %s reads its state up to version %u; the container's is %u, of %s",
                    record->name, plugin->d->version, plugin->d->state_version,
                    record->state_version, record->version);
    if (settings_read(p->container, plugin, err) < 0)
        return -1;
    plugin->aside = false;
    plugin->begun = true;
    return 0;
}

/* Opened one after another in the order of the state, which is theirs: it is kept. */
int plugins_open_for(struct container *c, unsigned stages, struct error *err)
{
    bool some = false;

    for (size_t i = 0; i < c->state.n_plugins && !some; i++)
        some = plugin_is_for(&c->state.plugins[i], stages);
    if (!some)
        return 0;
    if (settings_of_host(c, err) < 0)
        return -1;
    for (size_t i = 0; i < c->state.n_plugins; i++) {
        const struct state_plugin *record = &c->state.plugins[i];

        if (plugin_is_for(record, stages) && plugins_open_recorded(&c->plugins, record, err) < 0)
            return -1;
    }
    return 0;
}
