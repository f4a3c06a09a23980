/* SPDX-License-Identifier: Apache-2.0 */
/* The state as hooks, engines and people read it. */
#include "core/state.h"

#include <string.h>

/* `owner` NULL: only the members of the specification. */
static void print_compact(const struct state *s, enum status status, const char *pid_text,
                          const char *owner, struct text *out)
{
    const struct {
        const char *name, *value;
    } more[] = {{"rootfs", s->rootfs}, {"created", s->created}, {"owner", owner}};

    text_add(out, "{\"ociVersion\":");
    text_json(out, s->oci_version ? s->oci_version : "");
    text_add(out, ",\"id\":");
    text_json(out, s->id ? s->id : "");
    text_add(out, ",\"status\":\"%s\",\"pid\":", status_name[status]);
    if (pid_text)
        text_add(out, "%s", pid_text);
    else
        text_add(out, "%d", status == STATUS_STOPPED ? 0 : (int)s->pid);
    text_add(out, ",\"bundle\":");
    text_json(out, s->bundle ? s->bundle : "");
    for (size_t i = 0; owner && i < ARRAY_SIZE(more); i++) {
        /* An empty time would not be one: engines decode the member if it is there. */
        if (!more[i].value)
            continue;
        text_add(out, ",\"%s\":", more[i].name);
        text_json(out, more[i].value);
    }
    if (s->annotations)
        text_add(out, ",\"annotations\":%s", s->annotations);
    text_add(out, "}");
}

static void new_line(struct text *out, unsigned depth)
{
    text_add(out, "\n%*s", (int)(2 * depth), "");
}

/* Compact JSON, two blanks a level. */
static void indent(const char *json, struct text *out)
{
    bool quoted = false;
    unsigned depth = 0;

    for (const char *p = json; *p; p++) {
        if (quoted) {
            quoted = *p != '"';
            text_append(out, p, 1);
            if (*p == '\\')
                text_append(out, ++p, 1);
        } else if ((*p == '{' || *p == '[') && p[1] == *p + 2) { /* '}' and ']' are two further */
            text_append(out, p++, 2);
        } else if (*p == '{' || *p == '[') {
            text_append(out, p, 1);
            new_line(out, ++depth);
        } else if (*p == '}' || *p == ']') {
            new_line(out, --depth);
            text_append(out, p, 1);
        } else {
            quoted = *p == '"';
            text_append(out, p, 1);
            if (*p == ',')
                new_line(out, depth);
            else if (*p == ':')
                text_append(out, " ", 1);
        }
    }
}

void state_print_oci(const struct state *s, enum status status, const char *pid_text, bool pretty,
                     struct text *out)
{
    auto_text struct text compact = {0};

    if (!pretty) {
        print_compact(s, status, pid_text, NULL, out);
        return;
    }
    print_compact(s, status, pid_text, "", &compact);
    if (compact.failed)
        out->failed = true;
    else
        indent(compact.at, out);
}

void state_print_list(const struct state *s, enum status status, const char *owner,
                      struct text *out)
{
    print_compact(s, status, NULL, owner, out);
}
