/* SPDX-License-Identifier: Apache-2.0 */
#include "core/foreign.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/compile.h"
#include "core/linux/terminal.h"
#include "core/pidfd.h"
#include "core/plugin-parts.h"

/* How long killed processes may take to go. */
#define END_MS  10000
#define TICK_MS 10

/* --- who ---------------------------------------------------------------------------------------- */

int foreign_choose(struct container *c, struct error *err)
{
    const char *runner = NULL;

    if (!config_is_foreign(c->config.root))
        return 0;
    for (size_t i = 0; i < c->plugins.n_opened; i++) {
        const struct hozo_plugin *d = c->plugins.opened[i]->d;

        if (!d->runner)
            continue;
        if (runner)
            return fail(err, 0, NULL, "two plugins would run the container: %s and %s", runner,
                        d->name);
        runner = d->name;
    }
    if (!runner)
        return fail(err, 0, NULL, "no plugin runs containers of this operating system");
    if (c->state.notify_socket)
        return fail(err, 0, NULL,
                    "NOTIFY_SOCKET: plugin %s, which runs the container, passes none on", runner);
    return (c->state.runner = strdup(runner)) ? 0 : fail_memory(err);
}

/* The core's own operations are those of Linux: there are none. */
int foreign_check_plan(const struct container *c, struct error *err)
{
    if (c->plugins.n_env)
        return fail(err, 0, "process.env", "plugin %s plans a variable, which only the core sets",
                    c->plugins.env[0].plugin);
    if (c->plugins.n_labels)
        return fail(err, 0, c->plugins.labels[0].path,
                    "plugin %s plans a label, which only Linux has", c->plugins.labels[0].plugin);
    if (c->plugins.seccomp.plugin)
        return fail(err, 0, c->plugins.seccomp.path,
                    "plugin %s plans a filter, which only Linux has", c->plugins.seccomp.plugin);
    plan_for_each (op, c->plan)
        if (op->kind != OP_WORK)
            return fail(err, 0, plan_string(c->plan, op->path),
                        "plugin %s plans \"%s\", which only Linux carries out",
                        plan_string(c->plan, op->owner), plan_op_info[op->kind].name);
    return 0;
}

int foreign_refuse(const struct state *s, const char *verb, struct error *err)
{
    return s->runner ? fail(err, 0, NULL, "plugin %s, which runs the container, has no %s",
                            s->runner, verb)
                     : 0;
}

/* --- tasks -------------------------------------------------------------------------------------- */

static size_t find_runner(const struct container *c)
{
    size_t i = 0;

    while (i < c->plugins.n_opened && strcmp(c->plugins.opened[i]->d->name, c->state.runner) != 0)
        i++;
    return i;
}

static int ask(struct container *c, struct hozo_task *task, struct error *err)
{
    size_t i = find_runner(c);
    int r;

    if (i == c->plugins.n_opened) {
        if (plugins_open_for(c, IN(RUNNER), err) < 0)
            return -1;
        i = find_runner(c);
    }
    if (i == c->plugins.n_opened || !c->plugins.opened[i]->d->runner)
        return fail(err, 0, NULL, "plugin %s does not run containers", c->state.runner);
    task->size = sizeof *task;
    task->console = -1;
    c->task = task;
    r = plugins_call_one(c, i, STAGE_RUNNER, err);
    c->task = NULL;
    return r;
}

/* A child of this process, so that its pid means no other. */
static int take_process(struct container *c, const struct hozo_task *task, int *console,
                        struct error *err)
{
    *console = task->console;
    c->pid = task->pid;
    c->pidfd = pidfd_of(c->pid);
    if (c->pidfd < 0)
        return fail(err, errno, NULL, "open process %d", (int)c->pid);
    if (c->foreground && *console >= 0)
        foreground_size(*console);
    return 0;
}

int foreign_create(struct container *c, int *console, struct error *err)
{
    struct hozo_task task = {.verb = HOZO_RUN_CREATE};

    int r = ask(c, &task, err);

    /* Hooks have seen it, also if it is gone by now. */
    c->state.pid = task.pid;
    c->state.start_time = task.born;
    if (r < 0)
        return -1;
    return take_process(c, &task, console, err) < 0 ? -1 : plugins_call(c, STAGE_ATTACH, err);
}

int foreign_start(struct container *c, struct error *err)
{
    struct hozo_task task = {.verb = HOZO_RUN_START};

    return ask(c, &task, err);
}

int foreign_exec(struct container *c, int *console, struct error *err)
{
    struct hozo_task task = {.verb = HOZO_RUN_EXEC};

    return ask(c, &task, err) < 0 ? -1 : take_process(c, &task, console, err);
}

int foreign_kill(struct container *c, int number, bool all, struct error *err)
{
    struct hozo_task task = {.verb = HOZO_RUN_KILL, .signal = number, .all = all};

    return ask(c, &task, err);
}

int foreign_end(struct container *c, struct error *err)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000};
    enum status status;

    if (foreign_kill(c, SIGKILL, true, err) < 0)
        return -1;
    for (int waited = 0; waited < END_MS; waited += TICK_MS) {
        if (container_status(c, &status, err) < 0)
            return -1;
        if (status == STATUS_STOPPED)
            return 0;
        nanosleep(&tick, NULL);
    }
    return fail(err, 0, NULL, "the container's process does not end");
}

/* --- status ------------------------------------------------------------------------------------- */

int container_status(struct container *c, enum status *status, struct error *err)
{
    struct hozo_task task = {.verb = HOZO_RUN_STATUS, .status = HOZO_STOPPED};

    if (!c->state.runner) {
        *status = state_status(c->dirfd, &c->state);
        return 0;
    }
    if (ask(c, &task, err) < 0)
        return -1;
    *status = task.status == HOZO_STOPPED   ? STATUS_STOPPED
              : !c->state.complete          ? STATUS_CREATING
              : task.status == HOZO_CREATED ? STATUS_CREATED
                                            : STATUS_RUNNING;
    return 0;
}

int container_look(struct container *c, const char *root, const char *id, enum status *status,
                   struct error *err)
{
    c->root = root;
    c->dirfd = state_open(root, id, false, err);
    if (c->dirfd < 0 || state_look(c->dirfd, id, &c->state, status, err))
        return -1;
    /* One that is being made is not asked for: the state is not written yet. */
    if (!c->state.runner || (*status == STATUS_CREATING && !c->state.complete))
        return 0;
    return json_read(&c->config, c->dirfd, "config.json", err) < 0
               ? -1
               : container_status(c, status, err);
}
