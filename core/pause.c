/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause and resume. The core freezes the control group; plugins halt what is no process of it, and let it
 * go on. A pause or resume that fails leaves the container as it was.
 */
#include "core/cgroup.h"
#include "core/foreign.h"
#include "core/lifecycle.h"
#include "core/log.h"
#include "core/plugin-parts.h"

static int not_running(enum status status, struct error *err)
{
    return status == STATUS_CREATING ? fail(err, 0, NULL, "the container is still being created")
                                     : fail(err, 0, NULL, "container not running: no such process");
}

static bool has_process(enum status status)
{
    return status != STATUS_STOPPED && status != STATUS_CREATING;
}

static void tell(struct container *c, const struct error *second)
{
    if (c->log)
        log_error(c->log, LOG_LEVEL_WARNING, second);
}

/* `stage` of the first `n` plugins, in reverse order, because of a failure that is told already. */
static void undo(struct container *c, enum plugin_stage stage, size_t n)
{
    struct error second = {0};

    while (n-- > 0)
        if (plugins_call_one(c, n, stage, &second) < 0)
            tell(c, &second);
}

/* The one that fails has left all as it was itself. */
static int call(struct container *c, enum plugin_stage stage, enum plugin_stage contrary,
                struct error *err)
{
    for (size_t i = 0; i < c->plugins.n_opened; i++) {
        if (plugins_call_one(c, i, stage, err) == 0)
            continue;
        undo(c, contrary, i);
        return -1;
    }
    return 0;
}

int container_pause(struct container *c, struct error *err)
{
    enum status status;

    if (foreign_refuse(&c->state, "pause", err) < 0)
        return -1;
    status = state_status(c->dirfd, &c->state);
    if (!has_process(status))
        return not_running(status, err);
    if (status == STATUS_PAUSED)
        return fail(err, 0, NULL, "cannot pause a container in the paused state");
    if (!c->state.cgroup.freeze)
        return fail(err, 0, NULL, "the container has no control group that can be frozen");
    if (plugins_open_for(c, IN(PAUSE) | IN(RESUME), err) < 0 ||
        call(c, STAGE_PAUSE, STAGE_RESUME, err) < 0)
        return -1;
    if (cgroup_freeze(&c->state.cgroup, err) == 0)
        return 0;
    undo(c, STAGE_RESUME, c->plugins.n_opened);
    return -1;
}

static bool has_plugins(const struct container *c)
{
    for (size_t i = 0; i < c->state.n_plugins; i++)
        if (plugin_is_for(&c->state.plugins[i], IN(RESUME)))
            return true;
    return false;
}

/* The lock comes after the thaw: who holds it may be waiting for a process that was frozen. */
static int resume_plugins(struct container *c, struct error *err)
{
    close(steal_fd(c->dirfd));
    if (container_reopen(c, err) < 0 || json_read(&c->config, c->dirfd, "config.json", err) < 0 ||
        plugins_open_for(c, IN(PAUSE) | IN(RESUME), err) < 0)
        return -1;
    return call(c, STAGE_RESUME, STAGE_PAUSE, err);
}

/* A freezing that never came to its end is resumed as well. */
int container_resume(struct container *c, enum status status, struct error *err)
{
    struct error second = {0};

    if (foreign_refuse(&c->state, "resume", err) < 0)
        return -1;
    if (!has_process(status))
        return not_running(status, err);
    if (!cgroup_stalls(&c->state.cgroup))
        return fail(err, 0, NULL, "container not paused");
    if (cgroup_unfreeze(&c->state.cgroup, err) < 0)
        return -1;
    if (!has_plugins(c) || resume_plugins(c, err) == 0)
        return 0;
    if (cgroup_freeze(&c->state.cgroup, &second) < 0)
        tell(c, &second);
    return -1;
}
