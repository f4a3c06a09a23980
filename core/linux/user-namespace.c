/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/user-namespace.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>

#define EXTENTS_MAX 340 /* user_namespaces(7), since Linux 4.15 */

static const cJSON *namespace_of_type(const struct compile *p, const char *type)
{
    const cJSON *ns;

    cJSON_ArrayForEach (ns, json_get(p->linux_, "namespaces"))
        if (!strcmp(json_string(ns, "type", ""), type))
            return ns;
    return NULL;
}

void user_namespace_look(struct compile *p)
{
    const struct json *facts = &p->c->facts;
    const cJSON *held = json_get(facts->root, "capabilities");
    uint64_t capabilities = 0;

    if (held && !json_u64(facts, held, &capabilities))
        p->privileged = capabilities >> CAP_SYS_ADMIN & 1;
    else
        p->privileged = !json_int(facts, facts->root, "euid", 0);
    p->user_namespace = namespace_of_type(p, "user");
    /* mknod(2) asks for a capability of the first user namespace. */
    p->bind_nodes = p->user_namespace || json_bool(facts->root, "userNamespace", false);
    p->c->user_namespace = p->bind_nodes;
}

/* --- mappings ------------------------------------------------------------------------------------- */

struct extent {
    uint64_t inside, outside, count;
};

static struct extent extent_of(const struct json *doc, const cJSON *mapping)
{
    struct extent e = {0};

    json_u64(doc, json_get(mapping, "containerID"), &e.inside);
    json_u64(doc, json_get(mapping, "hostID"), &e.outside);
    json_u64(doc, json_get(mapping, "size"), &e.count);
    return e;
}

static bool overlap(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b)
{
    return a < b + n_b && b < a + n_a;
}

static int check_extent(const struct json *doc, const cJSON *mappings, unsigned index,
                        const struct extent *e, const char *path, struct error *err)
{
    const cJSON *other;
    unsigned i = 0;
    char at[128];

    snprintf(at, sizeof at, "%s[%u]", path, index);
    if (!e->count || e->inside + e->count > UINT32_MAX || e->outside + e->count > UINT32_MAX)
        return fail(err, 0, at, "is no range of ids");
    cJSON_ArrayForEach (other, mappings) {
        struct extent o = extent_of(doc, other);

        if (i++ == index)
            break;
        if (overlap(e->inside, e->count, o.inside, o.count) ||
            overlap(e->outside, e->count, o.outside, o.count))
            return fail(err, 0, at, "maps an id again that %s[%u] maps", path, i - 1);
    }
    return 0;
}

char *id_mappings_text(const struct json *doc, const cJSON *mappings, const char *path,
                       struct error *err)
{
    struct text text = {0};
    const cJSON *mapping;
    unsigned index = 0;

    if (json_length(mappings) > EXTENTS_MAX) {
        fail(err, 0, path, "has more than %d ranges", EXTENTS_MAX);
        return NULL;
    }
    cJSON_ArrayForEach (mapping, mappings) {
        struct extent e = extent_of(doc, mapping);

        if (check_extent(doc, mappings, index++, &e, path, err) < 0) {
            text_free(&text);
            return NULL;
        }
        text_add(&text, "%llu %llu %llu\n", (unsigned long long)e.inside,
                 (unsigned long long)e.outside, (unsigned long long)e.count);
    }
    if (text.failed || !text.at) {
        text_free(&text);
        fail(err, 0, path, "is missing or empty");
        return NULL;
    }
    return text.at;
}

bool id_is_unmapped(const struct compile *p, const char *member, uint64_t id)
{
    const cJSON *mappings = json_get(p->linux_, member), *mapping;

    cJSON_ArrayForEach (mapping, mappings) {
        struct extent e = extent_of(&p->c->config, mapping);

        if (id >= e.inside && id - e.inside < e.count)
            return false;
    }
    return p->user_namespace && json_length(mappings) > 0;
}

/* --- the container's own -------------------------------------------------------------------------- */

/* An ordinary user may map one id: the own one. */
static bool maps_only(const struct compile *p, const cJSON *mappings, const char *fact)
{
    struct extent e = extent_of(&p->c->config, mappings ? mappings->child : NULL);
    uint64_t own = (uint64_t)json_int(&p->c->facts, p->c->facts.root, fact, 0);

    return json_length(mappings) == 1 && e.outside == own && e.count == 1;
}

static int add_map(struct compile *p, bool new, const char *member, const char *file,
                   const char *fact, const char *program, struct error *err)
{
    const cJSON *mappings = json_get(p->linux_, member);
    auto_free char *text = NULL;
    bool direct = p->privileged || maps_only(p, mappings, fact);
    char path[64];

    snprintf(path, sizeof path, "linux.%s", member);
    if (!new && !mappings)
        return 0;
    if (!(text = id_mappings_text(&p->c->config, mappings, path, err)))
        return -1;
    if (!new) {
        plan_op(p->b, PHASE_ATTACH, SAME_MAP, path, STR(file), STR(text));
        plan_what(p->b, "compare %s", file);
        return 0;
    }
    /* user_namespaces(7): who gives up setgroups(2) may write the map of groups; newgidmap sees to it itself. */
    if (direct && !p->privileged && !strcmp(file, "gid_map")) {
        plan_op(p->b, PHASE_ATTACH, MAP, path, STR("setgroups"), STR("deny"), STR(NULL));
        plan_what(p->b, "map ids");
    }
    plan_op(p->b, PHASE_ATTACH, MAP, path, STR(file), STR(text), STR(direct ? NULL : program));
    plan_what(p->b, "map ids");
    return 0;
}

static uint64_t first_id(const struct compile *p, const char *member)
{
    const cJSON *mappings = json_get(p->linux_, member);

    if (!id_is_unmapped(p, member, 0))
        return 0;
    return extent_of(&p->c->config, mappings->child).inside;
}

void user_namespace_setup_ids(struct compile *p)
{
    plan_op(p->b, PHASE_ENTER, IDS, "linux.namespaces", NUM(first_id(p, "uidMappings")),
            NUM(first_id(p, "gidMappings")), BYTES(NULL, 0));
    plan_what(p->b, "become root of the user namespace");
}

/* The inside process opens what its user may open; with more rights, hozo opens for it. */
void compile_helper(struct compile *p)
{
    int slot;

    if (p->helper)
        return;
    p->helper = true;
    slot = plan_slot(p->b, "mounts");
    plan_op(p->b, PHASE_ATTACH, OWN_NS, NULL, NUM(CLONE_NEWNS), SLOT(slot));
    plan_op(p->b, PHASE_SOURCES, JOIN, NULL, NUM(CLONE_NEWNS), SLOT(slot), NUM(1));
}

int compile_user_namespace(struct compile *p, bool new, struct error *err)
{
    if (add_map(p, new, "uidMappings", "uid_map", "euid", "newuidmap", err) < 0 ||
        add_map(p, new, "gidMappings", "gid_map", "egid", "newgidmap", err) < 0)
        return -1;
    user_namespace_setup_ids(p);
    return 0;
}
