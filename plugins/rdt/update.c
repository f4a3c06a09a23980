/* SPDX-License-Identifier: Apache-2.0 */
/* Other lines while the container exists: all of them, or none. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <fcntl.h>

/* Of the one update of this execution, for its update_undo. */
static char *replaced;

static int write_all(struct lines *l)
{
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(l->ctx, i, &w) == 1; i++)
        if (lines_write(l, &w) < 0) {
            lines_undo(l);
            return -1;
        }
    return 0;
}

/* The container's class; the name is the state's. */
static int begin(struct hozo_ctx *ctx, struct lines *l)
{
    struct record record = {0};

    *l = (struct lines){.ctx = ctx, .class = -1};
    l->root = rdt_record_open(ctx, &record);
    place_free(&record.place);
    if (l->root < 0)
        return -1;
    l->name = record.class;
    l->class = resctrl_lock(l->root);
    if (!l->class)
        l->class = resctrl_open(l->root, beneath(l->name), O_RDONLY | O_DIRECTORY);
    return l->class < 0 ? hozo_error(ctx, -l->class, RDT, "%s", shown(l->name)) : 0;
}

static void end(struct lines *l)
{
    lines_end(l);
    rdt_close_fd(&l->class);
    rdt_close_fd(&l->root);
}

int rdt_update_apply(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(end))) struct lines l;
    struct hozo_work w = {.size = sizeof(w)};

    if (hozo_next_work(ctx, 0, &w) != 1) {
        l = (struct lines){.root = -1, .class = -1};
        return 0;
    }
    if (begin(ctx, &l) < 0 || write_all(&l) < 0)
        return -1;
    free(replaced);
    replaced = l.undo;
    l.undo = NULL;
    return 0;
}

int rdt_update_undo(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(end))) struct lines l = {.root = -1, .class = -1};

    if (!replaced)
        return 0;
    if (begin(ctx, &l) < 0)
        return -1;
    l.undo = replaced;
    replaced = NULL;
    return lines_undo(&l) < 0 ? hozo_error(ctx, 0, RDT, "not all of the schemata is as it was") : 0;
}
