/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between prepare and attach: the class is as the container wants it, and nobody is in it yet. Who looks there in that
 * time finds it unused, so the lock of prepare is kept; and while it is, what prepare has written can be put back.
 */
#include "plugins/rdt/rdt.h"

#include <sys/file.h>

/* Of the one container that this execution makes. */
static struct lines kept = {.root = -1, .class = -1};

void rdt_entry_begin(struct lines *l)
{
    rdt_entry_end();
    kept = *l;
    *l = (struct lines){.root = -1, .class = -1};
}

/* The lock not by close(2) alone: whoever has been forked meanwhile would hold it as well. */
void rdt_entry_end(void)
{
    if (kept.root >= 0)
        flock(kept.root, LOCK_UN);
    rdt_close_fd(&kept.root);
    rdt_close_fd(&kept.class);
    lines_end(&kept);
    kept.root = kept.class = -1;
}

void rdt_entry_undo(struct hozo_ctx *ctx, const char *name)
{
    kept.ctx = ctx;
    kept.name = name;
    lines_undo(&kept);
    rdt_entry_end();
}
