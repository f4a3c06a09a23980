/* SPDX-License-Identifier: Apache-2.0 */
/* What hozo asks for, with the state as it is on disk; and whether this host can do it at all. */
#include "plugins/freebsd/runner.h"

int freebsd_probe(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    void *self;
    int found = hozo_find(ctx, NULL, FREEBSD, &at);

    if (found <= 0)
        return found;
    if (!os_here(&self))
        return hozo_error(ctx, 0, FREEBSD, "this host is not FreeBSD");
    found = hozo_find(ctx, NULL, "linux", &at);
    return found <= 0 ? found
                      : hozo_error(ctx, 0, FREEBSD, "the configuration is one of Linux as well");
}

/* --- one execution of hozo ---------------------------------------------------------------------- */

static int save(struct runner *r)
{
    return runner_record_write(r->jail->ctx, &r->record);
}

static const char *describe(struct runner *r, uint32_t status, int pid)
{
    return hozo_describe(r->jail->ctx, status, pid);
}

static int begin(struct hozo_ctx *ctx, struct jail *j, struct runner *r)
{
    const char *preserve = hozo_option(ctx, "preserve-fds");
    int found = jail_read(ctx, j);

    if (found <= 0)
        return found < 0 ? -1 : hozo_error(ctx, 0, FREEBSD, "the section is gone");
    *r = (struct runner){.jail = j,
                         .save = save,
                         .describe = describe,
                         .preserve = preserve ? (unsigned)atoi(preserve) : 0};
    if (!(r->os = os_here(&r->self)))
        return hozo_error(ctx, 0, FREEBSD, "this host is not FreeBSD");
    runner_record_read(ctx, &r->record);
    return 0;
}

static int create(struct runner *r, struct hozo_task *t)
{
    int done = runner_create(r, &t->console);

    t->pid = r->record.pid;
    t->born = r->record.born;
    return done;
}

static int carry_out(struct runner *r, struct hozo_task *t)
{
    switch (t->verb) {
    case HOZO_RUN_CREATE:
        return create(r, t);
    case HOZO_RUN_START:
        return runner_start(r);
    case HOZO_RUN_EXEC:
        return runner_exec(r, &r->jail->process, &t->pid, &t->console);
    case HOZO_RUN_KILL:
        return runner_kill(r, t->signal, t->all);
    case HOZO_RUN_STATUS:
        return runner_status(r, &t->status);
    default:
        return hozo_error(r->jail->ctx, 0, FREEBSD, "is asked for something that it does not know");
    }
}

int freebsd_runner(struct hozo_ctx *ctx)
{
    struct hozo_task *task = hozo_task(ctx);
    struct jail j;
    struct runner r = {.jail = &j};
    int done;

    if (!task)
        return -1;
    done = begin(ctx, &j, &r) < 0 ? -1 : carry_out(&r, task);
    jail_free(&j);
    return done;
}

/* Nothing has been done where nothing is kept. */
int freebsd_cleanup(struct hozo_ctx *ctx)
{
    struct jail j;
    struct runner r = {.jail = &j};
    int done;

    if (!hozo_state_get(ctx, NULL))
        return 0;
    done = begin(ctx, &j, &r) < 0 ? -1 : runner_undo(&r);
    jail_free(&j);
    return done;
}
