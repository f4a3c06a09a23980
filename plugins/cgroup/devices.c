/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules: reading them, and saying them as cgroup v1 understands them. */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEVICES RESOURCES ".devices"

/*
 * Making a node gives no access to the device behind it, and the runtime itself makes /dev in the
 * container's cgroup. The others are the devices that the specification promises to every
 * container; its console is one of the pseudo terminals.
 */
/* clang-format off */
static const struct device_rule always[] = {
    {true, 'c',  -1, -1, DEVICE_MKNOD, DEVICE_DEFAULT},
    {true, 'b',  -1, -1, DEVICE_MKNOD, DEVICE_DEFAULT},
    {true, 'c',   1,  3, DEVICE_ALL,   DEVICE_DEFAULT}, /* null */
    {true, 'c',   1,  5, DEVICE_ALL,   DEVICE_DEFAULT}, /* zero */
    {true, 'c',   1,  7, DEVICE_ALL,   DEVICE_DEFAULT}, /* full */
    {true, 'c',   1,  8, DEVICE_ALL,   DEVICE_DEFAULT}, /* random */
    {true, 'c',   1,  9, DEVICE_ALL,   DEVICE_DEFAULT}, /* urandom */
    {true, 'c',   5,  0, DEVICE_ALL,   DEVICE_DEFAULT}, /* tty */
    {true, 'c',   5,  2, DEVICE_ALL,   DEVICE_DEFAULT}, /* ptmx */
    {true, 'c', 136, -1, DEVICE_ALL,   DEVICE_DEFAULT}, /* pts/N */
};
/* clang-format on */
#define ALWAYS (sizeof(always) / sizeof(always[0]))

int device_access(const char *text, unsigned *access)
{
    static const char letters[] = "mrw"; /* bit n */

    *access = 0;
    for (; *text; text++) {
        const char *letter = strchr(letters, *text);

        if (!letter)
            return -1;
        *access |= 1u << (letter - letters);
    }
    return *access ? 0 : -1;
}

static int number(struct hozo_ctx *ctx, const struct hozo_cursor *rule, const char *name,
                  int64_t *value)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, rule, name, &at);

    *value = -1;
    if (found < 1)
        return found;
    *value = hozo_as_int(ctx, &at);
    if (*value < -1 || *value > UINT32_MAX)
        return hozo_error(ctx, 0, at.path, "%" PRIi64 " is not a device number", *value);
    return 0;
}

static int read_rule(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct device_rule *rule)
{
    struct hozo_cursor member;
    int found;

    *rule = (struct device_rule){.type = 'a', .access = DEVICE_ALL};
    if (hozo_find(ctx, at, "allow", &member) < 0)
        return -1;
    rule->allow = hozo_as_bool(ctx, &member) == 1;
    if ((found = hozo_find(ctx, at, "type", &member)) < 0)
        return -1;
    if (found)
        rule->type = *hozo_as_string(ctx, &member);
    if (number(ctx, at, "major", &rule->major) < 0 || number(ctx, at, "minor", &rule->minor) < 0)
        return -1;
    if ((found = hozo_find(ctx, at, "access", &member)) < 0)
        return -1;
    if (found && device_access(hozo_as_string(ctx, &member), &rule->access) < 0)
        return hozo_error(ctx, 0, member.path, "\"%s\" is not made of \"r\", \"w\" and \"m\"",
                          hozo_as_string(ctx, &member));
    return 0;
}

static struct device_rule *append(struct device_rules *rules)
{
    struct device_rule *grown = rules->at;

    if (!(rules->n & (rules->n - 1))) /* full at 0 and every power of two */
        grown = reallocarray(rules->at, rules->n ? rules->n * 2 : 1, sizeof(*grown));
    if (!grown)
        return NULL;
    rules->at = grown;
    return &grown[rules->n++];
}

