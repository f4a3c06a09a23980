/* SPDX-License-Identifier: Apache-2.0 */
#include "core/exec.h"

#include <errno.h>
#include <sys/file.h>

#include "core/cgroup.h"
#include "core/compile.h"
#include "core/facts.h"
#include "core/foreign.h"
#include "core/linux/control.h"
#include "core/linux/exec-cgroup.h"
#include "core/linux/host-ops.h"
#include "core/linux/launch.h"
#include "core/linux/namespaces.h"
#include "core/machine.h"

#define STOPPED "cannot exec in a stopped container"

static int check_status(struct container *c, bool ignore_paused, enum status *is, struct error *err)
{
    enum status status = state_status(c->dirfd, &c->state);

    /* What comes to a cgroup that is only about to be frozen does not run either. */
    if ((status == STATUS_CREATED || status == STATUS_RUNNING) && cgroup_stalls(&c->state.cgroup))
        status = STATUS_PAUSED;
    *is = status;
    switch (status) {
    case STATUS_CREATED:
    case STATUS_RUNNING:
        break;
    case STATUS_PAUSED:
        if (ignore_paused) {
            /* The process runs when somebody thaws the container, and who deletes it needs the
             * lock. */
            flock(c->dirfd, LOCK_UN);
            break;
        }
        return fail(err, 0, NULL,
                    "cannot exec in a paused container (use --ignore-paused to override)");
    default:
        return fail(err, 0, NULL, STOPPED);
    }
    return 0;
}

static int on_started(struct container *c, struct error *err)
{
    return plugins_call(c, STAGE_EXEC_ATTACH, err);
}

/* What it asks for beyond a process is of Linux. */
static int exec_foreign(struct container *c, const struct json *process,
                        const struct exec_overrides *o, int *console, struct error *err)
{
    enum status status;

    if (o->n_cgroups)
        return fail(err, 0, NULL, "--cgroup has no meaning: only Linux has control groups");
    if (container_status(c, &status, err) < 0)
        return -1;
    if (status != STATUS_CREATED && status != STATUS_RUNNING)
        return fail(err, 0, NULL, STOPPED);
    if (facts_collect(&c->facts, err) < 0 ||
        plugins_open_for(c, IN(RUNNER) | IN(EXEC) | IN(EXEC_ATTACH), err) < 0 ||
        plugins_for_process(c, process, err) < 0)
        return -1;
    return foreign_exec(c, console, err);
}

int container_exec(struct container *c, const struct json *process, const struct exec_overrides *o,
                   int *console, struct error *err)
{
    struct exec_request request = {.process = process->root, .doc = process};
    struct launch l = {.started = on_started, .follow_init = true};
    auto_exec_cgroup struct exec_cgroup chosen = {0};
    auto_close int init = -1;
    int slot;

    *console = -1;
    if (c->state.runner)
        return exec_foreign(c, process, o, console, err);
    if (check_status(c, o->ignore_paused, &l.status, err) < 0)
        return -1;
    l.patient = l.status == STATUS_PAUSED;
    if (c->state.machine && (o->n_cgroups || c->preserve_fds))
        return fail(err, 0, NULL, "%s has no meaning in a virtual machine",
                    o->n_cgroups ? "--cgroup" : "--preserve-fds");
    if (c->state.machine && machine_check_process(process->root, err) < 0)
        return -1;
    if (container_facts(c, err) < 0 ||
        plugins_open_for(c, IN(EXEC) | IN(EXEC_ATTACH), err) < 0 ||
        plugins_for_process(c, process, err) < 0)
        return -1;
    if (exec_cgroup_open(c, o->cgroups, o->n_cgroups, &chosen, err) < 0)
        return -1;
    l.chosen = chosen.n ? &chosen : NULL;
    init = state_pidfd(&c->state);
    if (init < 0)
        return errno == ESRCH ? fail(err, 0, NULL, STOPPED) : fail(err, errno, NULL, "pidfd_open");
    if (namespaces_that_differ(c->state.pid, &request.namespaces, err) < 0)
        return err->errnum == ENOENT ? fail(err, 0, NULL, STOPPED) : -1;
    if (compile_exec(c, &request, &slot, err) < 0)
        return -1;
    if (host_ops(c, PHASE_PREPARE, err) < 0)
        return -1;
    plan_slots(c->plan)[slot].fd = steal_fd(init);
    if (machine_visit(c, err) < 0)
        return -1;
    if (launch(c, &l, err) < 0 || launch_executed(c, &l, err) < 0) {
        host_ops_close(c);
        return -1;
    }
    host_ops_close(c);
    close(l.sync);
    *console = l.console;
    return 0;
}
