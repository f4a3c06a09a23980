/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>

int record_write(struct hozo_ctx *ctx, const struct record *r)
{
    char json[8192];
    int n =
        snprintf(json, sizeof json,
                 "{\"card\":%u,\"total\":%u,\"pool\":\"%s\",\"holder\":\"%s\",\"cores\":\"%s\"}",
                 r->card, r->total, r->pool, r->holder, r->cores);

    if (n < 0 || (size_t)n >= sizeof json)
        return hozo_error(ctx, 0, NULL, "com.acme.npu: the record is too long");
    /* A path that JSON would have to escape is refused there. */
    return hozo_state_set(ctx, json, (size_t)n);
}

static const char *text(struct hozo_ctx *ctx, const char *member)
{
    struct hozo_cursor at;

    return hozo_state_find(ctx, NULL, member, &at) == 1 ? hozo_as_string(ctx, &at) : "";
}

static uint32_t number(struct hozo_ctx *ctx, const char *member)
{
    struct hozo_cursor at;

    return hozo_state_find(ctx, NULL, member, &at) == 1 ? (uint32_t)hozo_as_uint(ctx, &at) : 0;
}

int record_read(struct hozo_ctx *ctx, struct record *r)
{
    size_t size;

    if (!hozo_state_get(ctx, &size))
        return 0;
    r->card = number(ctx, "card");
    r->total = number(ctx, "total");
    r->pool = text(ctx, "pool");
    snprintf(r->holder, sizeof r->holder, "%s", text(ctx, "holder"));
    snprintf(r->cores, sizeof r->cores, "%s", text(ctx, "cores"));
    return 1;
}
