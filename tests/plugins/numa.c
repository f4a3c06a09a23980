/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as it should be: serves linux.memoryPolicy, and uses every function of the host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hozo/plugin.h"

static const char *const modes[] = {"MPOL_DEFAULT", "MPOL_BIND", "MPOL_PREFERRED", NULL};
static const char *const flags[] = {"MPOL_F_STATIC_NODES", NULL};

/* clang-format off */
static const struct hozo_field fields[] = {
    {"linux.memoryPolicy.mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, modes, 0, 0,
     "linux.memoryPolicy.modes", "The mode."},
    {"linux.memoryPolicy.nodes", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "The nodes."},
    {"linux.memoryPolicy.flags[]", HOZO_STRING, HOZO_OWN, flags, 0, 0,
     "linux.memoryPolicy.flags", "The flags."},
    {"linux.sysctl.*", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "Only to be read."},
    {"process.user.uid", HOZO_UINT, HOZO_READ, NULL, 0, 0, NULL, "Only to be read."},
};
static const struct hozo_annotation annotations[] = {
    {"com.example.numa.", HOZO_OWN, "Hints."},
};
static const struct hozo_feature features[] = {
    {"linux.cgroup.v2", "true"},
    {"linux.netDevices.enabled", "false"},
};
/* clang-format on */
static const char *const names[] = {"linux.memoryPolicy", "annotations.com.example.numa",
                                    "+cgroup-manager.cgroupfs"};

static int validate(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, "linux.memoryPolicy.nodes", &at);

    if (found > 0 && !*hozo_as_string(ctx, &at))
        return hozo_error(ctx, 0, at.path, "is empty");
    return found < 0 ? -1 : 0;
}

static int plan_sysctls(struct hozo_ctx *ctx)
{
    struct hozo_cursor map, at;
    const char *key;
    int r = hozo_find(ctx, NULL, "linux.sysctl", &map);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &map, i, &at, &key)) > 0; i++) {
        struct hozo_work work = {sizeof work, HOZO_PHASE_PREPARE,       at.path,
                                 "see",       hozo_as_string(ctx, &at), key,
                                 strlen(key)};

        if (hozo_plan_work(ctx, &work) < 0)
            return -1;
    }
    return r;
}

static int plan(struct hozo_ctx *ctx)
{
    const uint64_t nodes = 1;
    struct hozo_syscall call = {.size = sizeof call,
                                .phase = HOZO_PHASE_PROCESS,
                                .path = "linux.memoryPolicy",
                                .name = "set_mempolicy",
                                .number = 238,
                                .args = {2, 0, 64},
                                .pointers = 1 << 1,
                                .memory = &nodes,
                                .memory_size = sizeof nodes};
    struct hozo_cursor uid, own;
    const char *hint;
    int64_t id = -1;

    if (plan_sysctls(ctx) < 0 || hozo_plan_syscall(ctx, &call) < 0)
        return -1;
    if (hozo_find(ctx, NULL, "process.user.uid", &uid) > 0)
        id = hozo_as_int(ctx, &uid);
    if (hozo_annotation(ctx, "com.example.numa.hint", &hint) <= 0)
        hint = "none";
    if (hozo_fact(ctx, NULL, "cgroup.layout", &own) > 0) {
        struct hozo_work work = {sizeof work, HOZO_PHASE_ATTACH, NULL, "hint", hint,
                                 &id,         sizeof id};

        return hozo_plan_work(ctx, &work);
    }
    return hozo_error(ctx, ENOENT, NULL, "no facts");
}

static int prepare(struct hozo_ctx *ctx)
{
    struct hozo_work work = {.size = sizeof work};
    char json[256];
    size_t n = 0;

    while (hozo_next_work(ctx, n, &work) > 0)
        n++;
    snprintf(json, sizeof json, "{\"done\": %zu, \"last\": \"%s\"}", n, work.value);
    return hozo_state_set(ctx, json, strlen(json));
}

static int cleanup(struct hozo_ctx *ctx)
{
    struct hozo_cursor done;
    size_t size;

    if (!hozo_state_get(ctx, &size))
        return 0;
    if (hozo_state_find(ctx, NULL, "done", &done) <= 0)
        return hozo_error(ctx, 0, NULL, "the state has no member done");
    hozo_log(ctx, HOZO_LOG_DEBUG, "undoing %lld", (long long)hozo_as_int(ctx, &done));
    return hozo_state_set(ctx, "null", 4);
}

HOZO_PLUGIN(numa) = {
    HOZO_HEADER,
    .name = "numa-test",
    .version = "1.2",
    .package = "hozo-plugin-numa-test",
    .summary = "A plugin for tests",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features),
    .validate = validate,
    .plan = plan,
    .prepare = prepare,
    .cleanup = cleanup,
};
