/* SPDX-License-Identifier: Apache-2.0 */
/* pause and resume. */
#include "core/cgroup.h"
#include "core/lifecycle.h"

static int not_running(enum status status, struct error *err)
{
    return status == STATUS_CREATING ? fail(err, 0, NULL, "the container is still being created")
                                     : fail(err, 0, NULL, "container not running: no such process");
}

static bool has_program(enum status status)
{
    return status != STATUS_STOPPED && status != STATUS_CREATING;
}

int container_pause(struct container *c, struct error *err)
{
    enum status status = state_status(c->dirfd, &c->state);

    if (!has_program(status))
        return not_running(status, err);
    if (status == STATUS_PAUSED)
        return fail(err, 0, NULL, "cannot pause a container in the paused state");
    if (!c->state.cgroup.freeze)
        return fail(err, 0, NULL, "the container has no control group that can be frozen");
    return cgroup_freeze(&c->state.cgroup, err);
}

/* A freezing that never came to its end is resumed as well. */
int container_resume(struct container *c, enum status status, struct error *err)
{
    if (!has_program(status))
        return not_running(status, err);
    if (!cgroup_stalls(&c->state.cgroup))
        return fail(err, 0, NULL, "container not paused");
    return cgroup_unfreeze(&c->state.cgroup, err);
}
