/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First everything is looked at, then it is written down, then it is done. What fails in between is undone by
 * cleanup, which finds in the state what was there.
 */
#include "plugins/netdev/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "plugins/netdev/address.h"
#include "plugins/netdev/names.h"
#include "plugins/netdev/route.h"

struct moving {
    struct hozo_ctx *ctx;
    struct record record;
    struct netlink host, target;
    int ns; /* the container's */
};

static void moving_end(struct moving *m)
{
    moves_free(&m->record);
    netlink_close(&m->host);
    netlink_close(&m->target);
}

static int refused(struct moving *m, int r, const struct netlink *n, const struct device *d,
                   const char *what)
{
    return hozo_error(m->ctx, -r, d->path, "%s %s%s", what, d->name, n->said);
}

/* --- the plan ----------------------------------------------------------------------------------- */

static int read_work(struct moving *m)
{
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(m->ctx, i, &w) == 1; i++) {
        const char *as = strstr(w.value, WORK_AS);
        struct device *d = as ? moves_add(&m->record) : NULL;

        if (!d || !(d->path = strdup(w.path)))
            return hozo_error(m->ctx, as ? ENOMEM : 0, w.path, "work");
        snprintf(d->name, sizeof(d->name), "%.*s", (int)(as - w.value), w.value);
        snprintf(d->to, sizeof(d->to), "%s", as + strlen(WORK_AS));
    }
    return 0;
}

/* --- looking at the host ------------------------------------------------------------------------ */

/* In a user namespace root is not root over a network namespace that was there before. */
static int own_namespace(struct moving *m)
{
    int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), owner, r = 0;

    if (ns < 0)
        return hozo_error(m->ctx, errno, NET_DEVICES, "open /proc/self/ns/net");
    m->record.host = namespace_inode(ns);
    owner = ioctl(ns, NS_GET_USERNS);
    if (owner < 0 && errno == EPERM)
        r = hozo_error(m->ctx, 0, NET_DEVICES,
                       "hozo runs in a user namespace to which the host's network does not belong");
    if (owner >= 0)
        close(owner);
    close(ns);
    return r;
}

static int look_at_device(struct moving *m, struct device *d)
{
    int r = link_by_name(&m->host, d->name, &d->link);

    if (r == -ENODEV)
        return hozo_error(m->ctx, 0, d->path, "the host has no network device of this name");
    if (r < 0)
        return refused(m, r, &m->host, d, "looking at");
    if (strcmp(d->link.name, d->name))
        return hozo_error(m->ctx, 0, d->path, "is only an alternative name of the device %s",
                          d->link.name);
    if (d->link.flags & IFF_LOOPBACK)
        return hozo_error(m->ctx, 0, d->path,
                          "is the loopback device, which belongs to its network namespace");
    if (d->link.immutable)
        return hozo_error(m->ctx, 0, d->path,
                          "this kind of device cannot leave its network namespace");
    d->index = d->link.index;
    return 0;
}

static int read_settings(struct moving *m, const struct messages *addresses, struct device *d)
{
    int r = addresses_of(addresses, d->index, &d->addresses);

    if (r < 0)
        return refused(m, r, &m->host, d, "reading the addresses of");
    if ((r = routes_read(&m->host, d->index, &d->routes)) < 0)
        return refused(m, r, &m->host, d, "reading the routes over");
    if (r)
        hozo_log(m->ctx, HOZO_LOG_WARNING,
                 "%s: only %d of the routes over it would come back after a failure", d->name,
                 ROUTES_MAX);
    return 0;
}

static int look_at_devices(struct moving *m)
{
    struct messages addresses auto_messages = {0};
    int r;

    for (size_t i = 0; i < m->record.n; i++)
        if (look_at_device(m, &m->record.at[i]) < 0)
            return -1;
    if ((r = addresses_read(&m->host, &addresses)) < 0)
        return hozo_error(m->ctx, -r, NET_DEVICES, "reading addresses%s", m->host.said);
    for (size_t i = 0; i < m->record.n; i++)
        if (read_settings(m, &addresses, &m->record.at[i]) < 0)
            return -1;
    return 0;
}

static int look_at_host(struct moving *m)
{
    int r;

    if (own_namespace(m) < 0)
        return -1;
    if ((r = netlink_open(&m->host, -1)) < 0)
        return hozo_error(m->ctx, -r, NET_DEVICES, "netlink");
    return look_at_devices(m);
}

/* --- looking at the container ------------------------------------------------------------------- */

static int name_is_free(struct moving *m, const struct device *d, const char *name)
{
    struct link there auto_link = {0};
    int r = link_by_name(&m->target, name, &there);

    if (!r)
        return hozo_error(m->ctx, 0, d->path,
                          "a device \"%s\" exists in the container's network namespace", name);
    return r == -ENODEV ? 0 : refused(m, r, &m->target, d, "looking for a name for");
}

/* Names and alternative names are of one kind; those of devices that move together must differ as well. */
static int names_are_free(struct moving *m, const struct device *d)
{
    const char *name;

    if (!name_is_template(d->to) && name_is_free(m, d, d->to) < 0)
        return -1;
    for (size_t i = 0; (name = link_alternative(&d->link, i)); i++) {
        if (name_is_free(m, d, name) < 0)
            return -1;
        for (size_t k = 0; k < m->record.n; k++)
            if (!strcmp(m->record.at[k].to, name))
                return hozo_error(m->ctx, 0, m->record.at[k].path,
                                  "\"%s\" is an alternative name of %s", name, d->name);
    }
    return 0;
}

