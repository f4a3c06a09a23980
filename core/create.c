/* SPDX-License-Identifier: Apache-2.0 */
/* create: everything up to the process that waits for start. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/cgroup.h"
#include "core/compile.h"
#include "core/foreign.h"
#include "core/hooks.h"
#include "core/lifecycle.h"
#include "core/linux/control.h"
#include "core/linux/host-ops.h"
#include "core/linux/launch.h"
#include "core/log.h"
#include "core/process.h"
#include "core/timestamp.h"

/* While hozo-init starts, plugins do what needs no process, or wait for it. */
static int on_started(struct container *c, struct error *err)
{
    return plugins_call(c, STAGE_ATTACH, err);
}

/* While the process sets itself up: before it could outlive a crash, its pid is on disk. */
static int on_born(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_WRITE, NULL);

    c->state.pid = c->pid;
    /* Without its start time nobody would find it again. */
    if (!process_stat(c->pid, NULL, &c->state.start_time))
        return fail(err, 0, NULL, "the system does not show process %d", (int)c->pid);
    return state_write(c->dirfd, &c->state, err);
}

/* Before the first side effect. */
static int write_down(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_WRITE, NULL);

    return config_freeze(c, false, err) < 0 || notify_prepare(c, err) < 0 ||
                   plugins_record(c, err) < 0 || state_write(c->dirfd, &c->state, err) < 0
               ? -1
               : 0;
}

static int make_process(struct container *c, int *console, struct error *err)
{
    struct launch l = {.started = on_started, .born = on_born};

    if (launch(c, &l, err) < 0)
        return -1;
    *console = l.console;
    close(l.sync);
    return 0;
}

static int carry_out(struct container *c, int *console, struct error *err)
{
    const char *const undo[] = {"delete", "--force", c->state.id, NULL};
    auto_span struct trace *span UNUSED = NULL;

    if (foreign_choose(c, err) < 0 || rescue_prepare(c, RESCUE_UNDO, undo, err) < 0 ||
        plugins_call(c, STAGE_PROBE, err) < 0 || write_down(c, err) < 0 ||
        host_ops(c, PHASE_PREPARE, err) < 0 || plugins_call(c, STAGE_PREPARE, err) < 0 ||
        plugins_lates_filled(c, err) < 0 || machine_hand_over(c, err) < 0)
        return -1;
    if (cgroup_stalls(&c->state.cgroup))
        return fail(err, 0, "linux.cgroupsPath", "the control group is frozen");
    if ((c->state.runner ? foreign_create(c, console, err) : make_process(c, console, err)) < 0)
        return -1;
    span = span_begin(c->plugins.trace, SPAN_WRITE, NULL);
    c->state.complete = true;
    return state_write(c->dirfd, &c->state, err);
}

static bool runs_create_hooks(const struct container *c)
{
    if (c->state.runner)
        return true;
    plan_for_each (op, c->plan)
        if (op->kind == OP_HOOK)
            return true;
    return false;
}

/* Best effort, in reverse: the error that brought us here is the one to report. */
void container_abort(struct container *c)
{
    struct error ignored;

    launch_kill(c);
    host_ops_close(c);
    /* Before its own process was there, whoever is in the cgroup is somebody else's. */
    if (c->state.pid && !c->state.runner)
        cgroup_signal(&c->state.cgroup, SIGKILL, &ignored);
    if (plugins_end(c, STAGE_STOPPED, NULL, &ignored) < 0 ||
        plugins_end(c, STAGE_CLEANUP, NULL, &ignored) < 0) {
        log_error(c->log, LOG_LEVEL_WARNING, &ignored);
        return; /* the state stays, so that `delete --force` can go on */
    }
    if (c->state.pid && (c->state.complete || runs_create_hooks(c)) &&
        hooks_run(c, "poststop", STATUS_STOPPED, &ignored) < 0)
        log_error(c->log, LOG_LEVEL_WARNING, &ignored);
    state_remove(c->root, c->state.id, c->dirfd, &ignored);
}

int container_create(struct container *c, int *console, struct error *err)
{
    char now[TIMESTAMP_SIZE];

    *console = -1;
    timestamp(now);
    if (!(c->state.created = strdup(now)))
        return fail_memory(err);
    c->state.owner = getuid();
    if (compile_create(c, err) < 0)
        return -1;
    c->dirfd = state_create(c->root, c->state.id, err);
    if (c->dirfd < 0)
        return -1;
    if (carry_out(c, console, err) < 0) {
        container_abort(c);
        cleanup_close(console);
        *console = -1;
        return -1;
    }
    host_ops_close(c);
    return 0;
}
