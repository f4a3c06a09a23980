/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/bind.h"

#include <sched.h>

#include "core/linux/user-namespace.h"

static void say(struct compile *p, const struct bind *b)
{
    /* Where a guest finds a source is nobody else's name for it. */
    if (b->source.type == VALUE_STRING && !p->guest)
        plan_what(p->b, "bind %s to %s", (const char *)b->source.at, b->target);
    else
        plan_what(p->b, "bind to %s", b->target);
}

static bool has_mappings(const cJSON *mount)
{
    return json_get(mount, "uidMappings") || json_get(mount, "gidMappings");
}

bool bind_is_mapped(const cJSON *mount, const struct mount_options *o)
{
    return o->idmap || has_mappings(mount);
}

static char *mappings_of(struct compile *p, const struct bind *b, const char *member,
                         struct error *err)
{
    char path[128];

    snprintf(path, sizeof path, "%s.%s", b->path, member);
    return id_mappings_text(&p->c->config, json_get(b->mount, member), path, err);
}

static bool alike(const cJSON *one, const cJSON *other)
{
    return one && other ? cJSON_Compare(one, other, true) : one == other;
}

static bool maps_alike(const cJSON *one, const cJSON *other)
{
    return alike(json_get(one, "uidMappings"), json_get(other, "uidMappings")) &&
           alike(json_get(one, "gidMappings"), json_get(other, "gidMappings"));
}

/* The slot of a user namespace that says which ids the files show, or -1 with *err. Engines map all volumes of a
 * container alike: one namespace serves them. */
static int user_namespace(struct compile *p, const struct bind *b, struct error *err)
{
    auto_free char *uids = NULL, *gids = NULL;
    bool own = has_mappings(b->mount);

    if (!p->privileged)
        return fail(err, 0, b->path, "an idmapped mount needs the rights of root");
    if (!own && !p->user_namespace)
        return fail(err, 0, b->path, "an idmapped mount needs mappings or a user namespace");
    if (own && (!(uids = mappings_of(p, b, "uidMappings", err)) ||
                !(gids = mappings_of(p, b, "gidMappings", err))))
        return -1;
    if (p->mapped && maps_alike(p->mapped, b->mount))
        return p->users;
    p->mapped = b->mount;
    p->users = plan_slot(p->b, "users");
    if (own) {
        plan_op(p->b, PHASE_ATTACH, USER_NS, b->path, STR(uids), STR(gids), SLOT(p->users));
        plan_what(p->b, "map ids");
    } else {
        plan_op(p->b, PHASE_ATTACH, OWN_NS, b->path, NUM(CLONE_NEWUSER), SLOT(p->users));
    }
    return p->users;
}

/* The helper opens the source, and maps it. */
static int bind_tree(struct compile *p, const struct bind *b, bool idmapped, struct error *err)
{
    const struct mount_options *o = b->options;
    int tree = plan_slot(p->b, "tree"), users = -1;

    if (idmapped && (users = user_namespace(p, b, err)) < 0)
        return -1;
    compile_helper(p);
    plan_op(p->b, PHASE_SOURCES, SOURCE, b->path, b->source, NUM(o->recursive), SLOT(tree));
    say(p, b);
    if (idmapped) {
        plan_op(p->b, PHASE_SOURCES, IDMAP, b->path, SLOT(tree), SLOT(users),
                NUM(o->idmap == IDMAP_RECURSIVE));
        say(p, b);
    }
    plan_op(p->b, PHASE_MOUNTS, BIND_TREE, b->path, SLOT(p->root), STR(b->target), SLOT(tree),
            NUM(o->set), NUM(o->clear), NUM(o->rset), NUM(o->rclear), NUM(o->propagation),
            NUM(b->how));
    say(p, b);
    return 0;
}

int compile_bind(struct compile *p, const struct bind *b, struct error *err)
{
    const struct mount_options *o = b->options;
    bool idmapped = bind_is_mapped(b->mount, o);

    if (idmapped || p->helper)
        return bind_tree(p, b, idmapped, err);
    plan_op(p->b, PHASE_MOUNTS, BIND, b->path, SLOT(p->root), STR(b->target), b->source,
            NUM(o->recursive), NUM(o->set), NUM(o->clear), NUM(o->rset), NUM(o->rclear),
            NUM(o->propagation), NUM(b->how));
    say(p, b);
    return 0;
}
