/* SPDX-License-Identifier: Apache-2.0 */
/* The section `freebsd` of config-freebsd.md. */
#include "core/spec/rows.h"

#define FREEBSD PLUGIN("freebsd")
#define SHARING VALUES("disable", "new", "inherit")

/* clang-format off */
static const struct spec_field device[] = {
    STRING(FREEBSD, "path"),
    UINT(FREEBSD, "mode", 32),
    {0},
};

static const struct spec_field allow[] = {
    BOOL(FREEBSD, "setHostname"),
    BOOL(FREEBSD, "rawSockets"),
    BOOL(FREEBSD, "chflags"),
    STRINGS(FREEBSD, "mount"),
    BOOL(FREEBSD, "quotas"),
    BOOL(FREEBSD, "socketAf"),
    BOOL(FREEBSD, "mlock"),
    BOOL(FREEBSD, "reservedPorts"),
    BOOL(FREEBSD, "suser"),
    {0},
};

static const struct spec_field jail[] = {
    STRING(FREEBSD, "parent"),
    STRING(FREEBSD, "host", VALUES("new", "inherit")),
    STRING(FREEBSD, "ip4", SHARING),
    STRINGS(FREEBSD, "ip4Addr"),
    STRING(FREEBSD, "ip6", SHARING),
    STRINGS(FREEBSD, "ip6Addr"),
    STRING(FREEBSD, "vnet", VALUES("new", "inherit")),
    STRING(FREEBSD, "interface"),
    STRINGS(FREEBSD, "vnetInterfaces"),
    STRING(FREEBSD, "sysvmsg", SHARING),
    STRING(FREEBSD, "sysvsem", SHARING),
    STRING(FREEBSD, "sysvshm", SHARING),
    UINT(FREEBSD, "enforceStatfs", 8),
    OBJECT(FREEBSD, "allow", allow),
    {0},
};

const struct spec_field spec_freebsd[] = {
    OBJECTS(FREEBSD, "devices", device),
    OBJECT(FREEBSD, "jail", jail),
    {0},
};
/* clang-format on */
