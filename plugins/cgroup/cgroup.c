/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: what the plugin serves. A member of linux.resources without a row is not served.
 */
#include "plugins/cgroup/cgroup.h"
#include "plugins/cgroup/stats.h"

static const char *const device_types[] = {"a", "b", "c", NULL};

static const struct hozo_field fields[] = {
#define OWN HOZO_OWN
#include "plugins/cgroup/fields.inc"

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

/* clang-format off */
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
