/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources.pids. Of `create` it comes late: the process that makes the container's first one lives in
 * the cgroup, too, until that is there, and a limit of one task, set earlier, would forbid the container. The one
 * that systemd has set is lifted until then.
 */
#include "plugins/cgroup/resources.h"
#include "plugins/cgroup/unit.h"

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

    if (resource_values(p, v) < 0)
        return -1;
    if (p->h && p->pass == EARLY && !p->update)
        return v[0].named && unit_wanted(p->ctx)
                   ? resource_put(p, rows[0].path, WORK_WRITE, resource_file(p, &rows[0]), "max")
                   : 0;
    return resource_plan(p, v, 0, WORK_WRITE);
}

const struct family pids_family = {"pids", PIDS, EARLY | LATE, rows, 1, plan};
