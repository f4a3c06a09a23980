/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/systemd/systemd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugins/systemd/variant.h"

static void property_free(struct property *p)
{
    free(p->path);
    free(p->name);
    free(p->value);
}

void properties_free(struct properties *p)
{
    while (p->n)
        property_free(&p->at[--p->n]);
    free(p->at);
    p->at = NULL;
}

struct property *properties_find(const struct properties *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->at[i].name, name))
            return &p->at[i];
    return NULL;
}

/* Takes over what the row holds. */
static int put(struct properties *p, struct property row)
{
    struct property *at = NULL, *rows;

    if (row.path && row.name && row.value && !(at = properties_find(p, row.name)) &&
        (rows = reallocarray(p->at, p->n + 1, sizeof(*rows)))) {
        p->at = rows;
        at = &rows[p->n++];
        *at = (struct property){0};
    }
    if (!at) {
        property_free(&row);
        return hozo_error(p->ctx, ENOMEM, CGROUPS_PATH, "properties of the unit");
    }
    property_free(at);
    *at = row;
    return 0;
}

int properties_set(struct properties *p, const char *path, const char *name, const char *fmt, ...)
{
    char *value;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&value, fmt, ap);
    va_end(ap);
    return put(p, (struct property){strdup(path), strdup(name), n < 0 ? NULL : value, 0});
}

int properties_set_since(struct properties *p, unsigned since, const char *path, const char *name,
                         const char *value)
{
    return put(p, (struct property){strdup(path), strdup(name), strdup(value), since});
}

char *property_string(const char *text)
{
    char *quoted = malloc(2 * strlen(text) + 3), *to = quoted;

    if (!quoted)
        return NULL;
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '\'';
    *to = '\0';
    return quoted;
}

/* --- annotations --------------------------------------------------------------------------------- */

/* Where the unit lies and who is in it is told by linux.cgroupsPath; its processes are hozo's to place. */
static const char *const forbidden[] = {
    "Slice",    "PIDs",
    "PIDFDs",   "ControlGroup",
    "Delegate", "DelegateControllers",
    "Id",       "DelegateSubgroup",
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int check_name(struct properties *p, const char *path, const char *name)
{
    size_t n = 0;

    while (is_letter(name[n]))
        n++;
    if (name[n] || n < 2)
        return hozo_error(p->ctx, 0, path, "\"%s\" is not the name of a property", name);
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        if (!strcmp(name, forbidden[i]))
            return hozo_error(p->ctx, 0, path, "the property %s is hozo's own to set", name);
    return 0;
}

/* What hozo sets of its own accord is replaced, what the configuration asks for is not. */
static int set_annotated(struct properties *p, const char *path, const char *name,
                         const char *value)
{
    const struct property *own = properties_find(p, name);

    if (own && strcmp(own->path, CGROUPS_PATH) != 0)
        return hozo_error(p->ctx, 0, path, "%s sets the property %s already", own->path, name);
    return properties_set(p, path, name, "%s", value);
}

/* "TimeoutStopSec" has no place on D-Bus, "TimeoutStopUSec" has. */
static bool in_seconds(const char *name)
{
    size_t n = strlen(name);

    return n > 3 && !strcmp(name + n - 3, "Sec") && name[n - 4] >= 'a' && name[n - 4] <= 'z';
}

static int set_seconds(struct properties *p, const char *path, const char *name, const char *value)
{
    auto_free char *microseconds = NULL;
    char number[32];
    uint64_t n;

    if (!variant_as_uint(value, &n) || __builtin_mul_overflow(n, 1000000, &n))
        return hozo_error(p->ctx, 0, path, "\"%s\" is not a number of seconds", value);
    if (asprintf(&microseconds, "%.*sUSec", (int)strlen(name) - 3, name) < 0) {
        microseconds = NULL;
        return hozo_error(p->ctx, ENOMEM, path, "property");
    }
    snprintf(number, sizeof(number), "uint64 %" PRIu64, n);
    return set_annotated(p, path, microseconds, number);
}

static int read_annotation(struct properties *p, const char *path, const char *name,
                           const char *value)
{
    char signature[VARIANT_SIGNATURE_MAX];
    const char *why;

    if (check_name(p, path, name) < 0)
        return -1;
    if (variant_signature(value, signature, &why) < 0)
        return hozo_error(p->ctx, 0, path, "\"%s\" %s", value, why);
    return in_seconds(name) ? set_seconds(p, path, name, value)
                            : set_annotated(p, path, name, value);
}

int properties_annotated(struct properties *p)
{
    struct hozo_cursor at;
    const char *key;
    int found;

    for (size_t i = 0; (found = hozo_annotation_item(p->ctx, i, &at, &key)) == 1; i++)
        if (read_annotation(p, at.path, key + strlen(PROPERTY_ANNOTATION),
                            hozo_as_string(p->ctx, &at)) < 0)
            return -1;
    return found;
}
