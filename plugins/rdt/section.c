/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration asks for, and what of it cannot be. */
#include "plugins/rdt/rdt.h"

#include <limits.h>

static int read_string(struct hozo_ctx *ctx, rdt_lookup lookup, const char *path, const char **to)
{
    struct hozo_cursor at;
    int found = lookup(ctx, NULL, path, &at);

    if (found > 0)
        *to = hozo_as_string(ctx, &at);
    return found < 0 ? -1 : 0;
}

/* A name beneath the mount point, or the root itself. */
static int check_class(struct hozo_ctx *ctx, const char *name)
{
    if (!name || !strcmp(name, "/"))
        return 0;
    if (!strcmp(name, ".") || !strcmp(name, "..") || strpbrk(name, "/\n") ||
        strlen(name) > NAME_MAX)
        return hozo_error(ctx, 0, CLOS, "\"%.*s\" is not the name of a class",
                          (int)strcspn(name, "\n"), name);
    return 0;
}

static int check_bandwidth(struct hozo_ctx *ctx, const char *line)
{
    if (line && strncmp(line, "MB:", 3) != 0)
        return hozo_error(ctx, 0, MB, "does not begin with \"MB:\"");
    return line && strchr(line, '\n') ? hozo_error(ctx, 0, MB, "is more than one line") : 0;
}

static int read_schemata(struct hozo_ctx *ctx, rdt_lookup lookup, struct section *s)
{
    struct hozo_cursor at;
    int found = lookup(ctx, NULL, SCHEMATA, &s->schemata);

    if (found <= 0)
        return found;
    for (size_t i = 0; (found = hozo_item(ctx, &s->schemata, i, &at, NULL)) > 0; i++) {
        const char *line = hozo_as_string(ctx, &at);

        if (strchr(line, '\n'))
            return hozo_error(ctx, 0, at.path, "is more than one line");
        s->has_schemata |= *line != '\0';
    }
    return found;
}

static int read_monitoring(struct hozo_ctx *ctx, rdt_lookup lookup, struct section *s)
{
    struct hozo_cursor at;
    int found = lookup(ctx, NULL, MONITOR, &at);

    if (found > 0)
        s->monitoring = hozo_as_bool(ctx, &at);
    return found < 0 ? -1 : 0;
}

int section_read(struct hozo_ctx *ctx, rdt_lookup lookup, struct section *s)
{
    struct hozo_cursor at;
    int found = lookup(ctx, NULL, RDT, &at);

    memset(s, 0, sizeof(*s));
    if (found <= 0)
        return found;
    if (read_string(ctx, lookup, CLOS, &s->clos) < 0 || read_string(ctx, lookup, L3, &s->l3) < 0 ||
        read_string(ctx, lookup, MB, &s->mb) < 0 || read_schemata(ctx, lookup, s) < 0 ||
        read_monitoring(ctx, lookup, s) < 0)
        return -1;
    return check_class(ctx, s->clos) < 0 || check_bandwidth(ctx, s->mb) < 0 ? -1 : 1;
}
