/* SPDX-License-Identifier: Apache-2.0 */
/* create: each step is in the record before it is taken. */
#include <errno.h>

#include "plugins/freebsd/runner.h"

static int fail(struct runner *r, int errnum, const char *path, const char *what, const char *name)
{
    return hozo_error(r->jail->ctx, errnum, path, "%s %s", what, name);
}

/* --- names -------------------------------------------------------------------------------------- */

const char *runner_directory(struct runner *r)
{
    return jail_text(r->jail, ROOTS "/%s", r->jail->id);
}

const char *runner_place(struct runner *r, const char *destination)
{
    return jail_text(r->jail, "%s%s", r->record.path, destination);
}

const char *runner_parent(struct runner *r, size_t i)
{
    const char *s = r->jail->parent;

    for (; s; s++) {
        s += strcspn(s, ".");
        if (!i--)
            return jail_text(r->jail, "%.*s", (int)(s - r->jail->parent), r->jail->parent);
        if (!*s)
            return NULL;
    }
    return NULL;
}

/* --- directory and root ------------------------------------------------------------------------- */

/* A container of the same name in another directory of states has the same one: what is there is not ours. */
static int make_directory(struct runner *r)
{
    const char *path = runner_directory(r);
    int e;

    if (!path)
        return -1;
    r->record.directory = true;
    if (r->save(r) < 0)
        return -1;
    if ((e = OS(r, make_directory, path)) < 0) {
        r->record.directory = e != -EEXIST;
        return fail(r, -e, JAIL, "making", path);
    }
    r->record.fifos = true;
    if (r->save(r) < 0)
        return -1;
    return (e = OS(r, make_fifos, path)) < 0 ? fail(r, -e, JAIL, "making fifos in", path) : 0;
}

/* The kernel tells mounts and jails by the way without links. */
static int find_root(struct runner *r)
{
    char *path = r->record.path;
    int e;

    if (!r->jail->readonly)
        return (e = OS(r, real_path, r->jail->rootfs, path, ROOT_MAX)) < 0
                   ? fail(r, -e, "root.path", "looking at", r->jail->rootfs)
                   : r->save(r);
    if ((e = OS(r, make_directory, r->jail->root)) < 0)
        return fail(r, -e, "root.readonly", "making", r->jail->root);
    if ((e = OS(r, real_path, r->jail->root, path, ROOT_MAX)) < 0)
        return fail(r, -e, "root.readonly", "looking at", r->jail->root);
    return r->save(r);
}

static bool of_a_file(struct runner *r, const struct mount *m, int *e)
{
    *e = strcmp(m->type, "nullfs") ? 1 : OS(r, is_directory, m->source);
    return !*e;
}

/* In a root that becomes read-only nothing can be made later. */
static int make_places(struct runner *r, const char *root)
{
    for (size_t i = 0; i < r->jail->n_mounts; i++) {
        const struct mount *m = &r->jail->mounts[i];
        int e;
        bool file = of_a_file(r, m, &e);

        if (e < 0)
            return fail(r, -e, m->path, "looking at", m->source);
        if ((e = OS(r, make_place, root, m->destination, !file)) < 0)
            return fail(r, -e, m->path, "making", m->destination);
    }
    return 0;
}

static int mount_root(struct runner *r)
{
    const struct os_option options[] = {{"fstype", "nullfs"},
                                        {"fspath", r->record.path},
                                        {"target", r->jail->rootfs},
                                        {"ro", NULL}};
    int e;

    if (!r->jail->readonly)
        return 0;
    if (make_places(r, r->jail->rootfs) < 0)
        return -1;
    r->record.root = true;
    if (r->save(r) < 0)
        return -1;
    if ((e = OS(r, nmount, r->record.path, "", options, ARRAY_SIZE(options))) < 0) {
        r->record.root = false;
        return fail(r, -e, "root.readonly", "mounting", r->record.path);
    }
    return 0;
}

/* --- mounts ------------------------------------------------------------------------------------- */

static struct os_option *mount_options(struct runner *r, const struct mount *m, size_t *n)
{
    const char *place = runner_place(r, m->destination);
    struct os_option *o = place ? jail_keep(r->jail, calloc(m->n_options + 3, sizeof(*o))) : NULL;

    if (!o)
        return NULL;
    *n = 0;
    o[(*n)++] = (struct os_option){"fstype", m->type};
    o[(*n)++] = (struct os_option){"fspath", place};
    o[(*n)++] = (struct os_option){strcmp(m->type, "nullfs") ? "from" : "target", m->source};
    for (size_t i = 0; i < m->n_options; i++)
        o[(*n)++] = (struct os_option){m->options[i].name, m->options[i].value};
    return o;
}

