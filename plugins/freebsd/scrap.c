/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a configuration is freed at once, at the end. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "plugins/freebsd/freebsd.h"

struct scrap {
    struct scrap *next;
    void *memory;
};

static int fail_memory(struct jail *j)
{
    return hozo_error(j->ctx, ENOMEM, FREEBSD, "read");
}

void *jail_keep(struct jail *j, void *p)
{
    struct scrap *s = p ? malloc(sizeof(*s)) : NULL;

    if (!s) {
        free(p);
        fail_memory(j);
        return NULL;
    }
    *s = (struct scrap){.next = j->scrap, .memory = p};
    j->scrap = s;
    return p;
}

char *jail_text(struct jail *j, const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    return jail_keep(j, text);
}

/* The array that was is scrap like all else: arrays here are short. */
void *jail_grow(struct jail *j, void *array, size_t *n, size_t size)
{
    void *old;
    char *more = jail_keep(j, calloc(*n + 1, size));

    if (!more)
        return NULL;
    memcpy(&old, array, sizeof(old));
    if (*n)
        memcpy(more, old, *n * size);
    memcpy(array, &more, sizeof(more));
    return more + (*n)++ * size;
}

int jail_strings(struct jail *j, const struct hozo_cursor *at, const char *path,
                 const char ***strings)
{
    struct hozo_cursor array, item;
    const char **list = jail_keep(j, calloc(1, sizeof(*list)));
    size_t n = 0;
    int found = list ? hozo_find(j->ctx, at, path, &array) : -1;

    while (found > 0 && (found = hozo_item(j->ctx, &array, n, &item, NULL)) > 0) {
        const char **longer = jail_keep(j, calloc(n + 2, sizeof(*longer)));

        if (!longer)
            return -1;
        memcpy(longer, list, n * sizeof(*list));
        longer[n++] = hozo_as_string(j->ctx, &item);
        list = longer;
    }
    *strings = list;
    return found;
}

int jail_string(struct jail *j, const struct hozo_cursor *at, const char *path, const char **to)
{
    struct hozo_cursor found_at;
    int found = hozo_find(j->ctx, at, path, &found_at);

    if (found > 0)
        *to = hozo_as_string(j->ctx, &found_at);
    return found;
}

void jail_free(struct jail *j)
{
    while (j->scrap) {
        struct scrap *s = j->scrap;

        j->scrap = s->next;
        free(s->memory);
        free(s);
    }
}