/* 1, 0, or -errno. */
static int is_taken(struct moving *m, const struct device *d, int index)
{
    struct link there auto_link = {0};
    int r;

    for (size_t i = 0; i < m->record.n; i++)
        if (&m->record.at[i] != d && m->record.at[i].there == index)
            return 1;
    r = link_by_index(&m->target, index, &there);
    return r == -ENODEV ? 0 : r ? r : 1;
}

/* By its number the device is found again, whatever the kernel makes of a template: the one that it
 * has, if that is free there. */
static int choose_index(struct moving *m, struct device *d)
{
    int index = d->index, next = 2, r;

    while ((r = is_taken(m, d, index)) > 0)
        index = next++;
    d->there = index;
    return r < 0 ? refused(m, r, &m->target, d, "looking for a number for") : 0;
}

static int look_at_target(struct moving *m)
{
    int r;

    if ((m->ns = hozo_namespace(m->ctx, "network")) < 0)
        return -1;
    m->record.container = namespace_inode(m->ns);
    if (m->record.container == m->record.host)
        return hozo_error(m->ctx, 0, NET_DEVICES,
                          "the container's network namespace is the host's");
    if ((r = netlink_open(&m->target, m->ns)) < 0)
        return hozo_error(m->ctx, -r, NET_DEVICES, "the container's network namespace");
    for (size_t i = 0; i < m->record.n; i++)
        if (names_are_free(m, &m->record.at[i]) < 0 || choose_index(m, &m->record.at[i]) < 0)
            return -1;
    return 0;
}

/* --- doing it ----------------------------------------------------------------------------------- */

static int write_down(struct moving *m)
{
    int r = *m->record.pin ? 0 : pin_choose(m->record.pin);

    return r < 0 ? hozo_error(m->ctx, -r, NET_DEVICES, "random number")
                 : moves_write(m->ctx, &m->record);
}

static int hold_namespace(struct moving *m)
{
    int r = pin_make(m->record.pin, m->ns);

    return r < 0 ? hozo_error(m->ctx, -r, NET_DEVICES,
                              "mounting the container's network namespace on %s", m->record.pin)
                 : 0;
}

/*
 * In one request: the kernel moves a device under the name that it has, or if that is taken there under the new
 * one, and then renames it. So devices may swap their names, and take names that others have had.
 */
static int move(struct moving *m, struct device *d)
{
    int r, tries = 0;

    d->away = true;
    for (;;) {
        struct link_change c = {
            .index = d->index, .ns = m->ns, .new_index = d->there, .name = d->to};

        if (write_down(m) < 0)
            return -1;
        r = link_change(&m->host, &c);
        /* Another one that lives there has got this number meanwhile. */
        if (r != -EBUSY || tries++ == 10)
            break;
        if (choose_index(m, d) < 0)
            return -1;
    }
    /* Somebody else has moved it, perhaps to the same place, and it is theirs. */
    if (r == -ENODEV) {
        d->away = false;
        write_down(m);
    }
    /* What look_at_device() cannot see before Linux 6.15. */
    if (r == -EINVAL)
        return hozo_error(m->ctx, EINVAL, d->path,
                          "moving %s, of a kind that perhaps cannot leave its network namespace%s",
                          d->name, m->host.said);
    return r < 0 ? refused(m, r, &m->host, d, "moving") : 0;
}

/* Before Linux 5.13 the kernel chooses the number itself if it has to be another one. */
static int find_moved(struct moving *m, struct device *d, struct link *l)
{
    int r = link_by_index(&m->target, d->there, l);

    if (r == -ENODEV && !name_is_template(d->to))
        r = link_by_name(&m->target, d->to, l);
    if (r < 0)
        return refused(m, r, &m->target, d, "finding again");
    d->there = l->index;
    return 0;
}

static int set_up(struct moving *m, struct device *d)
{
    struct link l auto_link = {0};
    struct address_move to = {.old = d->name, .new = l.name};
    struct link_change c = {.up = 1};
    int r;

    if (find_moved(m, d, &l) < 0)
        return -1;
    to.index = c.index = d->there;
    if ((r = addresses_bring(&m->target, &d->addresses, &to)) < 0)
        return hozo_error(m->ctx, -r, d->path, "giving %s the address %s%s", l.name, to.which,
                          m->target.said);
    r = link_change(&m->target, &c);
    return r < 0 ? refused(m, r, &m->target, d, "setting up") : 0;
}

/* Templates come last: what they become depends on the names that are there. */
static int move_all(struct moving *m)
{
    for (int templates = 0; templates < 2; templates++)
        for (size_t i = 0; i < m->record.n; i++)
            if (name_is_template(m->record.at[i].to) == templates && move(m, &m->record.at[i]) < 0)
                return -1;
    for (size_t i = 0; i < m->record.n; i++)
        if (set_up(m, &m->record.at[i]) < 0)
            return -1;
    return 0;
}

int netdev_attach(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(moving_end))) struct moving m = {.ctx = ctx, .ns = -1};

    if (read_work(&m) < 0 || look_at_host(&m) < 0 || look_at_target(&m) < 0 || write_down(&m) < 0 ||
        hold_namespace(&m) < 0)
        return -1;
    return move_all(&m);
}