static int mount_one(struct runner *r, const struct mount *m)
{
    size_t n;
    struct os_option *options = mount_options(r, m, &n);
    int e;
    bool file = of_a_file(r, m, &e);

    if (!options)
        return -1;
    if (e < 0)
        return fail(r, -e, m->path, "looking at", m->source);
    if ((e = OS(r, make_place, r->record.path, m->destination, !file)) < 0)
        return fail(r, -e, m->path, "making", m->destination);
    r->record.mounts++;
    if (r->save(r) < 0)
        return -1;
    if ((e = OS(r, nmount, r->record.path, m->destination, options, n)) < 0) {
        /* What is mounted there already is somebody else's. */
        r->record.mounts--;
        return fail(r, -e, m->path, "mounting", m->destination);
    }
    return 0;
}

static int mount_all(struct runner *r)
{
    const char *dev = runner_place(r, "/dev");
    int e;

    if (!dev)
        return -1;
    for (size_t i = 0; i < r->jail->n_mounts; i++)
        if (mount_one(r, &r->jail->mounts[i]) < 0)
            return -1;
    for (size_t i = 0; i < r->jail->n_rules; i++) {
        const struct rule *rule = &r->jail->rules[i];

        if ((e = OS(r, devfs_rule, dev, rule->node, rule->mode)) < 0)
            return fail(r, -e, rule->path, "showing", rule->node);
    }
    return 0;
}

/* --- network ------------------------------------------------------------------------------------ */

static int add_aliases(struct runner *r)
{
    if (r->jail->n_aliases > ADDRESSES_MAX)
        return fail(r, E2BIG, JAIL ".interface", "adding", "addresses");
    for (size_t i = 0; i < r->jail->n_aliases; i++) {
        const struct alias *a = &r->jail->aliases[i];
        int e = OS(r, has_address, a->interface, a->address, a->ip6);

        if (e < 0)
            return fail(r, -e, JAIL ".interface", "looking at", a->interface);
        if (e)
            continue;
        r->record.aliases[i] = true;
        if (r->save(r) < 0)
            return -1;
        if ((e = OS(r, add_address, a->interface, a->address, a->ip6)) < 0) {
            r->record.aliases[i] = false;
            return fail(r, -e, a->path, "adding", a->address);
        }
    }
    return 0;
}

static int move_interfaces(struct runner *r)
{
    for (size_t i = 0; i < r->jail->n_interfaces; i++) {
        const struct interface *in = &r->jail->interfaces[i];
        int e;

        r->record.interfaces++;
        if (r->save(r) < 0)
            return -1;
        if ((e = OS(r, move_in, in->name, r->record.jid)) < 0) {
            r->record.interfaces--;
            return fail(r, -e, in->path, "moving", in->name);
        }
    }
    return 0;
}

/* --- the jail ----------------------------------------------------------------------------------- */

/* The outermost first: a jail may allow fewer than the one above it. */
static int raise_parents(struct runner *r)
{
    const char *name;
    int jid, current, maximum, e;

    for (size_t i = 0; (name = runner_parent(r, i)); i++) {
        if (i == PARENTS_MAX)
            return fail(r, E2BIG, JAIL ".parent", "looking at", name);
        if ((jid = OS(r, jail_find, name, NULL, 0)) < 0)
            return fail(r, -jid, JAIL ".parent", "looking for jail", name);
        if ((e = OS(r, jail_children, jid, &current, &maximum)) < 0)
            return fail(r, -e, JAIL ".parent", "looking at jail", name);
        if (current < maximum)
            continue;
        r->record.raised[i] = maximum + 1;
        if (r->save(r) < 0)
            return -1;
        if ((e = OS(r, jail_allow_children, jid, current + 1)) < 0) {
            r->record.raised[i] = 0;
            return fail(r, -e, JAIL ".parent", "allowing one more below jail", name);
        }
    }
    return 0;
}

static int create_jail(struct runner *r)
{
    const char *name = r->jail->name;
    struct os_value *values = values_make(r->jail);
    char message[OS_ERROR_SIZE] = "";
    int e;

    if (!values)
        return -1;
    /* Undo looks for it by its name, which must not be that of another one. */
    if ((e = OS(r, jail_find, name, NULL, 0)) >= 0)
        return fail(r, EEXIST, JAIL, "jail", name);
    if (e != -ENOENT)
        return fail(r, -e, JAIL, "looking for jail", name);
    r->record.jail = true;
    if (r->save(r) < 0)
        return -1;
    if ((e = OS(r, jail_create, values, r->jail->n_parameters, message)) < 0) {
        r->record.jail = false;
        return hozo_error(r->jail->ctx, -e, JAIL, "making jail %s%s%s", name, *message ? ": " : "",
                          message);
    }
    r->record.jid = e;
    return r->save(r);
}

/* --- the whole ---------------------------------------------------------------------------------- */

int runner_create(struct runner *r, int *console)
{
    r->record = (struct record){0};
    if (make_directory(r) == 0 && find_root(r) == 0 && mount_root(r) == 0 && mount_all(r) == 0 &&
        add_aliases(r) == 0 && raise_parents(r) == 0 && create_jail(r) == 0 &&
        move_interfaces(r) == 0 && runner_spawn(r, console) == 0)
        return 0;
    r->save(r); /* without the step that has failed */
    return -1;
}
