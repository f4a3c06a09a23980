/* SPDX-License-Identifier: Apache-2.0 */
/* The section `linux` of config-linux.md; `resources` and `seccomp` have files of their own. */
#include "core/spec/rows.h"

#define RDT       PLUGIN("rdt")
#define NUMA      PLUGIN("numa")
#define NETDEVICE PLUGIN("netdev")

/* clang-format off */
const struct spec_field spec_id_mapping[] = {
    UINT(CORE, "containerID", 32, REQUIRED),
    UINT(CORE, "hostID", 32, REQUIRED),
    UINT(CORE, "size", 32, REQUIRED),
    {0},
};

static const struct spec_field namespace[] = {
    STRING(CORE, "type", REQUIRED,
           VALUES("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")),
    STRING(CORE, "path"),
    {0},
};

/* fileMode: the text says uint32; engines pass on st_mode with the bits of the file's type. */
static const struct spec_field device[] = {
    STRING(CORE, "type", REQUIRED, VALUES("c", "b", "u", "p")),
    STRING(CORE, "path", REQUIRED),
    INT(CORE, "major", 64),
    INT(CORE, "minor", 64),
    UINT(CORE, "fileMode", 32),
    UINT(CORE, "uid", 32),
    UINT(CORE, "gid", 32),
    {0},
};

static const struct spec_field time_offset[] = {
    INT(CORE, "secs", 64),
    UINT(CORE, "nanosecs", 32),
    {0},
};

static const struct spec_field personality[] = {
    STRING(CORE, "domain", REQUIRED, VALUES("LINUX", "LINUX32")),
    STRINGS(CORE, "flags"),
    {0},
};

static const struct spec_field net_device[] = {
    STRING(NETDEVICE, "name"),
    {0},
};

static const struct spec_field intel_rdt[] = {
    STRING(RDT, "closID"),
    STRINGS(RDT, "schemata"),
    STRING(RDT, "l3CacheSchema"),
    STRING(RDT, "memBwSchema"),
    BOOL(RDT, "enableMonitoring"),
    {0},
};

static const struct spec_field memory_policy[] = {
    STRING(NUMA, "mode", REQUIRED,
           VALUES("MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
                  "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL")),
    STRING(NUMA, "nodes"),
    STRINGS(NUMA, "flags",
            VALUES("MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES")),
    {0},
};

/* rootfsPropagation: config-linux.md names four; engines also send mount(8)'s recursive ones. */
const struct spec_field spec_linux[] = {
    OBJECTS(CORE, "namespaces", namespace),
    OBJECTS(CORE, "uidMappings", spec_id_mapping),
    OBJECTS(CORE, "gidMappings", spec_id_mapping),
    MAP_OF_OBJECTS(CORE, "timeOffsets", time_offset),
    OBJECTS(CORE, "devices", device),
    MAP_OF_OBJECTS(NETDEVICE, "netDevices", net_device),
    STRING(PLUGIN("cgroup"), "cgroupsPath"),
    OBJECT(PLUGIN("cgroup"), "resources", spec_resources),
    OBJECT(RDT, "intelRdt", intel_rdt),
    OBJECT(NUMA, "memoryPolicy", memory_policy),
    MAP_OF_STRINGS(CORE, "sysctl"),
    OBJECT(PLUGIN("seccomp"), "seccomp", spec_seccomp),
    STRING(CORE, "rootfsPropagation",
           VALUES("shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate",
                  "runbindable")),
    STRINGS(CORE, "maskedPaths"),
    STRINGS(CORE, "readonlyPaths"),
    STRING(PLUGIN("selinux"), "mountLabel"),
    OBJECT(CORE, "personality", personality),
    {0},
};
/* clang-format on */
