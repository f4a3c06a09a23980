/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor. */
#include "plugins/netdev/netdev.h"

/* clang-format off */
static const struct hozo_field fields[] = {
    {NET_DEVICES, HOZO_MAP, HOZO_OWN, NULL, 0, 0, NULL,
     "Network devices of the host that become the container's, by their names on the host."},
    {NET_DEVICES ".*", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A device."},
    {NET_DEVICES ".*.name", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "Its name in the container, which may have a %d for the first free number."},
    {"linux.namespaces", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Where the devices are moved to."},
    {"linux.namespaces[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "A namespace."},
    {"linux.namespaces[].type", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "\"network\"."},
};

static const struct hozo_feature features[] = {
    {"linux.netDevices.enabled", "true"},
};
/* clang-format on */

static const char *const names[] = {NET_DEVICES};

HOZO_PLUGIN(netdev) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "netdev",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-netdev",
    .summary = "Network devices of the host, moved into the container.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .features = HOZO_TABLE(features),
    .validate = netdev_validate,
    .plan = netdev_plan,
    .attach = netdev_attach,
    .started = netdev_settle,
    .stopped = netdev_settle,
    .cleanup = netdev_cleanup,
};
