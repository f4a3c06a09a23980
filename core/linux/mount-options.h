/* SPDX-License-Identifier: Apache-2.0 */
/* The mount options of config.md as one table: parser and `features.mountOptions` are this table. */
#ifndef CORE_LINUX_MOUNT_OPTIONS_H
#define CORE_LINUX_MOUNT_OPTIONS_H

#include "core/json.h"

/* What the options of one mount come to. */
struct mount_options {
    uint64_t set, clear;   /* mount attributes of the mount itself */
    uint64_t rset, rclear; /* … of every mount below it */
    uint64_t propagation;
    bool bind, recursive, copy_up, remount;
    enum { IDMAP_NONE, IDMAP_TOP, IDMAP_RECURSIVE } idmap;
    const char *
        *data; /* for the file system: NULL-terminated; borrows the configuration's strings */
};

/* The caller frees o->data. */
int mount_options_parse(const cJSON *options, struct mount_options *o, struct error *err);

/* One more for the file system; borrowed. */
int mount_options_add(struct mount_options *o, const char *option, struct error *err);

/* The names that the parser knows, sorted; NULL behind the last. */
const char *mount_option_name(size_t index);

#endif
