/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/systemd/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void record_free(struct record *r)
{
    free(r->manager);
    free(r->unit);
    free(r->description);
    free(r->invocation);
    for (size_t i = 0; r->before && r->before[i]; i++)
        free(r->before[i]);
    free(r->before);
    *r = (struct record){0};
}

/* --- reading --------------------------------------------------------------------------------------- */

static int read_text(struct hozo_ctx *ctx, const char *member, char **to)
{
    struct hozo_cursor at;
    int found = hozo_state_find(ctx, NULL, member, &at);

    if (found < 1)
        return found;
    if (!(*to = strdup(hozo_as_string(ctx, &at) ? hozo_as_string(ctx, &at) : "")))
        return hozo_error(ctx, ENOMEM, NULL, "state");
    return 1;
}

static int read_before(struct hozo_ctx *ctx, struct record *r)
{
    struct hozo_cursor list, item;
    size_t n = 0;
    int found = hozo_state_find(ctx, NULL, "before", &list);

    if (found < 1)
        return found;
    while (hozo_item(ctx, &list, n, &item, NULL) == 1)
        n++;
    if (!(r->before = calloc(n + 1, sizeof(*r->before))))
        return hozo_error(ctx, ENOMEM, NULL, "state");
    for (size_t i = 0; i < n && hozo_item(ctx, &list, i, &item, NULL) == 1; i++)
        if (!(r->before[i] = strdup(hozo_as_string(ctx, &item) ? hozo_as_string(ctx, &item) : "")))
            return hozo_error(ctx, ENOMEM, NULL, "state");
    return 0;
}

int record_read(struct hozo_ctx *ctx, struct record *r)
{
    struct hozo_cursor at;
    int found;

    *r = (struct record){0};
    if ((found = read_text(ctx, "unit", &r->unit)) < 1)
        return found;
    if (read_text(ctx, "manager", &r->manager) < 0 ||
        read_text(ctx, "description", &r->description) < 0 ||
        read_text(ctx, "invocation", &r->invocation) < 0 || read_before(ctx, r) < 0)
        return -1;
    if (!r->manager || !r->description)
        return hozo_error(ctx, 0, NULL, "what is recorded of the unit is damaged");
    if (hozo_state_find(ctx, NULL, "placeholder", &at) == 1)
        r->placeholder = (int)hozo_as_int(ctx, &at);
    return 1;
}

/* --- writing --------------------------------------------------------------------------------------- */

static void print_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(f, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

static void print_member(FILE *f, const char *name, const char *value)
{
    if (!value)
        return;
    fprintf(f, ",\"%s\":", name);
    print_string(f, value);
}

static void print(FILE *f, const struct record *r)
{
    fputs("{\"version\":1", f);
    print_member(f, "manager", r->manager);
    print_member(f, "unit", r->unit);
    print_member(f, "description", r->description);
    print_member(f, "invocation", r->invocation);
    if (r->placeholder)
        fprintf(f, ",\"placeholder\":%d", r->placeholder);
    for (size_t i = 0; r->before && r->before[i]; i++) {
        fputs(i ? "," : ",\"before\":[", f);
        print_string(f, r->before[i]);
    }
    fputs(r->before && r->before[0] ? "]}" : "}", f);
}

int record_write(struct hozo_ctx *ctx, const struct record *r)
{
    auto_free char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return hozo_error(ctx, ENOMEM, NULL, "state");
    print(f, r);
    if (fclose(f))
        return hozo_error(ctx, ENOMEM, NULL, "state");
    return hozo_state_set(ctx, text, size);
}

int record_nothing(struct hozo_ctx *ctx)
{
    static const char nothing[] = "{\"version\":1}";

    return hozo_state_set(ctx, nothing, strlen(nothing));
}
