/* SPDX-License-Identifier: Apache-2.0 */
/* What the container's processes do, and what is done with them. */
#include <errno.h>
#include <signal.h>

#include "plugins/freebsd/runner.h"

/* --- hooks -------------------------------------------------------------------------------------- */

/* Where those of the container run that are programs of the host: in its root, and not in the jail. */
static const char *hook_directory(struct runner *r, enum hook_kind kind)
{
    return kind == HOOK_CREATE_CONTAINER ? r->jail->root : NULL;
}

int runner_hooks(struct runner *r, enum hook_kind kind, enum status status)
{
    for (size_t i = 0; i < r->jail->n_hooks; i++) {
        const struct hook *h = &r->jail->hooks[i];
        const struct os_hook hook = {.program = h->program,
                                     .args = h->args,
                                     .env = h->env,
                                     .input = r->describe(r, status),
                                     .directory = hook_directory(r, kind),
                                     .timeout = h->timeout};
        int e;

        if (h->kind != kind)
            continue;
        if ((e = OS(r, hook, &hook)))
            return hozo_error(r->jail->ctx, e < 0 ? -e : 0, h->at, "%s failed with status %d",
                              h->program, e < 0 ? -1 : e);
    }
    return 0;
}

/* --- in the process ----------------------------------------------------------------------------- */

struct entry {
    struct runner *r;
    const struct process *process;
    bool joins; /* an exec: the container is there */
};

static int set_limits(struct runner *r, const struct process *p)
{
    int e;

    for (size_t i = 0; i < p->n_limits; i++) {
        const struct limit *l = &p->limits[i];

        if ((e = OS(r, set_limit, l->resource, l->soft, l->hard)) < 0)
            return e;
    }
    return 0;
}

/* With root's rights: what a hook or a limit needs; then the jail; the user last. */
static int enter(void *argument)
{
    const struct entry *in = argument;
    const struct process *p = in->process;
    struct runner *r = in->r;
    int e;

    if (!in->joins && runner_hooks(r, HOOK_CREATE_CONTAINER, STATUS_CREATING) < 0)
        return -ECANCELED;
    if ((e = OS(r, jail_attach, r->record.jid)) < 0 || (e = set_limits(r, p)) < 0 ||
        (e = OS(r, change_directory, p->cwd)) < 0 ||
        (p->umask >= 0 && (e = OS(r, set_umask, p->umask)) < 0) ||
        (e = OS(r, set_user, p->uid, p->gid, p->groups, p->n_groups)) < 0)
        return e;
    return p->no_new_privileges ? OS(r, no_new_privileges) : 0;
}

static int execute(void *argument)
{
    const struct entry *in = argument;

    if (!in->joins && runner_hooks(in->r, HOOK_START_CONTAINER, STATUS_CREATED) < 0)
        return -ECANCELED;
    return OS(in->r, execute, in->process->args, in->process->env);
}

/* --- create ------------------------------------------------------------------------------------- */

static int check_process(struct runner *r, const struct process *p)
{
    if (!p->terminal)
        return 0;
    return hozo_error(r->jail->ctx, 0, "process.terminal", "hozo makes no terminals on FreeBSD");
}

int runner_spawn(struct runner *r)
{
    struct entry *in = jail_keep(r->jail, calloc(1, sizeof(*in)));
    struct os_child child = {.enter = enter, .execute = execute, .argument = in};
    int e;

    if (!in || !(child.fifo = runner_fifo(r)) || check_process(r, &r->jail->process) < 0)
        return -1;
    *in = (struct entry){.r = r, .process = &r->jail->process};
    if ((e = OS(r, spawn, &child)) < 0)
        return hozo_error(r->jail->ctx, -e, "process", "making the process");
    r->record.pid = e;
    if ((e = OS(r, born, r->record.pid, &r->record.born)) < 0) {
        /* Nobody would find it again. */
        OS(r, kill, r->record.pid, SIGKILL);
        r->record.pid = 0;
        return hozo_error(r->jail->ctx, -e, "process", "looking at the process");
    }
    if (r->save(r) < 0 || runner_hooks(r, HOOK_PRESTART, STATUS_CREATING) < 0 ||
        runner_hooks(r, HOOK_CREATE_RUNTIME, STATUS_CREATING) < 0)
        return -1;
    e = OS(r, proceed, r->record.pid);
    if (e == -ECANCELED)
        return hozo_error(r->jail->ctx, 0, "hooks.createContainer", "a hook has failed");
    return e < 0 ? hozo_error(r->jail->ctx, -e, "process", "entering the jail") : 0;
}

