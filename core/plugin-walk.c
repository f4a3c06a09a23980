/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the members of a configuration that are present, and their names. */
#include "core/plugin-parts.h"

/* --- names ------------------------------------------------------------------------------------ */

void member_path(struct text *t, const struct member *at)
{
    if (at->around)
        member_path(t, at->around);
    if (at->name)
        path_member(t, at->name);
    else
        path_element(t, at->index);
}

void member_field(struct text *t, const struct member *at)
{
    if (at->around)
        member_field(t, at->around);
    if (!at->name)
        text_append(t, "[]", 2);
    else if (at->around && at->around->row && at->around->row->type == SPEC_MAP)
        text_append(t, ".*", 2);
    else
        path_member(t, at->name);
}

/* --- the walk --------------------------------------------------------------------------------- */

static int walk_node(struct walk *w, const cJSON *node, const struct member *at)
{
    const struct spec_field *row = at->row;
    struct member inside = {.around = at, .row = row->members};
    int r = w->visit(w, node, at);
    const cJSON *child;

    if (r || !spec_contains(row))
        return r < 0 ? -1 : 0;
    if (row->type == SPEC_OBJECT)
        return walk_members(w, node, row->members, at);
    /* Lists of strings that the core serves, such as process.env, hold nothing of interest. */
    if (row->server != SERVED_BY_PLUGIN && !spec_contains(row->members))
        return 0;
    cJSON_ArrayForEach (child, node) {
        inside.name = row->type == SPEC_MAP ? child->string : NULL;
        if (!cJSON_IsNull(child) && walk_node(w, child, &inside) < 0)
            return -1;
        /* What holds for one string of a list holds for all, and seccomp profiles have hundreds. */
        if (!cJSON_IsNull(child) && row->type == SPEC_ARRAY && !spec_contains(row->members))
            return 0;
        inside.index++;
    }
    return 0;
}

int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table,
                 const struct member *around)
{
    const cJSON *child;

    cJSON_ArrayForEach (child, object) {
        struct member at = {around, spec_member(table, child->string), child->string, 0};
        int r = 0;

        if (cJSON_IsNull(child))
            continue;
        if (at.row)
            r = walk_node(w, child, &at);
        else if (w->unknown)
            r = w->unknown(w, child, &at);
        if (r < 0)
            return -1;
    }
    return 0;
}
