/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor. All fields of the control group are the cgroup plugin's; here they are looked at. */
#include "plugins/systemd/systemd.h"

/* clang-format off */
static const struct hozo_field fields[] = {
#define OWN          HOZO_READ
#define device_types NULL
#include "plugins/cgroup/fields.inc"
};

static const struct hozo_annotation annotations[] = {
    {PROPERTY_ANNOTATION, HOZO_OWN,
     "A property of the container's unit, its value as GVariant text; NameSec becomes NameUSec."},
};

static const struct hozo_feature features[] = {
    {"linux.cgroup.systemd", "true"},
    {"linux.cgroup.systemdUser", "true"},
};
/* clang-format on */

static const char *const names[] = {"+cgroup-manager.systemd"};
static const char *const before[] = {"cgroup"};

HOZO_PLUGIN(systemd) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "systemd",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-systemd",
    .summary = "Control groups that are units of systemd.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features),
    .before = HOZO_TABLE(before),
    .plan = systemd_plan,
    .prepare = systemd_prepare,
    .attach = systemd_attach,
    .update = systemd_update,
    .update_apply = systemd_update_apply,
    .update_undo = systemd_update_undo,
    .cleanup = systemd_cleanup,
};
