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
 * granted: config.md wants a warning then, and no error. `grantable` is what hozo could give; `log`
 * may be NULL.
 */
struct log;
void capability_sets_read(const cJSON *capabilities, uint64_t grantable, const struct log *log,
                          struct capability_sets *sets);

/* "CAP_CHOWN" of number 0; false behind the last that libcap has a name for, whatever the kernel knows. */
bool capability_name(int number, char *name, size_t size);

#endif
