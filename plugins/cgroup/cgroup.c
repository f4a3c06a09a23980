/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: what the plugin serves. A member of linux.resources without a row is not served.
 */
#include "plugins/cgroup/cgroup.h"
#include "plugins/cgroup/stats.h"

static const char *const device_types[] = {"a", "b", "c", NULL};

/* clang-format off */
static const struct hozo_field fields[] = {
    {CGROUPS_PATH, HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "The cgroup: below each mount point if absolute, else beside hozo's own; by default the id."},
    {RESOURCES, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Limits of the cgroup."},

    {RESOURCES ".devices", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Device rules, later ones override; null, zero, full, random, urandom, tty, ptmx and pts/N stay allowed."},
    {RESOURCES ".devices[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A rule."},
    {RESOURCES ".devices[].allow", HOZO_BOOL, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "Whether the access is allowed."},
    {RESOURCES ".devices[].type", HOZO_STRING, HOZO_OWN, device_types, 0, 0, NULL,
     "Block, character, or by default all devices."},
    {RESOURCES ".devices[].major", HOZO_INT, HOZO_OWN, NULL, -1, UINT32_MAX, NULL,
     "Major number; absent or -1: any."},
    {RESOURCES ".devices[].minor", HOZO_INT, HOZO_OWN, NULL, -1, UINT32_MAX, NULL,
     "Minor number; absent or -1: any."},
    {RESOURCES ".devices[].access", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "Letters of \"rwm\": read, write, mknod; by default all."},

    {RESOURCES ".memory", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Memory."},
    {RESOURCES ".memory.limit", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Bytes; -1: no limit."},
    {RESOURCES ".memory.reservation", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Bytes that are protected (v2) or kept to when memory is short (v1)."},
    {RESOURCES ".memory.swap", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Bytes of memory and swap together; -1: no limit."},
    {RESOURCES ".memory.disableOOMKiller", HOZO_BOOL, HOZO_OWN, NULL, 0, 0, NULL,
     "Only false, as clients write it for what nobody has set."},

    {RESOURCES ".cpu", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Processors."},
    {RESOURCES ".cpu.shares", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Weight, 2 to 262144, by default 1024."},
    {RESOURCES ".cpu.quota", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Microseconds in each period; negative: no limit."},
    {RESOURCES ".cpu.period", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Microseconds, by default 100000."},
    {RESOURCES ".cpu.cpus", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "Processors, \"0-3,7\"."},
    {RESOURCES ".cpu.mems", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "Memory nodes, \"0-1\"."},

    {RESOURCES ".pids", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Number of tasks."},
    {RESOURCES ".pids.limit", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Tasks; negative: no limit."},

    {RESOURCES ".blockIO", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Block devices."},
    {RESOURCES ".blockIO.weight", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Only 0, as clients write it for what nobody has set."},
    {RESOURCES ".blockIO.leafWeight", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Only 0, as clients write it for what nobody has set."},

    {"linux.namespaces", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Whether the container manages its cgroup."},
    {"linux.namespaces[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "A namespace."},
    {"linux.namespaces[].type", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "\"cgroup\", \"user\"."},
    {"linux.namespaces[].path", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "One that is joined."},
    {"linux.uidMappings", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Who its user is on the host."},
    {"linux.uidMappings[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "A range."},
    {"linux.uidMappings[].containerID", HOZO_UINT, HOZO_READ, NULL, 0, 0, NULL, "Inside."},
    {"linux.uidMappings[].hostID", HOZO_UINT, HOZO_READ, NULL, 0, 0, NULL, "Outside."},
    {"linux.uidMappings[].size", HOZO_UINT, HOZO_READ, NULL, 0, 0, NULL, "How many."},
    {"mounts", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Whether its cgroup can be written to."},
    {"mounts[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "A mount."},
    {"mounts[].source", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "\"cgroup\"."},
    {"mounts[].destination", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "/sys/fs/cgroup."},
    {"mounts[].options", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Not \"ro\"."},
    {"mounts[].options[]", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "An option."},
    {"process.user.uid", HOZO_UINT, HOZO_READ, NULL, 0, 0, NULL, "The user who gets it."},
};

static const struct hozo_feature features[] = {
    {"linux.cgroup.v1", "true"},
    {"linux.cgroup.v2", "true"},
};

static const char *const names[] = {"+cgroup-manager.cgroupfs", CGROUPS_PATH, RESOURCES};
/* clang-format on */

/* dockerd names these with every container. */
static int refuse_what_is_set(struct hozo_ctx *ctx)
{
    static const struct {
        const char *path;
        bool is_bool;
    } unset[] = {
        {RESOURCES ".memory.disableOOMKiller", true},
        {RESOURCES ".blockIO.weight", false},
        {RESOURCES ".blockIO.leafWeight", false},
    };

    for (size_t i = 0; i < sizeof(unset) / sizeof(*unset); i++) {
        struct hozo_cursor at;
        int found = hozo_find(ctx, NULL, unset[i].path, &at);

        if (found < 0)
            return -1;
        if (found && (unset[i].is_bool ? hozo_as_bool(ctx, &at) : hozo_as_uint(ctx, &at) != 0))
            return hozo_error(ctx, 0, unset[i].path, "is not served by this version");
    }
    return 0;
}

static int cgroup_validate(struct hozo_ctx *ctx)
{
    struct device_rules rules;
    struct limits limits;
    int r;

    if (limits_read(ctx, &limits) < 0 || limits_validate(ctx, &limits) < 0 ||
        refuse_what_is_set(ctx) < 0)
        return -1;
    r = devices_read(ctx, &rules);
    device_rules_free(&rules);
    return r;
}

HOZO_PLUGIN(cgroup) = {
    HOZO_HEADER,
    .state_version = 2,
    .name = "cgroup",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-cgroup",
    .summary = "Control groups, by the kernel's own files.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .features = HOZO_TABLE(features),
    .validate = cgroup_validate,
    .plan = cgroup_plan,
    .prepare = cgroup_prepare,
    .attach = cgroup_attach,
    .stats = cgroup_stats,
    .cleanup = cgroup_cleanup,
};
