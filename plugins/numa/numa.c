/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.memoryPolicy: one set_mempolicy(2) in each process of the container, when it is in its
 * control group, so that the kernel sees the nodes that cpuset.mems leaves. hozo and what it runs on
 * the host keep their own policy.
 */
#include <string.h>
#include <sys/syscall.h>

#include <hozo/plugin.h>

#include "plugins/numa/nodes.h"

#define POLICY "linux.memoryPolicy"

/* Numbers of linux/mempolicy.h, which headers before Linux 6.9 do not have in full. */
#define BALANCING   (1u << 13)
#define RELATIVE    (1u << 14)
#define STATIC      (1u << 15)
#define ABOUT_NODES (RELATIVE | STATIC)

enum { NO_NODES, MAYBE_NODES, SOME_NODES };

/*
 * Name, number, whether it has nodes, flags: as sanitize_mpol_flags() and mpol_new() of Linux 6.18
 * take them. Flags about nodes mean nothing with MPOL_DEFAULT, but are no error there.
 *
 * An older kernel takes less, and then the call fails: MPOL_F_NUMA_BALANCING came with 5.12, together
 * with MPOL_PREFERRED_MANY 6.10; MPOL_PREFERRED_MANY came with 5.15, MPOL_WEIGHTED_INTERLEAVE 6.9.
 */
/* clang-format off */
#define MODES(ROW)                                                                                 \
    ROW("MPOL_DEFAULT",             0, NO_NODES,    ABOUT_NODES)                                   \
    ROW("MPOL_BIND",                2, SOME_NODES,  ABOUT_NODES | BALANCING)                       \
    ROW("MPOL_INTERLEAVE",          3, SOME_NODES,  ABOUT_NODES)                                   \
    ROW("MPOL_WEIGHTED_INTERLEAVE", 6, SOME_NODES,  ABOUT_NODES)                                   \
    ROW("MPOL_PREFERRED",           1, MAYBE_NODES, ABOUT_NODES)                                   \
    ROW("MPOL_PREFERRED_MANY",      5, SOME_NODES,  ABOUT_NODES | BALANCING)                       \
    ROW("MPOL_LOCAL",               4, NO_NODES,    0)

#define FLAGS(ROW)                                                                                 \
    ROW("MPOL_F_NUMA_BALANCING", BALANCING)                                                        \
    ROW("MPOL_F_RELATIVE_NODES", RELATIVE)                                                         \
    ROW("MPOL_F_STATIC_NODES",   STATIC)

#define NAME(name, ...) name,
#define ALL(...)        {__VA_ARGS__},

static const char *const mode_names[] = {MODES(NAME) NULL};
static const char *const flag_names[] = {FLAGS(NAME) NULL};

static const struct mode {
    const char *name;
    uint32_t number, nodes, flags;
} modes[] = {MODES(ALL)};

static const struct flag {
    const char *name;
    uint32_t bit;
} flags[] = {FLAGS(ALL)};

static const struct hozo_field fields[] = {
    {POLICY, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL,
     "From which nodes the kernel takes memory for the container's processes."},
    {POLICY ".mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, mode_names, 0, 0, POLICY ".modes",
     "How the nodes are used."},
    {POLICY ".nodes", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "The nodes, \"0-3,7\"; an empty list is none."},
    {POLICY ".flags", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Flags of the mode."},
    {POLICY ".flags[]", HOZO_STRING, HOZO_OWN, flag_names, 0, 0, POLICY ".flags",
     "A flag; to repeat one changes nothing."},
};

static const char *const names[] = {POLICY};
/* clang-format on */

struct policy {
    const struct mode *mode;
    uint32_t flags;
    struct nodes nodes;
};

static int read_mode(struct hozo_ctx *ctx, struct policy *p)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, POLICY ".mode", &at);

    if (found <= 0)
        return found;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(modes[i].name, hozo_as_string(ctx, &at)))
            p->mode = &modes[i];
    return p->mode ? 1 : hozo_error(ctx, 0, at.path, "is unknown");
}

