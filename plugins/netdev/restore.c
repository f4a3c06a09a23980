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

static bool finds_named(struct netlink *n, const struct device *d, const char *name, struct link *l)
{
    return !link_by_name(n, name, l) && !strcmp(l->identity, d->link.identity);
}

/* Its number is its own, but that somebody had it by then. */
static bool finds_here(struct restoring *r, const struct device *d, struct link *l)
{
    return finds(&r->host, d, d->index, l) || finds_named(&r->host, d, d->name, l);
}

/* The number, which was free there, is its own until it leaves, while a hook may have given it another address, and
 * so does who takes it out of a bond. It is the kernel's choice before Linux 5.13. */
static bool finds_there(struct restoring *r, const struct device *d, struct link *l)
{
    return r->target.sock &&
           ((!link_by_index(&r->target, d->there, l) && link_same_kind(l, &d->link)) ||
            finds_named(&r->target, d, d->to, l));
}

/* It is moved, and has its number, its name and its address again. That of a bond's the bond gives. */
static int bring_back(struct restoring *r, const struct device *d, const struct link *there)
{
    struct link_change c = {
        .index = there->index, .ns = r->own, .new_index = d->index, .name = d->name};
    int error;

    if (!d->link.master && strcmp(there->address, d->link.address))
        c.address = d->link.address;
    error = link_change(&r->target, &c);
    if (error == -EBUSY) {
        c.new_index = 0; /* somebody has its number by now */
        error = link_change(&r->target, &c);
    }
    return error < 0 ? failed(r, error, &r->target, d, "moving back") : 0;
}

/* --- what it was -------------------------------------------------------------------------------- */

static int restore_master(struct restoring *r, const struct device *d, const struct link *here)
{
    struct link_change c = {.index = here->index, .master = d->link.master};
    struct link master auto_link = {0};
    int error;

    if (!c.master || here->master)
        return 0;
    if (link_by_index(&r->host, c.master, &master) == -ENODEV) {
        hozo_log(r->ctx, HOZO_LOG_WARNING, "%s: the device that it belonged to is gone", d->name);
        return 0;
    }
    error = link_change(&r->host, &c);
    return error < 0 ? failed(r, error, &r->host, d, "giving its bridge or bond back to") : 0;
}

static int restore_addresses(struct restoring *r, const struct device *d, const struct link *here)
{
    struct address_move to = {.index = here->index, .old = d->name, .new = d->name};
    int error = addresses_restore(&r->host, &d->addresses, &to);

    return error < 0 ? hozo_error(r->ctx, -error, NET_DEVICES, "giving %s its address %s back%s",
                                  d->name, to.which, r->host.said)
                     : 0;
}

static int restore_state(struct restoring *r, const struct device *d, const struct link *here)
{
    struct link_change c = {.index = here->index, .up = 1};
    int error = d->link.flags & IFF_UP ? link_change(&r->host, &c) : 0;

    return error < 0 ? failed(r, error, &r->host, d, "setting up") : 0;
}

/* What cannot be restored does not keep the rest: without one address the host shall not be without its routes. */
static int restore_settings(struct restoring *r, const struct device *d, const struct link *here)
{
    struct link_change c = {.index = here->index, .name = d->name};
    int error = strcmp(here->name, d->name) ? link_change(&r->host, &c) : 0, result;
    size_t missing;

    if (error < 0)
        return failed(r, error, &r->host, d, "renaming");
    result = restore_master(r, d, here);
    result |= restore_addresses(r, d, here);
    result |= restore_state(r, d, here);
    if ((missing = routes_restore(&r->host, &d->routes)))
        hozo_log(r->ctx, HOZO_LOG_WARNING, "%s: %zu routes could not be restored%s", d->name,
                 missing, r->host.said);
    return result;
}

/* The host comes first: who lives in a joined namespace could make a device that looks the same. */
static int restore_device(struct restoring *r, const struct device *d)
{
    struct link l auto_link = {0};
    int error;

    if (!d->away)
        return 0;
    if (finds_here(r, d, &l))
        return restore_settings(r, d, &l);
    if (!finds_there(r, d, &l)) {
        hozo_log(r->ctx, HOZO_LOG_WARNING, "%s is gone with the container's network namespace",
                 d->name);
        return 0;
    }
    if (bring_back(r, d, &l) < 0)
        return -1;
    error = link_by_name(&r->host, d->name, &l);
    return error < 0 ? failed(r, error, &r->host, d, "finding again") : restore_settings(r, d, &l);
}

/* Those that the kernel has brought back may have each other's names, as they had in the container: none of them
 * keeps it while the others get theirs. */
static int make_way(struct restoring *r, const struct device *d)
{
    struct link l auto_link = {0};
    struct link_change c = {.name = "hozo%d"};
    int error;

    if (!d->away || !finds_here(r, d, &l) || !strcmp(l.name, d->name))
        return 0;
    c.index = l.index;
    error = link_change(&r->host, &c);
    return error < 0 ? failed(r, error, &r->host, d, "renaming") : 0;
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

static int restore_all(struct restoring *r)
{
    int result = 0;

    if (open_namespaces(r) < 0)
        return -1;
    for (size_t i = 0; i < r->record.n; i++)
        if (make_way(r, &r->record.at[i]) < 0)
            result = -1;
    for (size_t i = 0; i < r->record.n; i++)
        if (restore_device(r, &r->record.at[i]) < 0)
            result = -1;
    return result;
}

/* Killed in here as well, it begins anew: what is there already stays as it is. */
int netdev_cleanup(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(restoring_end))) struct restoring r = {.ctx = ctx, .own = -1};
    int found = moves_read(ctx, &r.record);

    if (found <= 0)
        return found;
    /* Without it nothing has been moved yet, or everything is back. */
    if (!access(r.record.pin, F_OK) && restore_all(&r) < 0)
        return -1;
    return let_go(ctx, &r.record);
}

/* The container has been created completely. */
int netdev_settle(struct hozo_ctx *ctx)
{
    struct record record auto_record = {0};
    int found = moves_read(ctx, &record);

    return found <= 0 ? found : let_go(ctx, &record);
}