/* --- later -------------------------------------------------------------------------------------- */

int runner_status(struct runner *r, enum status *status)
{
    uint64_t born;
    int e = r->record.pid ? OS(r, born, r->record.pid, &born) : -ESRCH;

    if (e < 0 && e != -ESRCH)
        return hozo_error(r->jail->ctx, -e, "process", "looking at the process");
    *status = e < 0 || born != r->record.born ? STATUS_STOPPED
              : !r->record.complete           ? STATUS_CREATING
              : r->record.started             ? STATUS_RUNNING
                                              : STATUS_CREATED;
    return 0;
}

static int expect(struct runner *r, enum status wanted, const char *what)
{
    enum status status = STATUS_STOPPED;

    if (runner_status(r, &status) < 0)
        return -1;
    return status == wanted ? 0
                            : hozo_error(r->jail->ctx, 0, NULL, "the container is not %s", what);
}

int runner_start(struct runner *r)
{
    const char *fifo = runner_fifo(r);
    int e;

    if (!fifo || expect(r, STATUS_CREATED, "created") < 0)
        return -1;
    r->record.started = true;
    if (r->save(r) < 0)
        return -1;
    if ((e = OS(r, start, fifo)) < 0) {
        r->record.started = false;
        r->save(r);
        return hozo_error(r->jail->ctx, -e, "process", "starting the process");
    }
    if (runner_hooks(r, HOOK_POSTSTART, STATUS_RUNNING) < 0) {
        /* config.md, Poststart: the container ends with its hook. */
        OS(r, kill_jail, r->record.jid, SIGKILL);
        return -1;
    }
    return 0;
}

int runner_kill(struct runner *r, int signal, bool all)
{
    enum status status = STATUS_STOPPED;
    int e;

    if (runner_status(r, &status) < 0)
        return -1;
    if (status == STATUS_STOPPED && !all)
        return hozo_error(r->jail->ctx, 0, NULL, "container not running");
    e = all ? OS(r, kill_jail, r->record.jid, signal) : OS(r, kill, r->record.pid, signal);
    return e < 0 ? hozo_error(r->jail->ctx, -e, "process", "signal %d", signal) : 0;
}

int runner_exec(struct runner *r, const struct process *process, int *pid)
{
    struct entry *in = jail_keep(r->jail, calloc(1, sizeof(*in)));
    const struct os_child child = {.enter = enter, .execute = execute, .argument = in};
    enum status status = STATUS_STOPPED;
    int e;

    if (!in || check_process(r, process) < 0 || runner_status(r, &status) < 0)
        return -1;
    if (status != STATUS_RUNNING && status != STATUS_CREATED)
        return hozo_error(r->jail->ctx, 0, NULL, "container not running");
    *in = (struct entry){.r = r, .process = process, .joins = true};
    if ((e = OS(r, spawn, &child)) < 0)
        return hozo_error(r->jail->ctx, -e, "process", "making the process");
    *pid = e;
    if ((e = OS(r, proceed, *pid)) >= 0)
        return 0;
    OS(r, kill, *pid, SIGKILL);
    return hozo_error(r->jail->ctx, -e, "process", "entering the jail");
}

int runner_delete(struct runner *r, bool force)
{
    enum status status = STATUS_STOPPED;

    if (runner_status(r, &status) < 0)
        return -1;
    if (status != STATUS_STOPPED && status != STATUS_CREATED && !force)
        return hozo_error(r->jail->ctx, 0, NULL, "the container is not stopped");
    if (runner_undo(r) < 0)
        return -1;
    /* config.md, Poststop: a failure is said, and the container is gone all the same. */
    if (r->record.complete && runner_hooks(r, HOOK_POSTSTOP, STATUS_STOPPED) < 0)
        hozo_log(r->jail->ctx, HOZO_LOG_WARNING, "a poststop hook has failed");
    r->record.complete = false;
    return r->save(r);
}
