/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp.syscalls[]. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/seccomp/profile.h"

#define ARGUMENTS 6

static int read_number(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *name,
                       uint64_t *number)
{
    struct hozo_cursor found;
    int r = hozo_find(ctx, at, name, &found);

    if (r > 0)
        *number = hozo_as_uint(ctx, &found);
    return r;
}

static int read_operator(struct hozo_ctx *ctx, const struct hozo_cursor *at,
                         const struct operator** op)
{
    struct hozo_cursor found;
    int r = hozo_find(ctx, at, "op", &found);

    if (r < 0)
        return -1;
    *op = r ? operator_of(hozo_as_string(ctx, &found)) : NULL;
    if (*op)
        return 0;
    hozo_error(ctx, 0, found.path, "is unknown");
    return -1;
}

/* SCMP_CMP_MASKED_EQ compares what the mask leaves of both sides (seccomp_rule_add(3)). */
static int read_condition(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct condition *c)
{
    uint64_t index = 0, value = 0, two = 0;

    if (read_number(ctx, at, "index", &index) < 0 || read_number(ctx, at, "value", &value) < 0 ||
        read_number(ctx, at, "valueTwo", &two) < 0 || read_operator(ctx, at, &c->op) < 0)
        return -1;
    if (index >= ARGUMENTS)
        return hozo_error(ctx, 0, at->path, "a system call has no argument %llu",
                          (unsigned long long)index);
    if (two && !c->op->masked)
        return hozo_error(ctx, 0, at->path, "%s compares with one value, and valueTwo is not 0",
                          c->op->name);
    c->index = (uint32_t)index;
    c->mask = c->op->masked ? value : UINT64_MAX;
    c->value = c->op->masked ? two & value : value;
    return 0;
}

static bool has_repeated(const struct condition *c, size_t n)
{
    unsigned seen = 0;

    for (size_t i = 0; i < n; seen |= 1u << c[i++].index)
        if (seen >> c[i].index & 1)
            return true;
    return false;
}

static int read_conditions(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct rule *rule)
{
    struct condition *conditions = NULL;
    struct hozo_cursor all, item;
    size_t room = 0;
    int r = hozo_find(ctx, at, "args", &all);

    for (; r > 0 && (r = hozo_item(ctx, &all, rule->n, &item, NULL)) > 0; rule->n++) {
        struct condition *grown =
            profile_grow(ctx, conditions, rule->n, &room, sizeof(*conditions));

        if (!grown)
            return -1;
        rule->conditions = conditions = grown;
        if (read_condition(ctx, &item, &conditions[rule->n]) < 0)
            return -1;
    }
    rule->alternatives = has_repeated(rule->conditions, rule->n);
    return r;
}

static int read_names(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct profile *p)
{
    struct hozo_cursor all, item;
    int r = hozo_find(ctx, at, "names", &all);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &all, i, &item, NULL)) > 0; i++) {
        struct named *rows = profile_grow(ctx, p->named, p->n_named, &p->named_room, sizeof(*rows));
        const char *name = hozo_as_string(ctx, &item);

        if (!rows)
            return -1;
        p->named = rows;
        rows[p->n_named++] = (struct named){name, item.path, p->n_rules - 1};
        /* hozo-init writes to the runtime which descriptor the listener has. */
        if (p->rules[p->n_rules - 1].action == SECCOMP_RET_USER_NOTIF && !strcmp(name, "write"))
            return hozo_error(ctx, 0, item.path,
                              "SCMP_ACT_NOTIFY for write would stop the container before its "
                              "listener is handed over");
    }
    return r;
}

static int read_rule(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct profile *p,
                     enum profile_names names)
{
    struct rule *rule = &p->rules[p->n_rules++];
    bool notifies;

    *rule = (struct rule){0};
    if (read_action(ctx, at, "action", "errnoRet", &rule->action) < 0 ||
        read_conditions(ctx, at, rule) < 0)
        return -1;
    notifies = rule->action == SECCOMP_RET_USER_NOTIF;
    p->notifies |= notifies;
    return notifies || names == ALL_NAMES ? read_names(ctx, at, p) : 0;
}

int read_rules(struct hozo_ctx *ctx, struct profile *p, enum profile_names names)
{
    struct hozo_cursor all, at;
    size_t room = 0;
    int r = hozo_find(ctx, NULL, SECCOMP ".syscalls", &all);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &all, i, &at, NULL)) > 0; i++) {
        struct rule *rows = profile_grow(ctx, p->rules, p->n_rules, &room, sizeof(*rows));

        if (!rows)
            return -1;
        p->rules = rows;
        if (read_rule(ctx, &at, p, names) < 0)
            return -1;
    }
    return r;
}
