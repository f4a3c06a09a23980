/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources.pids. Of `create` it comes late: the process that makes the container's first one lives in
 * the cgroup, too, until that is there, and a limit of one task, set earlier, would forbid the container.
 */
#include "plugins/cgroup/resources.h"

#define PIDS RESOURCES ".pids"

/* 0 is taken literally, as specification 1.3 has it. */
static const char *tasks(const struct value *all, size_t own, enum version version, char *room)
{
    if (all[own].number < 0)
        return version == NOWHERE ? "" : "max";
    return text_plain(all, own, version, room);
}

/* clang-format off */
static const struct resource rows[] = {
    {PIDS ".limit", HOZO_INT, "pids.max", "pids.max", tasks,
     "negative is `max`; written when the container's process exists"},
};
/* clang-format on */

static int plan(struct planning *p)
{
    struct value v[1];

    return resource_values(p, v) < 0 ? -1 : resource_plan(p, v, 0, WORK_WRITE);
}

const struct family pids_family = {"pids", PIDS, LATE, rows, 1, plan};
