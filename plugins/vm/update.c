/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's memory is what it was when the machine was made: a limit may grow, but not below that. */
#include <inttypes.h>

#include "plugins/vm/vm.h"

static int find_kept(struct hozo_ctx *ctx, const char *name, uint64_t *number)
{
    struct hozo_cursor at;
    int found = hozo_state_find(ctx, NULL, name, &at);

    *number = found > 0 ? hozo_as_uint(ctx, &at) : 0;
    return found < 0 ? -1 : 0;
}

int vm_update(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    uint64_t memory, overhead;
    int64_t limit;
    int found = hozo_changed(ctx, NULL, VM_MEMORY_LIMIT, &at);

    if (found <= 0)
        return found;
    if (find_kept(ctx, "memory", &memory) < 0 || find_kept(ctx, "overhead", &overhead) < 0)
        return -1;
    limit = hozo_as_int(ctx, &at);
    /* The core has added what the machine needs beside the guest's memory. */
    if (limit < 0 || (uint64_t)limit >= memory + overhead)
        return 0;
    return hozo_error(
        ctx, 0, VM_MEMORY_LIMIT,
        "the machine has %" PRIu64 " bytes of memory, of which none can be taken away", memory);
}
