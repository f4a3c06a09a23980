/* SPDX-License-Identifier: Apache-2.0 */
/* The callbacks of `update`: all of it, or nothing. */
#include "plugins/cgroup/resources.h"

#include <fcntl.h>
#include <string.h>

static void planning_free(struct planning *p)
{
    hierarchies_free(&p->all);
}

int cgroup_update(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(planning_free))) struct planning p = {.ctx = ctx, .update = true};
    struct hozo_cursor at;
    int found = hozo_changed(ctx, NULL, RESOURCES, &at);

    if (found < 1)
        return found;
    return hierarchies_recorded(ctx, &p.all) < 0 ? -1 : resources_plan_update(&p);
}

/* Of the one update of this execution, for its update_undo. */
static struct journal journal;

static int enter(struct writing *w, const struct hozo_work *work)
{
    writing_end(w);
    w->directory = work->value;
    w->dir = cgroup_open(work->value, O_RDONLY);
    return w->dir < 0 ? hozo_error(w->ctx, -w->dir, work->path, "%s", work->value) : 0;
}

static int carry_out(struct writing *w)
{
    struct hozo_work work = {.size = sizeof(work)};

    for (size_t i = 0; hozo_next_work(w->ctx, i, &work) == 1; i++) {
        int r = strcmp(work.what, WORK_ENTER) ? write_work(w, &work) : enter(w, &work);

        if (r < 0)
            return -1;
    }
    return 0;
}

int cgroup_update_apply(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(writing_end))) struct writing w;
    int r;

    writing_begin(&w, ctx);
    w.journal = &journal;
    r = carry_out(&w);
    if (r < 0)
        journal_undo(&journal, ctx);
    return r;
}

int cgroup_update_undo(struct hozo_ctx *ctx)
{
    return journal_undo(&journal, ctx) < 0
               ? hozo_error(ctx, 0, NULL, "not all limits are as they were")
               : 0;
}
