/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in which `start` will make the container's NOTIFY_SOCKET. */
#include "core/notify.h"

#include <linux/mount.h>

#include "core/linux/bind.h"

/* A plan is made, and shown, before there is a place for the state. */
#define NO_ROOT "/run/hozo"

int compile_notify(struct compile *p, struct error *err)
{
    static const struct mount_options options = {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                                        MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    auto_free char *source = NULL;

    if (!p->c->state.notify_socket)
        return 0;
    if (p->joins_mounts)
        return fail(err, 0, NULL,
                    "NOTIFY_SOCKET is not possible in a mount namespace that is joined");
    if (asprintf(&source, "%s/%s/" NOTIFY_DIRECTORY, p->c->root ? p->c->root : NO_ROOT,
                 p->c->state.id) < 0)
        return fail_memory(err);
    return compile_bind(
        p, &(struct bind){.target = NOTIFY_TARGET, .source = STR(source), .options = &options},
        err);
}
