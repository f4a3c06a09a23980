/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LINUX_CAPABILITIES_H
#define CORE_LINUX_CAPABILITIES_H

#include "core/json.h"

/* The five sets of process.capabilities as bits; absent ones are empty. */
struct capability_sets {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

/*
 * Names that this host does not know, and capabilities that hozo itself does not hold, cannot be
 * granted: config.md says that they are not an error. `grantable` is what hozo could give.
 */
void capability_sets_read(const cJSON *capabilities, uint64_t grantable,
                          struct capability_sets *sets);

#endif
