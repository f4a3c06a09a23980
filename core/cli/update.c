/* SPDX-License-Identifier: Apache-2.0 */
/* update: changes what a container may use while it exists. What is not named stays as it is. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/json-edit.h"
#include "core/lifecycle.h"

enum kind { BYTES, INTEGER, WORDS };

/* clang-format off */
static const struct {
    const char *name, *path; /* in `linux` of config.json */
    enum kind kind;
    const char *help;
} flags[] = {
    {"blkio-weight",       "resources.blockIO.weight",        INTEGER, "weight of block I/O, 10 to 1000"},
    {"cpu-period",         "resources.cpu.period",            INTEGER, "microseconds in which the quota holds"},
    {"cpu-quota",          "resources.cpu.quota",             INTEGER, "microseconds of CPU time in each period; -1: no limit"},
    {"cpu-burst",          "resources.cpu.burst",             INTEGER, "microseconds that may be saved up beyond the quota"},
    {"cpu-share",          "resources.cpu.shares",            INTEGER, "weight of CPU time, 2 to 262144"},
    {"cpu-rt-period",      "resources.cpu.realtimePeriod",    INTEGER, "microseconds in which the real-time quota holds"},
    {"cpu-rt-runtime",     "resources.cpu.realtimeRuntime",   INTEGER, "microseconds of real-time CPU time in each period"},
    {"cpu-idle",           "resources.cpu.idle",              INTEGER, "1: run only where nobody else wants to; 0: normal"},
    {"cpuset-cpus",        "resources.cpu.cpus",              WORDS,   "CPUs, as 0-3,7"},
    {"cpuset-mems",        "resources.cpu.mems",              WORDS,   "memory nodes, as 0-1"},
    {"kernel-memory",      "resources.memory.kernel",         BYTES,   "kernel memory"},
    {"kernel-memory-tcp",  "resources.memory.kernelTCP",      BYTES,   "kernel memory of TCP buffers"},
    {"memory",             "resources.memory.limit",          BYTES,   "memory; -1: no limit"},
    {"memory-reservation", "resources.memory.reservation",    BYTES,   "memory that is protected, or kept to when it is short"},
    {"memory-swap",        "resources.memory.swap",           BYTES,   "memory and swap together; -1: no limit"},
    {"pids-limit",         "resources.pids.limit",            INTEGER, "tasks; -1: no limit"},
    {"l3-cache-schema",    "intelRdt.l3CacheSchema",          WORDS,   "line of the L3 cache in the resctrl schemata"},
    {"mem-bw-schema",      "intelRdt.memBwSchema",            WORDS,   "line of memory bandwidth in the resctrl schemata"},
};
/* clang-format on */

#define FLAGS ARRAY_SIZE(flags)

/* --- values ------------------------------------------------------------------------------------ */

/* "b", "k", "kb", "kib", "M": a power of 1024, or -1. */
static int power(const char *unit)
{
    static const char letters[] = "bkmgtp";
    const char *at = *unit ? strchr(letters, tolower((unsigned char)*unit)) : letters;

    if (!at || (at == letters && *unit && unit[1]))
        return -1;
    if (at > letters && *++unit && (strcasecmp(unit, "b") && strcasecmp(unit, "ib")))
        return -1;
    return (int)(at - letters);
}

/* "512m", "1.5GiB", "100", "-1". */
static int parse_bytes(const char *text, int64_t *bytes)
{
    const char *digits = text + (*text == '-');
    uint64_t whole = 0, part = 0, scale = 1, unit;
    int p;

    if (!isdigit((unsigned char)*digits))
        return -1;
    for (; isdigit((unsigned char)*digits); digits++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*digits - '0'), &whole))
            return -1;
    if (*digits == '.')
        for (digits++; isdigit((unsigned char)*digits); digits++)
            if (scale < 1000000000) {
                part = part * 10 + (uint64_t)(*digits - '0');
                scale *= 10;
            }
    digits += *digits == ' ';
    if ((p = power(digits)) < 0)
        return -1;
    unit = UINT64_C(1) << 10 * p;
    part = (uint64_t)((long double)part * (long double)unit / (long double)scale);
    if (__builtin_mul_overflow(whole, unit, &whole) ||
        __builtin_add_overflow(whole, part, &whole) || whole > INT64_MAX)
        return -1;
    *bytes = *text == '-' ? -(int64_t)whole : (int64_t)whole;
    return 0;
}

