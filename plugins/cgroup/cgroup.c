/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: what the plugin serves. A member of linux.resources without a row is not served.
 */
#include "plugins/cgroup/cgroup.h"
#include "plugins/cgroup/stats.h"

static const char *const device_types[] = {"a", "b", "c", NULL};

/* clang-format off */
#define UNSET (HOZO_OWN | HOZO_UNSET_0)

#define DEVICE(list) \
    {RESOURCES ".blockIO." list "[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Of one device."}, \
    {RESOURCES ".blockIO." list "[].major", HOZO_INT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, UINT32_MAX, NULL, \
     "Its major number."}, \
    {RESOURCES ".blockIO." list "[].minor", HOZO_INT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, UINT32_MAX, NULL, \
     "Its minor number."}
#define THROTTLE(list, doc) \
    {RESOURCES ".blockIO." list, HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Limits of single devices."}, \
    DEVICE(list), \
    {RESOURCES ".blockIO." list "[].rate", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL, doc}

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
    {RESOURCES ".memory.limit", HOZO_INT, UNSET, NULL, 0, 0, NULL, "Bytes; -1: no limit."},
    {RESOURCES ".memory.reservation", HOZO_INT, UNSET, NULL, 0, 0, NULL,
     "Bytes that are protected (v2) or kept to when memory is short (v1)."},
    {RESOURCES ".memory.swap", HOZO_INT, UNSET, NULL, 0, 0, NULL,
     "Bytes of memory and swap together; -1: no limit."},
    {RESOURCES ".memory.kernel", HOZO_INT, UNSET, NULL, 0, 0, NULL,
     "Bytes of kernel memory, if the kernel keeps it (v1); -1: no limit."},
    {RESOURCES ".memory.kernelTCP", HOZO_INT, UNSET, NULL, 0, 0, NULL,
     "Bytes of buffers of TCP (v1); -1: no limit."},
    {RESOURCES ".memory.swappiness", HOZO_UINT, HOZO_OWN, NULL, 0, 100, NULL,
     "How readily memory is swapped out (v1)."},
    {RESOURCES ".memory.disableOOMKiller", HOZO_BOOL, HOZO_OWN, NULL, 0, 0, NULL,
     "Who needs too much waits and is not killed (v1)."},
    {RESOURCES ".memory.useHierarchy", HOZO_BOOL, HOZO_OWN, NULL, 0, 0, NULL,
     "Whether groups below count; of v2 and later kernels always."},
    {RESOURCES ".memory.checkBeforeUpdate", HOZO_BOOL, HOZO_OWN, NULL, 0, 0, NULL,
     "Refuse a limit that is less than what is in use."},

    {RESOURCES ".cpu", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Processors."},
    {RESOURCES ".cpu.shares", HOZO_UINT, UNSET, NULL, 0, 0, NULL,
     "Weight, 2 to 262144, by default 1024."},
    {RESOURCES ".cpu.quota", HOZO_INT, UNSET, NULL, 0, 0, NULL,
     "Microseconds in each period; negative: no limit."},
    {RESOURCES ".cpu.burst", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Microseconds of the quota that may be saved up."},
    {RESOURCES ".cpu.period", HOZO_UINT, UNSET, NULL, 0, 0, NULL,
     "Microseconds, by default 100000."},
    {RESOURCES ".cpu.realtimeRuntime", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Microseconds of real-time scheduling in each period (v1)."},
    {RESOURCES ".cpu.realtimePeriod", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "Microseconds, by default 1000000 (v1)."},
    {RESOURCES ".cpu.cpus", HOZO_STRING, UNSET, NULL, 0, 0, NULL, "Processors, \"0-3,7\"."},
    {RESOURCES ".cpu.mems", HOZO_STRING, UNSET, NULL, 0, 0, NULL, "Memory nodes, \"0-1\"."},
    {RESOURCES ".cpu.idle", HOZO_INT, HOZO_OWN, NULL, 0, 1, NULL,
     "1: only what others leave (SCHED_IDLE)."},

    {RESOURCES ".pids", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Number of tasks."},
    {RESOURCES ".pids.limit", HOZO_INT, HOZO_OWN, NULL, 0, 0, NULL,
     "Tasks; negative: no limit."},

    {RESOURCES ".blockIO", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Block devices."},
    {RESOURCES ".blockIO.weight", HOZO_UINT, UNSET, NULL, 0, 0, NULL, "10 to 1000."},
    {RESOURCES ".blockIO.leafWeight", HOZO_UINT, UNSET, NULL, 0, 0, NULL,
     "The weight against groups below (v1, Linux before 5.0)."},
    {RESOURCES ".blockIO.weightDevice", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Weights of single devices."},
    DEVICE("weightDevice"),
    {RESOURCES ".blockIO.weightDevice[].weight", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "10 to 1000."},
    {RESOURCES ".blockIO.weightDevice[].leafWeight", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "The weight against groups below (v1, Linux before 5.0)."},
    THROTTLE("throttleReadBpsDevice", "Bytes read in a second; 0: no limit."),
    THROTTLE("throttleWriteBpsDevice", "Bytes written in a second; 0: no limit."),
    THROTTLE("throttleReadIOPSDevice", "Reads in a second; 0: no limit."),
    THROTTLE("throttleWriteIOPSDevice", "Writes in a second; 0: no limit."),

    {RESOURCES ".hugepageLimits", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Huge pages."},
    {RESOURCES ".hugepageLimits[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Of one size."},
    {RESOURCES ".hugepageLimits[].pageSize", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "\"64KB\", \"2MB\", \"1GB\"."},
    {RESOURCES ".hugepageLimits[].limit", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "Bytes that are reserved or in use."},

    {RESOURCES ".network", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Marks of packets (v1)."},
    {RESOURCES ".network.classID", HOZO_UINT, HOZO_OWN, NULL, 0, UINT32_MAX, NULL,
     "The class of each packet (v1)."},
    {RESOURCES ".network.priorities", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Priorities of interfaces (v1)."},
    {RESOURCES ".network.priorities[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Of one interface."},
    {RESOURCES ".network.priorities[].name", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "Its name on the host."},
    {RESOURCES ".network.priorities[].priority", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, UINT32_MAX, NULL,
     "The priority of packets."},

    {RESOURCES ".rdma", HOZO_MAP, HOZO_OWN, NULL, 0, 0, NULL, "RDMA devices by their names."},
    {RESOURCES ".rdma.*", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "Of one device."},
    {RESOURCES ".rdma.*.hcaHandles", HOZO_UINT, HOZO_OWN, NULL, 0, UINT32_MAX, NULL, "Handles."},
    {RESOURCES ".rdma.*.hcaObjects", HOZO_UINT, HOZO_OWN, NULL, 0, UINT32_MAX, NULL, "Objects."},

    {RESOURCES ".unified", HOZO_MAP, HOZO_OWN, NULL, 0, 0, NULL,
     "Files of cgroup v2 by their names, written behind all other members."},
    {RESOURCES ".unified.*", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "Lines of one file."},

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
    {"linux.cgroup.rdma", "true"},
};

static const char *const names[] = {"+cgroup-manager.cgroupfs", CGROUPS_PATH, RESOURCES};
/* clang-format on */

/* The other fields are looked at by what plans them. */
static int cgroup_validate(struct hozo_ctx *ctx)
{
    struct device_rules rules;
    int r = devices_read(ctx, &rules);

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
    .update = cgroup_update,
    .update_apply = cgroup_update_apply,
    .update_undo = cgroup_update_undo,
    .stats = cgroup_stats,
    .cleanup = cgroup_cleanup,
};
