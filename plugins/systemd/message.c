/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/systemd/manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/systemd/variant.h"

/* --- writing ------------------------------------------------------------------------------------------- */

struct writer {
    sd_bus_message *message;
    int r;
};

static int keep(struct writer *w, int r)
{
    if (r < 0)
        w->r = r;
    return r < 0 ? -1 : 0;
}

static int write_basic(void *data, char type, const void *value)
{
    struct writer *w = data;
    int boolean;

    if (type == 'b') {
        boolean = *(const bool *)value;
        value = &boolean;
    }
    return keep(w, sd_bus_message_append_basic(w->message, type, value));
}

static int write_open(void *data, char type, const char *contents)
{
    struct writer *w = data;

    return keep(w, sd_bus_message_open_container(w->message, type == '(' ? 'r' : type, contents));
}

static int write_close(void *data)
{
    struct writer *w = data;

    return keep(w, sd_bus_message_close_container(w->message));
}

static int write_value(sd_bus_message *message, const char *value)
{
    struct writer w = {message, 0};
    const struct variant_sink sink = {&w, write_basic, write_open, write_close};
    char signature[VARIANT_SIGNATURE_MAX];
    const char *why;

    if (variant_signature(value, signature, &why) < 0)
        return -EINVAL;
    w.r = sd_bus_message_open_container(message, 'v', signature);
    if (w.r >= 0 && variant_tell(value, &sink) == 0)
        w.r = sd_bus_message_close_container(message);
    return w.r;
}

int message_property(sd_bus_message *message, const char *text)
{
    const char *value = strchr(text, '=');
    auto_free char *name = value ? strndup(text, (size_t)(value - text)) : NULL;
    int r;

    if (!name)
        return value ? -ENOMEM : -EINVAL;
    if ((r = sd_bus_message_open_container(message, 'r', "sv")) < 0 ||
        (r = sd_bus_message_append(message, "s", name)) < 0 ||
        (r = write_value(message, value + 1)) < 0)
        return r;
    return sd_bus_message_close_container(message);
}

int message_planned(struct manager *m, sd_bus_message *message)
{
    struct hozo_work w;
    int r = 0;

    for (size_t i = 0; r >= 0 && next_work(m->ctx, i, &w); i++)
        if (manager_knows(m, &w))
            r = message_property(message, w.value);
    return r;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int print_string(FILE *f, const char *string)
{
    auto_free char *quoted = property_string(string);

    return quoted && fputs(quoted, f) >= 0 ? 0 : -1;
}

static int print_basic(FILE *f, sd_bus_message *message, char type)
{
    union {
        int boolean;
        uint8_t y;
        uint32_t u;
        int32_t i;
        uint64_t t;
        int64_t x;
        double d;
        const char *s;
    } v;

    if (sd_bus_message_read_basic(message, type, &v) < 0)
        return -1;
    switch (type) {
    case 'b':
        return fputs(v.boolean ? "true" : "false", f);
    case 'y':
        return fprintf(f, "byte %u", v.y);
    case 'i':
        return fprintf(f, "%" PRIi32, v.i);
    case 'u':
        return fprintf(f, "uint32 %" PRIu32, v.u);
    case 'x':
        return fprintf(f, "int64 %" PRIi64, v.x);
    case 't':
        return fprintf(f, "uint64 %" PRIu64, v.t);
    case 'd':
        return fprintf(f, "double %.17g", v.d);
    case 's':
        return print_string(f, v.s);
    }
    return -1;
}

static int print_value(FILE *f, sd_bus_message *message);

/* The type in front is right for an empty array, too. */
static int print_container(FILE *f, sd_bus_message *message, char type, const char *contents)
{
    int r = sd_bus_message_enter_container(message, type, contents);
    size_t n = 0;

    if (r < 0)
        return -1;
    if (type == 'a')
        fprintf(f, "@a%s [", contents);
    else
        fputc('(', f);
    while ((r = sd_bus_message_at_end(message, false)) == 0) {
        fputs(n++ ? ", " : "", f);
        if (print_value(f, message) < 0)
            return -1;
    }
    fputs(type == 'a' ? "]" : n == 1 ? ",)" : ")", f);
    return r < 0 ? -1 : sd_bus_message_exit_container(message);
}

static int print_value(FILE *f, sd_bus_message *message)
{
    const char *contents;
    char type;

    if (sd_bus_message_peek_type(message, &type, &contents) < 1)
        return -1;
    return type == 'a' || type == 'r' ? print_container(f, message, type, contents)
                                      : print_basic(f, message, type);
}

char *message_text(sd_bus_message *message)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    int r;

    if (!f)
        return NULL;
    r = print_value(f, message);
    if (!fclose(f) && r >= 0)
        return text;
    free(text);
    return NULL;
}
