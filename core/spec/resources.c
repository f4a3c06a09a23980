/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources of config-linux.md; `update` reads an object of these members too. */
#include "core/spec/rows.h"

#define CGROUP PLUGIN("cgroup")

/* clang-format off */
static const struct spec_field device[] = {
    BOOL(CGROUP, "allow", REQUIRED),
    STRING(CGROUP, "type"),
    INT(CGROUP, "major", 64),
    INT(CGROUP, "minor", 64),
    STRING(CGROUP, "access"),
    {0},
};

static const struct spec_field memory[] = {
    INT(CGROUP, "limit", 64),
    INT(CGROUP, "reservation", 64),
    INT(CGROUP, "swap", 64),
    INT(CGROUP, "kernel", 64),
    INT(CGROUP, "kernelTCP", 64),
    UINT(CGROUP, "swappiness", 64),
    BOOL(CGROUP, "disableOOMKiller"),
    BOOL(CGROUP, "useHierarchy"),
    BOOL(CGROUP, "checkBeforeUpdate"),
    {0},
};

static const struct spec_field cpu[] = {
    UINT(CGROUP, "shares", 64),
    INT(CGROUP, "quota", 64),
    UINT(CGROUP, "burst", 64),
    UINT(CGROUP, "period", 64),
    INT(CGROUP, "realtimeRuntime", 64),
    UINT(CGROUP, "realtimePeriod", 64),
    STRING(CGROUP, "cpus"),
    STRING(CGROUP, "mems"),
    INT(CGROUP, "idle", 64),
    {0},
};

static const struct spec_field pids[] = {
    INT(CGROUP, "limit", 64, REQUIRED),
    {0},
};

static const struct spec_field weight_device[] = {
    INT(CGROUP, "major", 64, REQUIRED),
    INT(CGROUP, "minor", 64, REQUIRED),
    UINT(CGROUP, "weight", 16),
    UINT(CGROUP, "leafWeight", 16),
    {0},
};

static const struct spec_field throttle_device[] = {
    INT(CGROUP, "major", 64, REQUIRED),
    INT(CGROUP, "minor", 64, REQUIRED),
    UINT(CGROUP, "rate", 64, REQUIRED),
    {0},
};

static const struct spec_field block_io[] = {
    UINT(CGROUP, "weight", 16),
    UINT(CGROUP, "leafWeight", 16),
    OBJECTS(CGROUP, "weightDevice", weight_device),
    OBJECTS(CGROUP, "throttleReadBpsDevice", throttle_device),
    OBJECTS(CGROUP, "throttleWriteBpsDevice", throttle_device),
    OBJECTS(CGROUP, "throttleReadIOPSDevice", throttle_device),
    OBJECTS(CGROUP, "throttleWriteIOPSDevice", throttle_device),
    {0},
};

static const struct spec_field hugepage_limit[] = {
    STRING(CGROUP, "pageSize", REQUIRED),
    UINT(CGROUP, "limit", 64, REQUIRED),
    {0},
};

static const struct spec_field priority[] = {
    STRING(CGROUP, "name", REQUIRED),
    UINT(CGROUP, "priority", 32, REQUIRED),
    {0},
};

static const struct spec_field network[] = {
    UINT(CGROUP, "classID", 32),
    OBJECTS(CGROUP, "priorities", priority),
    {0},
};

static const struct spec_field rdma[] = {
    UINT(CGROUP, "hcaHandles", 32),
    UINT(CGROUP, "hcaObjects", 32),
    {0},
};

const struct spec_field spec_resources[] = {
    OBJECTS(CGROUP, "devices", device),
    OBJECT(CGROUP, "memory", memory),
    OBJECT(CGROUP, "cpu", cpu),
    OBJECT(CGROUP, "pids", pids),
    OBJECT(CGROUP, "blockIO", block_io),
    OBJECTS(CGROUP, "hugepageLimits", hugepage_limit),
    OBJECT(CGROUP, "network", network),
    MAP_OF_OBJECTS(CGROUP, "rdma", rdma),
    MAP_OF_STRINGS(CGROUP, "unified"),
    {0},
};
/* clang-format on */
