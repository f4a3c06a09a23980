/* SPDX-License-Identifier: Apache-2.0 */
/* A process, the first or one of `exec`, into its class and the group that monitors it. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int put(struct hozo_ctx *ctx, int root, const struct hozo_work *w, int32_t pid)
{
    char text[16];
    int r;

    snprintf(text, sizeof(text), "%d\n", pid);
    r = resctrl_write(root, beneath(w->value), text);
    return r < 0 ? resctrl_fail(ctx, root, -r, w->path, "%s", shown(w->value)) : 0;
}

static int put_all(struct hozo_ctx *ctx, int root)
{
    struct hozo_work w = {.size = sizeof(w)};
    int32_t pid;
    int pidfd;

    if (root < 0 || hozo_process(ctx, &pid, &pidfd) < 0)
        return -1;
    for (size_t i = 0; hozo_next_work(ctx, i, &w) == 1; i++)
        if (work_is(&w, WORK_TASKS) && put(ctx, root, &w, pid) < 0)
            return -1;
    return 0;
}

int rdt_attach(struct hozo_ctx *ctx)
{
    struct record record = {0};
    auto_close int root = rdt_record_open(ctx, &record);
    int r = put_all(ctx, root);

    place_free(&record.place);
    if (!r)
        rdt_entry_end();
    return r;
}
