/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For engines that cannot write the section: the annotations that ocijail's users know, org.freebsd.parentJail and
 * org.freebsd.jail.PARAMETER with jail(8)'s name of the parameter, become members of freebsd.jail.
 */
#include <errno.h>
#include <stdio.h>

#include "plugins/freebsd/freebsd.h"

#define PARENT "org.freebsd.parentJail"
#define PREFIX "org.freebsd.jail."
#define MOUNT  "allow.mount."

/* --- JSON --------------------------------------------------------------------------------------- */

/* Values are put into JSON as they are, so nothing may stand in them that JSON would read otherwise. */
static bool is_plain(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == '"' || *value == '\\')
            return false;
    return true;
}

static int bad_value(struct hozo_ctx *ctx, const char *key, const char *value)
{
    return hozo_error(ctx, 0, "annotations", "%s: \"%s\" is no value of it", key, value);
}

/* "a,b" as "a","b". */
static void put_list(FILE *to, const char *value)
{
    const char *comma = "[";

    for (const char *s = value; *s; s += *s == ',') {
        size_t n = strcspn(s, ",");

        fprintf(to, "%s\"%.*s\"", comma, (int)n, s);
        comma = ",";
        s += n;
    }
    fputs(*comma == '[' ? "[]" : "]", to);
}

static int put_value(struct hozo_ctx *ctx, FILE *to, const struct mapping *m, const char *key,
                     const char *value)
{
    if (!*value || !is_plain(value))
        return bad_value(ctx, key, value);
    switch (m->kind) {
    case KIND_FLAG:
        if (strcmp(value, "true") && strcmp(value, "false"))
            return bad_value(ctx, key, value);
        fputs(value, to);
        return 0;
    case KIND_NUMBER:
        if (value[strspn(value, "0123456789")] || (*value == '0' && value[1]) || strlen(value) > 9)
            return bad_value(ctx, key, value);
        fputs(value, to);
        return 0;
    case KIND_SHARING:
        fprintf(to, "\"%s\"", value);
        return 0;
    case KIND_IP4:
    case KIND_IP6:
        put_list(to, value);
        return 0;
    case KIND_FILE_SYSTEMS:
        break;
    }
    return hozo_error(ctx, 0, "annotations",
                      "%s: file systems are named one by one, as in " PREFIX MOUNT "tmpfs", key);
}

/* --- keys --------------------------------------------------------------------------------------- */

/* `host` has rules of its own, and so is in no row. */
static const struct mapping host = {"host", "host", KIND_SHARING, NULL};

static const struct mapping *find_mapping(const char *parameter)
{
    for (size_t i = 0; i < n_mappings; i++)
        if (!strcmp(mappings[i].parameter, parameter))
            return &mappings[i];
    return strcmp(parameter, host.parameter) ? NULL : &host;
}

static const char *parameter_of(const char *key)
{
    return strncmp(key, PREFIX, strlen(PREFIX)) ? NULL : key + strlen(PREFIX);
}

static bool is_file_system(const char *parameter)
{
    return parameter && !strncmp(parameter, MOUNT, strlen(MOUNT));
}

static int put_member(FILE *to, bool *any, const char *name)
{
    int n = fprintf(to, "%s\"%s\":", *any ? "," : "", name);

    *any = true;
    return n;
}

/* One pass over all annotations for each kind of place in the JSON. */
struct pass {
    struct hozo_ctx *ctx;
    FILE *to;
    bool allow; /* members of allow, or those beside it */
    bool any;
};

static int put_parent(struct pass *p, const char *value)
{
    if (p->allow)
        return 0;
    if (!is_plain(value))
        return bad_value(p->ctx, PARENT, value);
    put_member(p->to, &p->any, "parent");
    fprintf(p->to, "\"%s\"", value);
    return 0;
}

static int put_annotation(struct pass *p, const char *key, const char *value)
{
    const char *parameter = parameter_of(key), *member;
    const struct mapping *m = parameter ? find_mapping(parameter) : NULL;
    bool allow;

    if (!strcmp(key, PARENT))
        return put_parent(p, value);
    if (is_file_system(parameter))
        return 0;
    if (!m)
        return hozo_error(p->ctx, 0, "annotations", "%s is nothing that can be asked for", key);
    allow = !strncmp(m->member, "allow.", strlen("allow."));
    if (allow != p->allow)
        return 0;
    member = m->member + (allow ? strlen("allow.") : 0);
    put_member(p->to, &p->any, member);
    return put_value(p->ctx, p->to, m, key, value);
}

static int put_all(struct pass *p)
{
    struct hozo_cursor at;
    const char *key;
    int found;

    for (size_t i = 0; (found = hozo_annotation_item(p->ctx, i, &at, &key)) > 0; i++)
        if (put_annotation(p, key, hozo_as_string(p->ctx, &at)) < 0)
            return -1;
    return found;
}

static int put_file_systems(struct pass *p)
{
    struct hozo_cursor at;
    const char *key;
    bool any = false;
    int found;

    for (size_t i = 0; (found = hozo_annotation_item(p->ctx, i, &at, &key)) > 0; i++) {
        const char *parameter = parameter_of(key), *value = hozo_as_string(p->ctx, &at);

        if (!is_file_system(parameter))
            continue;
        if (strcmp(value, "true") && strcmp(value, "false"))
            return bad_value(p->ctx, key, value);
        if (strcmp(value, "true"))
            continue;
        if (!is_plain(key))
            return hozo_error(p->ctx, 0, "annotations", "%s is nothing that can be asked for", key);
        if (!any)
            put_member(p->to, &p->any, "mount");
        fprintf(p->to, "%s\"%s\"", any ? "," : "[", parameter + strlen(MOUNT));
        any = true;
    }
    if (any)
        fputs("]", p->to);
    return found;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static int put_section(struct hozo_ctx *ctx, FILE *to)
{
    struct pass jail = {.ctx = ctx, .to = to}, allow = {.ctx = ctx, .to = to, .allow = true};

    fputs("{\"jail\":{", to);
    if (put_all(&jail) < 0)
        return -1;
    put_member(to, &jail.any, "allow");
    fputs("{", to);
    if (put_all(&allow) < 0 || put_file_systems(&allow) < 0)
        return -1;
    fputs("}}}", to);
    return 0;
}

static int add_section(struct hozo_ctx *ctx)
{
    char *json = NULL;
    size_t size;
    FILE *to = open_memstream(&json, &size);
    int r = to ? put_section(ctx, to) : -1;

    if (!to || fclose(to))
        r = hozo_error(ctx, ENOMEM, "annotations", "read");
    if (!r)
        r = hozo_add_member(ctx, "", FREEBSD, json, size);
    free(json);
    return r;
}

int freebsd_adjust(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    const char *key;
    int asked = hozo_annotation_item(ctx, 0, &at, &key), section, other;

    if (asked <= 0)
        return asked;
    if ((section = hozo_find(ctx, NULL, FREEBSD, &at)) < 0 ||
        (other = hozo_find(ctx, NULL, "linux", &at)) < 0)
        return -1;
    if (section)
        return hozo_error(ctx, 0, "annotations",
                          "%s: the configuration has " FREEBSD ", say it there", key);
    if (!other)
        return add_section(ctx);
    hozo_log(ctx, HOZO_LOG_DEBUG, "%s says nothing to a container of Linux", key);
    return 0;
}
