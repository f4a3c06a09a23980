/* SPDX-License-Identifier: Apache-2.0 */
/* A bind mount in the plan: who opens its source, and whose ids its files show. */
#ifndef CORE_LINUX_BIND_H
#define CORE_LINUX_BIND_H

#include "core/compile.h"
#include "core/linux/mount-options.h"

struct bind {
    const char *target;
    struct plan_value source; /* absolute; may hold late values */
    const cJSON *mount;       /* of the configuration, with mappings; NULL: none */
    const char *path;         /* JSON path */
    uint64_t how;
    const struct mount_options *options;
};

/* Whether the files of a mount of the configuration shall show other ids. */
bool bind_is_mapped(const cJSON *mount, const struct mount_options *o);

int compile_bind(struct compile *p, const struct bind *b, struct error *err);

#endif
