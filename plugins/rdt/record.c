/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the container's state keeps, for those who come later: where resctrl was, the class, and what of it hozo
 * has made. {"root":"/sys/fs/resctrl","class":"/gold","made":true,"monitor":"/gold/mon_groups/c1"}
 */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <stdio.h>

static void print_member(FILE *f, const char *name, const char *value)
{
    fprintf(f, "%s\"%s\":\"", name[0] == 'r' ? "{" : ",", name);
    for (const unsigned char *s = (const unsigned char *)value; *s; s++) {
        if (*s == '"' || *s == '\\' || *s < ' ')
            fprintf(f, "\\u%04x", *s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

int rdt_record_write(struct hozo_ctx *ctx, const struct record *r)
{
    auto_free char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return hozo_error(ctx, ENOMEM, RDT, "state");
    print_member(f, "root", r->place.path);
    print_member(f, "class", r->class);
    if (r->monitor)
        print_member(f, "monitor", r->monitor);
    fprintf(f, ",\"named\":%s,\"made\":%s}", r->place.named ? "true" : "false",
            r->made ? "true" : "false");
    if (fclose(f))
        return hozo_error(ctx, ENOMEM, RDT, "state");
    return hozo_state_set(ctx, text, size);
}

static const char *string(struct hozo_ctx *ctx, const char *name)
{
    struct hozo_cursor at;

    return hozo_state_find(ctx, NULL, name, &at) == 1 ? hozo_as_string(ctx, &at) : NULL;
}

static bool boolean(struct hozo_ctx *ctx, const char *name)
{
    struct hozo_cursor at;

    return hozo_state_find(ctx, NULL, name, &at) == 1 && hozo_as_bool(ctx, &at);
}

/* Nothing is done, and nothing said to be done, by half a record. */
static int check(struct hozo_ctx *ctx, const struct record *r, const char *root)
{
    struct hozo_cursor at;

    if (root && r->class && *r->class == '/' && (!r->monitor || *r->monitor == '/') &&
        hozo_state_find(ctx, NULL, "made", &at) == 1)
        return 0;
    return hozo_error(ctx, 0, RDT, "what the container's state says of its class is damaged");
}

int rdt_record_read(struct hozo_ctx *ctx, struct record *r)
{
    const char *root = string(ctx, "root");

    *r = (struct record){
        .place.named = boolean(ctx, "named"),
        .class = string(ctx, "class"),
        .made = boolean(ctx, "made"),
        .monitor = string(ctx, "monitor"),
    };
    if (!hozo_state_get(ctx, NULL))
        return 0;
    if (check(ctx, r, root) < 0)
        return -1;
    r->place.path = strdup(root);
    return r->place.path ? 1 : hozo_error(ctx, ENOMEM, RDT, "state");
}

int rdt_record_open(struct hozo_ctx *ctx, struct record *r)
{
    int found = rdt_record_read(ctx, r), root;

    if (found <= 0)
        return found < 0 ? -1 : hozo_error(ctx, 0, RDT, "the container has no class");
    root = place_open(&r->place);
    if (root < 0)
        hozo_error(ctx, root == -ENODEV ? 0 : -root, RDT, "resctrl is not mounted on %s any more",
                   r->place.path);
    return root < 0 ? -1 : root;
}
