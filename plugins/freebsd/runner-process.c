/* SPDX-License-Identifier: Apache-2.0 */
/* What the container's processes do, and what is done with them. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "plugins/freebsd/runner.h"

/* --- hooks -------------------------------------------------------------------------------------- */

/* Where those of the container run that are programs of the host: in its root, and not in the jail. */
static const char *hook_directory(struct runner *r, enum hook_kind kind)
{
    return kind == HOOK_CREATE_CONTAINER ? r->record.path : NULL;
}

int runner_hooks(struct runner *r, enum hook_kind kind, uint32_t status, int pid)
{
    for (size_t i = 0; i < r->jail->n_hooks; i++) {
        const struct hook *h = &r->jail->hooks[i];
        struct os_hook hook = {.program = h->program,
                               .args = h->args,
                               .env = h->env,
                               .directory = hook_directory(r, kind),
                               .timeout = h->timeout};
        int e;

        if (h->kind != kind)
            continue;
        if (!(hook.input = r->describe(r, status, pid)))
            return -1;
        if ((e = OS(r, hook, &hook)) > 0)
            return hozo_error(r->jail->ctx, 0, h->at, "hook %s: exited with status %d", h->program,
                              e);
        if (e < 0)
            return hozo_error(r->jail->ctx, -e, h->at, "hook %s", h->program);
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

    if (!in->joins && runner_hooks(r, HOOK_CREATE_CONTAINER, HOZO_CREATING, getpid()) < 0)
        return -ECANCELED;
    if ((e = OS(r, jail_attach, r->record.jid)) < 0 ||
        (p->terminal && (e = OS(r, open_terminal, p->width, p->height, p->uid)) < 0) ||
        (e = set_limits(r, p)) < 0 || (e = OS(r, change_directory, p->cwd)) < 0 ||
        (p->umask >= 0 && (e = OS(r, set_umask, p->umask)) < 0) ||
        (e = OS(r, set_user, p->uid, p->gid, p->groups, p->n_groups)) < 0)
        return e;
    return p->no_new_privileges ? OS(r, no_new_privileges) : 0;
}

static int execute(void *argument)
{
    const struct entry *in = argument;

    if (!in->joins && runner_hooks(in->r, HOOK_START_CONTAINER, HOZO_CREATED, getpid()) < 0)
        return -ECANCELED;
    return OS(in->r, execute, in->process->args, in->process->env);
}

/* What proceed() and start() return: which of the steps has failed the process itself cannot say. */
static int entered(struct runner *r, int e)
{
    if (e == -ECANCELED)
        return hozo_error(r->jail->ctx, 0, "hooks.createContainer", "a hook has failed");
    return e < 0 ? hozo_error(r->jail->ctx, -e, "process", "entering the jail") : 0;
}

/* --- create ------------------------------------------------------------------------------------- */

static int set_child(struct runner *r, struct os_child *child, const struct process *process,
                     bool joins)
{
    struct entry *in = jail_keep(r->jail, calloc(1, sizeof(*in)));

    if (!in)
        return -1;
    *in = (struct entry){.r = r, .process = process, .joins = joins};
    child->enter = enter;
    child->execute = execute;
    child->argument = in;
    child->preserve = r->preserve;
    return 0;
}

int runner_spawn(struct runner *r, int *console)
{
    struct os_child child = {.fifos = runner_directory(r)};
    int e;

    if (!child.fifos || set_child(r, &child, &r->jail->process, false) < 0)
        return -1;
    if ((e = OS(r, spawn, &child)) < 0)
        return hozo_error(r->jail->ctx, -e, "process", "making the process");
    r->record.pid = e;
    if ((e = OS(r, born, r->record.pid, &r->record.born)) < 0) {
        /* Nobody would find it again. */
        OS(r, kill, r->record.pid, SIGKILL);
        r->record.pid = 0;
        return hozo_error(r->jail->ctx, -e, "process", "looking at the process");
    }
    if (r->save(r) < 0 || runner_hooks(r, HOOK_PRESTART, HOZO_CREATING, r->record.pid) < 0 ||
        runner_hooks(r, HOOK_CREATE_RUNTIME, HOZO_CREATING, r->record.pid) < 0)
        return -1;
    return entered(r, OS(r, proceed, r->record.pid, console));
}

/* --- later -------------------------------------------------------------------------------------- */

int runner_status(struct runner *r, uint32_t *status)
{
    const char *fifos = runner_directory(r);
    uint64_t born;
    int e = r->record.pid ? OS(r, born, r->record.pid, &born) : -ESRCH;

    *status = HOZO_STOPPED;
    if (e == -ESRCH || (e >= 0 && born != r->record.born))
        return 0;
    if (e < 0)
        return hozo_error(r->jail->ctx, -e, "process", "looking at the process");
    if (!fifos || (e = OS(r, waits, fifos)) < 0)
        return fifos ? hozo_error(r->jail->ctx, -e, "process", "looking at %s", fifos) : -1;
    *status = e ? HOZO_CREATED : HOZO_RUNNING;
    return 0;
}

int runner_start(struct runner *r)
{
    const char *fifos = runner_directory(r);
    int e = fifos ? OS(r, start, fifos) : -ENOMEM;

    if (e == -ECANCELED)
        return hozo_error(r->jail->ctx, 0, "hooks.startContainer", "a hook has failed");
    if (e == -ESRCH)
        return hozo_error(r->jail->ctx, 0, NULL, "the container's process has ended");
    return e < 0 ? hozo_error(r->jail->ctx, -e, "process.args", "%s", r->jail->process.args[0]) : 0;
}

int runner_kill(struct runner *r, int signal, bool all)
{
    int e = !all            ? OS(r, kill, r->record.pid, signal)
            : r->record.jid ? OS(r, kill_jail, r->record.jid, signal)
                            : 0;

    if (e >= 0 || (all && e == -ESRCH))
        return 0;
    return e == -ESRCH ? hozo_error(r->jail->ctx, 0, NULL, "container not running: no such process")
                       : hozo_error(r->jail->ctx, -e, NULL, "send signal %d", signal);
}

int runner_exec(struct runner *r, const struct process *process, int *pid, int *console)
{
    struct os_child child = {.fifos = NULL};
    int e;

    if (set_child(r, &child, process, true) < 0)
        return -1;
    if ((e = OS(r, spawn, &child)) < 0)
        return hozo_error(r->jail->ctx, -e, "process", "making the process");
    *pid = e;
    e = OS(r, proceed, *pid, console);
    return e < 0 ? hozo_error(r->jail->ctx, -e, "process", "%s", process->args[0]) : 0;
}
