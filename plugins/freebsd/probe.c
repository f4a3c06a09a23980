/* SPDX-License-Identifier: Apache-2.0 */
/* Before anything is made: a jail is made by FreeBSD. */
#include "plugins/freebsd/freebsd.h"

int freebsd_probe(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, FREEBSD, &at);

    return found <= 0 ? found : hozo_error(ctx, 0, FREEBSD, "this host is not FreeBSD");
}