int devices_read(struct hozo_ctx *ctx, struct device_rules *rules)
{
    struct hozo_cursor list, item;
    int found = hozo_find(ctx, NULL, DEVICES, &list);

    memset(rules, 0, sizeof(*rules));
    if (found < 1)
        return found;
    for (uint32_t i = 0; (found = hozo_item(ctx, &list, i, &item, NULL)) == 1; i++) {
        struct device_rule *rule = append(rules);

        if (!rule)
            return hozo_error(ctx, ENOMEM, DEVICES, "device rules");
        if (read_rule(ctx, &item, rule) < 0)
            return -1;
        rule->index = i;
    }
    if (found < 0)
        return -1;
    for (size_t i = 0; rules->n && i < ALWAYS; i++) {
        struct device_rule *rule = append(rules);

        if (!rule)
            return hozo_error(ctx, ENOMEM, DEVICES, "device rules");
        *rule = always[i];
    }
    return 0;
}

void device_rules_free(struct device_rules *rules)
{
    free(rules->at);
    memset(rules, 0, sizeof(*rules));
}

static const char *device_number(int64_t n, char room[24])
{
    if (n < 0)
        return "*";
    snprintf(room, 24, "%" PRIi64, n);
    return room;
}

const char *device_text(const struct device_rule *rule, char *room)
{
    char major[24], minor[24];

    snprintf(room, DEVICE_TEXT_MAX, "%c %s:%s %s%s%s", rule->type,
             device_number(rule->major, major), device_number(rule->minor, minor),
             rule->access & DEVICE_READ ? "r" : "", rule->access & DEVICE_WRITE ? "w" : "",
             rule->access & DEVICE_MKNOD ? "m" : "");
    return room;
}

/* --- cgroup v1 ----------------------------------------------------------------------------------
 */

static bool number_covers(int64_t a, int64_t b)
{
    return a < 0 || a == b;
}

/* Every device of b is one of a. */
static bool covers(const struct device_rule *a, const struct device_rule *b)
{
    return a->type == b->type && number_covers(a->major, b->major) &&
           number_covers(a->minor, b->minor);
}

static bool number_meets(int64_t a, int64_t b)
{
    return a < 0 || b < 0 || a == b;
}

static bool meets(const struct device_rule *a, const struct device_rule *b)
{
    return a->type == b->type && number_meets(a->major, b->major) &&
           number_meets(a->minor, b->minor) && (a->access & b->access);
}

static void except(struct device_exceptions *out, const struct device_rule *rule)
{
    for (size_t i = 0; i < out->n; i++) {
        struct device_rule *e = &out->at[i];

        if (e->major == rule->major && e->minor == rule->minor && e->type == rule->type) {
            e->access |= rule->access;
            return;
        }
    }
    out->at[out->n++] = *rule;
}

/* The rule returns to the default what an exception took from it. */
static int take_back(struct device_exceptions *out, const struct device_rule *rule)
{
    size_t kept = 0;

    for (size_t i = 0; i < out->n; i++)
        if (meets(rule, &out->at[i]) && !covers(rule, &out->at[i]))
            return -1;
    for (size_t i = 0; i < out->n; i++) {
        if (covers(rule, &out->at[i]))
            out->at[i].access &= ~rule->access;
        if (out->at[i].access)
            out->at[kept++] = out->at[i];
    }
    out->n = kept;
    return 0;
}

static bool is_everything(const struct device_rule *rule)
{
    return rule->type == 'a' && rule->major < 0 && rule->minor < 0 && rule->access == DEVICE_ALL;
}

int device_exceptions(const struct device_rules *rules, struct device_exceptions *out,
                      size_t *culprit)
{
    *out = (struct device_exceptions){.allow = true};
    *culprit = 0;
    out->at = calloc(2 * rules->n + 1, sizeof(*out->at));
    if (!out->at)
        return -1;
    for (size_t i = 0; i < rules->n; i++) {
        struct device_rule rule = rules->at[i];

        *culprit = i;
        if (is_everything(&rule)) {
            out->allow = rule.allow;
            out->n = 0;
            continue;
        }
        for (const char *type = "bc"; *type; type++) {
            rule.type = *type;
            if (rules->at[i].type != 'a' && rules->at[i].type != *type)
                continue;
            if (rule.allow != out->allow)
                except(out, &rule);
            else if (take_back(out, &rule) < 0)
                return -1;
        }
    }
    /* The kernel grants an access only if a single exception has all of it. */
    for (size_t i = 0; i < out->n; i++)
        for (size_t j = 0; j < out->n; j++)
            if (covers(&out->at[j], &out->at[i]))
                out->at[i].access |= out->at[j].access;
    return 0;
}
