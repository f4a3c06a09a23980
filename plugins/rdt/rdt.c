/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: what the plugin serves. */
#include "plugins/rdt/rdt.h"

/* clang-format off */
static const struct hozo_field fields[] = {
    {RDT, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL,
     "The class of resctrl that the container's processes are in."},
    {CLOS, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "The class; \"/\" is the root's. Without it one is made that is named like the container."},
    {L3, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "Lines of schemata for the L3 cache, \"L3:0=f\"; those of MB are left out."},
    {MB, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "The line of schemata for memory bandwidth, \"MB:0=50\"."},
    {SCHEMATA, HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Further lines of schemata, written last."},
    {SCHEMATA "[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "A line; an empty one is none."},
    {MONITOR, HOZO_BOOL, HOZO_OWN, NULL, 0, 0, NULL,
     "Whether the container is monitored by a group of its own."},
};

static const struct hozo_field settings[] = {
    {"mountpoint", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "Where resctrl is; of which type the file system there is, is then not looked at."},
};

static const struct hozo_feature features[] = {
    {"linux.intelRdt.enabled", "true"},
    {"linux.intelRdt.schemata", "true"},
    {"linux.intelRdt.monitoring", "true"},
};
/* clang-format on */

static const char *const names[] = {RDT};

static int rdt_validate(struct hozo_ctx *ctx)
{
    struct section s;

    return section_read(ctx, ctx->host->find, &s) < 0 ? -1 : 0;
}

HOZO_PLUGIN(rdt) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "rdt",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-rdt",
    .summary = "Shares of caches and memory bandwidth, and their monitoring, by resctrl.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .features = HOZO_TABLE(features),
    .settings = HOZO_TABLE(settings),
    .validate = rdt_validate,
    .plan = rdt_plan,
    .prepare = rdt_prepare,
    .attach = rdt_attach,
    .exec = rdt_exec,
    .exec_attach = rdt_attach,
    .update = rdt_update,
    .update_apply = rdt_update_apply,
    .update_undo = rdt_update_undo,
    .stats = rdt_stats,
    .cleanup = rdt_cleanup,
};
