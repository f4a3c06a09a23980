/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the devices behind attach. Once the container has been created completely they are its own,
 * and the kernel decides where they go when it ends (config-linux.md, Namespace Lifecycle and Container
 * Termination). Before, they come back.
 */
#include "plugins/netdev/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "plugins/netdev/address.h"
#include "plugins/netdev/route.h"

struct restoring {
    struct hozo_ctx *ctx;
    struct record record;
    struct netlink host, target; /* target.sock is NULL: the namespace is gone */
    int own;                     /* hozo's namespace */
};

static void restoring_end(struct restoring *r)
{
    moves_free(&r->record);
    netlink_close(&r->host);
    netlink_close(&r->target);
    if (r->own >= 0)
        close(r->own);
}

static int failed(struct restoring *r, int error, const struct netlink *n, const struct device *d,
                  const char *what)
{
    return hozo_error(r->ctx, -error, NET_DEVICES, "%s %s%s", what, d->name, n->said);
}

/* --- where it is -------------------------------------------------------------------------------- */

static bool finds(struct netlink *n, const struct device *d, int index, struct link *l)
{
    return !link_by_index(n, index, l) && !strcmp(l->identity, d->link.identity);
}

static bool finds_in_container(struct netlink *n, const struct device *d, struct link *l)
{
    return finds(n, d, d->there, l) ||
           (!link_by_name(n, d->to, l) && !strcmp(l->identity, d->link.identity));
}

/* It is moved, and has its number and its name again. */
static int bring_back(struct restoring *r, const struct device *d, const struct link *there)
{
    struct link_change c = {
        .index = there->index, .ns = r->own, .new_index = d->index, .name = d->name};
    int error;

    error = link_change(&r->target, &c);
    if (error == -EBUSY) {
        c.new_index = 0; /* somebody has its number by now */
        error = link_change(&r->target, &c);
    }
    return error < 0 ? failed(r, error, &r->target, d, "moving back") : 0;
}

/* --- what it was -------------------------------------------------------------------------------- */

static int restore_settings(struct restoring *r, const struct device *d, const struct link *here)
{
    struct address_move to = {.index = here->index, .old = d->name, .new = d->name};
    struct link_change c = {.index = here->index, .master = here->master ? 0 : d->link.master};
    size_t missing;
    int error;

    if (strcmp(here->name, d->name))
        c.name = d->name;
    if ((c.name || c.master) && (error = link_change(&r->host, &c)) < 0)
        return failed(r, error, &r->host, d, "restoring");
    if ((error = addresses_restore(&r->host, &d->addresses, &to)) < 0)
        return hozo_error(r->ctx, -error, NET_DEVICES, "giving %s its address %s back%s", d->name,
                          to.which, r->host.said);
    c = (struct link_change){.index = here->index, .up = d->link.flags & IFF_UP ? 1 : 0};
    if (c.up && (error = link_change(&r->host, &c)) < 0)
        return failed(r, error, &r->host, d, "setting up");
    if ((missing = routes_restore(&r->host, &d->routes)))
        hozo_log(r->ctx, HOZO_LOG_WARNING, "%s: %zu routes could not be restored%s", d->name,
                 missing, r->host.said);
    return 0;
}

static int restore_device(struct restoring *r, const struct device *d)
{
    struct link l auto_link = {0};

    if (r->target.sock && finds_in_container(&r->target, d, &l)) {
        if (bring_back(r, d, &l) < 0)
            return -1;
        if (link_by_name(&r->host, d->name, &l) < 0)
            return failed(r, -ENODEV, &r->host, d, "finding again");
    } else if (!finds(&r->host, d, d->index, &l)) {
        hozo_log(r->ctx, HOZO_LOG_WARNING, "%s is gone with the container's network namespace",
                 d->name);
        return 0;
    } else if (!strcmp(l.name, d->name) && (l.flags & IFF_UP) == (d->link.flags & IFF_UP) &&
               l.flags & IFF_UP) {
        return 0; /* it has never been away */
    }
    return restore_settings(r, d, &l);
}

/* --- callbacks ---------------------------------------------------------------------------------- */

static int open_namespaces(struct restoring *r)
{
    int ns, error;

    r->own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (r->own < 0)
        return hozo_error(r->ctx, errno, NET_DEVICES, "open /proc/self/ns/net");
    if (namespace_inode(r->own) != r->record.host)
        return hozo_error(
            r->ctx, 0, NET_DEVICES,
            "the devices came from another network namespace than that in which hozo runs now");
    if ((error = netlink_open(&r->host, -1)) < 0)
        return hozo_error(r->ctx, -error, NET_DEVICES, "netlink");
    if ((ns = pin_open(r->record.pin, r->record.container)) < 0)
        return 0;
    error = netlink_open(&r->target, ns);
    close(ns);
    return error < 0 ? hozo_error(r->ctx, -error, NET_DEVICES, "the container's network namespace")
                     : 0;
}

static int let_go(struct hozo_ctx *ctx, const struct record *record)
{
    int r = pin_remove(record->pin);

    return r < 0 ? hozo_error(ctx, -r, NET_DEVICES, "unmounting %s", record->pin)
                 : moves_close(ctx);
}

int netdev_cleanup(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(restoring_end))) struct restoring r = {.ctx = ctx, .own = -1};
    int found = moves_read(ctx, &r.record), result = 0;

    if (found <= 0)
        return found;
    if (open_namespaces(&r) < 0)
        return -1;
    for (size_t i = 0; i < r.record.n; i++)
        if (restore_device(&r, &r.record.at[i]) < 0)
            result = -1;
    return result < 0 ? -1 : let_go(ctx, &r.record);
}

/* The container has been created completely. */
int netdev_settle(struct hozo_ctx *ctx)
{
    struct record record auto_record = {0};
    int found = moves_read(ctx, &record);

    return found <= 0 ? found : let_go(ctx, &record);
}