static bool is_integer(const char *text)
{
    text += *text == '-';
    return *text && strlen(text) < 20 && strspn(text, "0123456789") == strlen(text) &&
           (*text != '0' || !text[1]);
}

static int print_value(size_t i, const char *value, struct text *out, struct error *err)
{
    int64_t bytes;

    switch (flags[i].kind) {
    case BYTES:
        if (parse_bytes(value, &bytes) < 0)
            return fail(err, 0, NULL, "option --%s: \"%s\" is not a number of bytes", flags[i].name,
                        value);
        text_add(out, "%" PRId64, bytes);
        return 0;
    case INTEGER:
        if (!is_integer(value))
            return fail(err, 0, NULL, "option --%s: \"%s\" is not a decimal number", flags[i].name,
                        value);
        text_put(out, value);
        return 0;
    case WORDS:
        text_json(out, value);
    }
    return 0;
}

/* --- what is changed --------------------------------------------------------------------------- */

static int set_member(struct json *doc, size_t i, const char *value, struct error *err)
{
    cJSON *node = cJSON_GetObjectItemCaseSensitive(doc->root, "linux");
    auto_text struct text text = {0};
    char path[64], *rest = path, *name;

    if (print_value(i, value, &text, err) < 0)
        return -1;
    if (text.failed)
        return fail_memory(err);
    snprintf(path, sizeof path, "%s", flags[i].path);
    name = strsep(&rest, ".");
    while (rest) {
        if (!(node = json_ensure(doc, node, name, "{}", err)))
            return -1;
        name = strsep(&rest, ".");
    }
    return json_insert(doc, node, name, text.at, text.length, err);
}

static int read_resources(const char *file, struct json *changes, struct error *err)
{
    cJSON *node = cJSON_GetObjectItemCaseSensitive(changes->root, "linux");
    bool is_input = !strcmp(file, "-");
    auto_json struct json resources = {0};
    auto_close int opened = is_input ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (!is_input && opened < 0)
        return fail(err, errno, NULL, "--resources %s", file);
    if (json_read_fd(&resources, is_input ? "--resources" : file, is_input ? STDIN_FILENO : opened,
                     err) < 0)
        return -1;
    if (!cJSON_IsObject(resources.root))
        return fail(err, 0, "linux.resources", "must be an object");
    return json_insert(changes, node, "resources", resources.text, resources.size, err);
}

static int collect(const char *file, const char *const *values, struct json *changes,
                   struct error *err)
{
    static const char empty[] = "{\"linux\":{}}";

    if (json_parse(changes, "update", empty, strlen(empty), err) < 0)
        return -1;
    for (size_t i = 0; i < FLAGS; i++) {
        if (!values[i])
            continue;
        if (file && strncmp(flags[i].path, "resources.", strlen("resources.")) == 0)
            return fail(err, 0, NULL, "update: --resources says all of them; --%s cannot be added",
                        flags[i].name);
        if (set_member(changes, i, values[i], err) < 0)
            return -1;
    }
    return file ? read_resources(file, changes, err) : 0;
}

/* --- the verb ---------------------------------------------------------------------------------- */

int verb_update(const struct globals *g, int argc, char **argv, struct error *err)
{
    const char *values[FLAGS] = {NULL}, *file = NULL, *id;
    struct option options[FLAGS + 2] = {
        {"resources", 'r', OPTION_STRING, &file, "FILE",
         "linux.resources, as in config.json; - is standard input"}};
    auto_container struct container c;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    for (size_t i = 0; i < FLAGS; i++)
        options[i + 1] = (struct option){.name = flags[i].name,
                                         .type = OPTION_STRING,
                                         .to = &values[i],
                                         .argument = flags[i].kind == BYTES ? "BYTES" : "VALUE",
                                         .help = flags[i].help};
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("update", argc, 1, INT32_MAX, err) < 0)
        return -1;
    /* Options may stand behind the ID as well. */
    id = *argv++;
    argc--;
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("update", argc + 1, 1, 1, err) < 0 ||
        collect(file, values, &c.changes, err) < 0 || container_open(&c, g->root, id, err) < 0)
        return -1;
    return container_update(&c, err);
}
