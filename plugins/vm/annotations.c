/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For engines that cannot write the section: annotations hozo.vm and hozo.vm.… become the member vm, and from then on
 * it is as if the configuration had it. A configuration that has it and such annotations says the same thing in
 * two places, which is an error.
 */
#include "plugins/vm/vm.h"

#include <errno.h>
#include <inttypes.h>

#define ASKED "hozo.vm"

/* --- JSON --------------------------------------------------------------------------------------- */

void add_json_string(struct buffer *json, const char *text, size_t length)
{
    buffer_put(json, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == '"' || c == '\\')
            buffer_print(json, "\\u%04x", c);
        else
            buffer_append(json, &text[i], 1);
    }
    buffer_put(json, "\"");
}

static void put_name(struct buffer *json, const char *name)
{
    if (json->length && json->at[json->length - 1] != '{')
        buffer_put(json, ",");
    buffer_print(json, "\"%s\":", name);
}

static void put_words(struct buffer *json, const char *words)
{
    const char *comma = "";

    buffer_put(json, "[");
    for (size_t n; *(words += strspn(words, " \t\n")); words += n) {
        n = strcspn(words, " \t\n");
        buffer_put(json, comma);
        add_json_string(json, words, n);
        comma = ",";
    }
    buffer_put(json, "]");
}

/* "512M": 0 where it is no number, or too large. */
static uint64_t read_bytes(const char *text)
{
    static const char units[] = "KMG";
    uint64_t n = 0;
    const char *unit;

    if (*text < '0' || *text > '9')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
            return 0;
    if (!*text)
        return n;
    if (!(unit = strchr(units, *text)) || text[1])
        return 0;
    for (const char *u = units; u <= unit; u++)
        if (__builtin_mul_overflow(n, 1024, &n))
            return 0;
    return n;
}

/* --- the table ---------------------------------------------------------------------------------- */

enum form { TEXT, WORDS, BYTES };

static const struct row {
    const char *key, *object, *member;
    enum form form;
    bool required;       /* the specification wants it in its object: "" says that it is not set */
    const char *setting; /* instead of the annotation, of the administrator's kernel */
} rows[] = {
    {ASKED ".hypervisor", "hypervisor", "path", TEXT, true, NULL},
    {ASKED ".hypervisor-parameters", "hypervisor", "parameters", WORDS, false, NULL},
    {ASKED ".kernel", "kernel", "path", TEXT, true, "kernel"},
    {ASKED ".kernel-parameters", "kernel", "parameters", WORDS, false, NULL},
    {ASKED ".initrd", "kernel", "initrd", TEXT, false, "initrd"},
    {ASKED ".image", "image", "path", TEXT, true, NULL},
    {ASKED ".image-format", "image", "format", TEXT, true, NULL},
    {ASKED ".memory", "hwConfig", "memory", BYTES, false, NULL},
    {ASKED ".vcpus", "hwConfig", "vcpus", BYTES, false, NULL},
};

static int put_value(struct hozo_ctx *ctx, struct buffer *json, const struct row *row,
                     const char *value)
{
    uint64_t number;

    put_name(json, row->member);
    if (row->form == TEXT)
        add_json_string(json, value, strlen(value));
    else if (row->form == WORDS)
        put_words(json, value);
    else if ((number = read_bytes(value)))
        buffer_print(json, "%" PRIu64, number);
    else
        return hozo_error(ctx, 0, "annotations", "%s: \"%s\" is no number above 0", row->key,
                          value);
    return 0;
}

/* NULL if nothing says it. */
static int find_value(struct hozo_ctx *ctx, const struct row *row, bool own_kernel,
                      const char **value)
{
    int found = hozo_annotation(ctx, row->key, value);

    if (found > 0)
        return 0;
    *value = NULL;
    return found < 0                     ? -1
           : own_kernel || !row->setting ? 0
                                         : setting_string(ctx, row->setting, value);
}

static int put_object(struct hozo_ctx *ctx, struct buffer *json, const char *object,
                      bool own_kernel)
{
    const char *values[ARRAY_SIZE(rows)] = {0};
    bool any = false;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].object, object))
            continue;
        if (find_value(ctx, &rows[i], own_kernel, &values[i]) < 0)
            return -1;
        any |= values[i] != NULL;
        if (!values[i] && rows[i].required)
            values[i] = "";
    }
    if (!any)
        return 0;
    put_name(json, object);
    buffer_put(json, "{");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (values[i] && put_value(ctx, json, &rows[i], values[i]) < 0)
            return -1;
    buffer_put(json, "}");
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* 1 if a machine is asked for: by its name, or by that of its kernel. */
static int is_asked(struct hozo_ctx *ctx, bool *own_kernel)
{
    const char *value;
    int kernel = hozo_annotation(ctx, ASKED ".kernel", &value);
    int asked = kernel < 0 ? -1 : hozo_annotation(ctx, ASKED, &value);

    *own_kernel = kernel > 0;
    if (asked <= 0)
        return asked < 0 ? -1 : kernel;
    if (strcmp(value, "true") && strcmp(value, "false"))
        return hozo_error(ctx, 0, "annotations", ASKED ": \"%s\" is neither true nor false", value);
    return !strcmp(value, "true");
}

static bool is_known(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (!strcmp(rows[i].key, key))
            return true;
    return !strcmp(key, ASKED);
}

/* A word that is not known asks for something that nobody would do. */
static int check_keys(struct hozo_ctx *ctx, bool section)
{
    struct hozo_cursor at;
    const char *key;
    int found;

    for (size_t i = 0; (found = hozo_annotation_item(ctx, i, &at, &key)) > 0; i++) {
        if (!is_known(key))
            return hozo_error(ctx, 0, "annotations", "%s is nothing that can be asked for", key);
        if (section)
            return hozo_error(ctx, 0, "annotations", "%s: the configuration has vm, say it there",
                              key);
    }
    return found;
}

static int add_section(struct hozo_ctx *ctx, bool own_kernel)
{
    static const char *const objects[] = {"hypervisor", "kernel", "image", "hwConfig"};
    auto_buffer struct buffer json = {0};
    const char *kernel;

    if (!own_kernel && setting_string(ctx, "kernel", &kernel) < 0)
        return -1;
    if (!own_kernel && !kernel)
        return hozo_error(ctx, 0, "annotations",
                          ASKED ": neither " ASKED ".kernel nor the setting \"kernel\" of vm.json "
                                "names a kernel");
    buffer_put(&json, "{");
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
        if (put_object(ctx, &json, objects[i], own_kernel) < 0)
            return -1;
    buffer_put(&json, "}");
    return json.failed ? hozo_error(ctx, ENOMEM, "annotations", ASKED)
                       : hozo_add_member(ctx, "", "vm", json.at, json.length);
}

int vm_adjust(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    bool own_kernel;
    int section = hozo_find(ctx, NULL, "vm", &at), asked;

    if (section < 0 || check_keys(ctx, section) < 0 || (asked = is_asked(ctx, &own_kernel)) < 0)
        return -1;
    return asked ? add_section(ctx, own_kernel) : 0;
}