static int read_nodes(struct hozo_ctx *ctx, struct policy *p)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, POLICY ".nodes", &at);
    const char *list = found > 0 ? hozo_as_string(ctx, &at) : "", *problem;

    if (found < 0)
        return -1;
    /* config-linux.md 1.3.0 wants `nodes` in every mode: engines write "" where there are none. */
    if (*list && (problem = nodes_parse(list, &p->nodes)))
        return hozo_error(ctx, 0, POLICY ".nodes", "\"%s\" %s", list, problem);
    if (p->nodes.bits && p->mode->nodes == NO_NODES)
        return hozo_error(ctx, 0, POLICY ".nodes", "%s takes no nodes", p->mode->name);
    if (!p->nodes.bits && p->mode->nodes == SOME_NODES)
        return hozo_error(ctx, 0, POLICY ".nodes", "%s needs a node at least", p->mode->name);
    return 0;
}

static uint32_t flag_bit(const char *name)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (!strcmp(flags[i].name, name))
            return flags[i].bit;
    return 0;
}

static int read_flags(struct hozo_ctx *ctx, struct policy *p)
{
    struct hozo_cursor all, at;
    int found = hozo_find(ctx, NULL, POLICY ".flags", &all);

    if (found <= 0)
        return found;
    for (size_t i = 0; (found = hozo_item(ctx, &all, i, &at, NULL)) > 0; i++) {
        const char *name = hozo_as_string(ctx, &at);
        uint32_t bit = flag_bit(name);

        if (!(p->mode->flags & bit))
            return hozo_error(ctx, 0, at.path, "%s cannot be used with %s", name, p->mode->name);
        if (bit & ABOUT_NODES && !p->nodes.bits && p->mode->nodes == MAYBE_NODES)
            return hozo_error(ctx, 0, at.path, "%s cannot be used with %s without nodes", name,
                              p->mode->name);
        p->flags |= bit;
        if ((p->flags & ABOUT_NODES) == ABOUT_NODES)
            return hozo_error(ctx, 0, at.path,
                              "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other");
    }
    return found;
}

/* 1, or 0 without a policy. */
static int read_policy(struct hozo_ctx *ctx, struct policy *p)
{
    int found;

    memset(p, 0, sizeof(*p));
    if ((found = read_mode(ctx, p)) <= 0)
        return found;
    return read_nodes(ctx, p) < 0 || read_flags(ctx, p) < 0 ? -1 : 1;
}

static int numa_validate(struct hozo_ctx *ctx)
{
    struct policy p;

    return read_policy(ctx, &p) < 0 ? -1 : 0;
}

static int numa_plan(struct hozo_ctx *ctx)
{
    struct policy p;
    struct hozo_syscall call = {
        .size = sizeof(call),
        .phase = HOZO_PHASE_PROCESS,
        .path = POLICY,
        .name = "set_mempolicy",
        .number = SYS_set_mempolicy,
    };
    int found = read_policy(ctx, &p);

    if (found <= 0)
        return found;
    /* MPOL_DEFAULT is a call like the others: it ends a policy that hozo was started with. */
    call.args[0] = p.mode->number | p.flags;
    if (p.nodes.bits) {
        call.pointers = 1 << 1;
        call.memory = p.nodes.mask;
        call.memory_size = nodes_size(&p.nodes);
        /* The kernel takes one bit less than it is told (get_nodes(), Linux 6.18). */
        call.args[2] = p.nodes.bits + 1;
    }
    return hozo_plan_syscall(ctx, &call);
}

HOZO_PLUGIN(numa) = {
    HOZO_HEADER,
    .name = "numa",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-numa",
    .summary = "Memory policy of NUMA nodes.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .validate = numa_validate,
    .plan = numa_plan,
    .exec = numa_plan,
};
