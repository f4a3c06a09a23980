/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/route/link.h>

/* Of linux/if_link.h since Linux 6.15. */
#define NETNS_IMMUTABLE 67

void link_free(struct link *l)
{
    messages_cut(&l->message, 0);
}

static struct nlattr *attribute(const struct link *l, int type)
{
    return nlmsg_find_attr(l->message.at[0], sizeof(struct ifinfomsg), type);
}

/* A bond and whoever may give a device another address leave it the one that its driver has found. */
static void identify(struct link *l, struct rtnl_link *known)
{
    struct nlattr *own =
        attribute(l, IFLA_PERM_ADDRESS); /* libnl 3.7 has it, but no function for it */
    struct nl_addr *permanent = own ? nl_addr_alloc_attr(own, AF_UNSPEC) : NULL;
    const char *kind = rtnl_link_get_type(known);
    char text[sizeof(l->address)];

    nl_addr2str(rtnl_link_get_addr(known), l->address, sizeof(l->address));
    nl_addr2str(permanent ? permanent : rtnl_link_get_addr(known), text, sizeof(text));
    snprintf(l->identity, sizeof(l->identity), "%.30s %s", kind ? kind : "device", text);
    nl_addr_put(permanent);
}

bool link_same_kind(const struct link *a, const struct link *b)
{
    return !strncmp(a->identity, b->identity, strcspn(a->identity, " ") + 1);
}

static int read_link(struct link *l)
{
    struct rtnl_link *known =
        l->message.n == 1 ? (struct rtnl_link *)message_object(l->message.at[0]) : NULL;

    if (!known)
        return -EPROTO;
    identify(l, known);
    snprintf(l->name, sizeof(l->name), "%s", rtnl_link_get_name(known));
    l->index = rtnl_link_get_ifindex(known);
    l->flags = rtnl_link_get_flags(known);
    l->master = rtnl_link_get_master(known);
    l->immutable = attribute(l, NETNS_IMMUTABLE) && nla_get_u8(attribute(l, NETNS_IMMUTABLE));
    rtnl_link_put(known);
    return 0;
}

/* rtnl_link_get_kernel() would ask for all virtual functions as well, of which a device may have more than an answer
 * can hold, could not find a long alternative name, and gives away what libnl does not know. */
static int get(struct netlink *n, int index, const char *name, struct link *l)
{
    struct ifinfomsg header = {.ifi_index = index};
    struct nl_msg *msg = netlink_request(RTM_GETLINK, 0, &header, sizeof(header));
    int r;

    link_free(l);
    if (name)
        netlink_put_string(&msg, strlen(name) < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
    netlink_put_u32(&msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    r = netlink_ask(n, msg, &l->message);
    return r < 0 ? r : read_link(l);
}

int link_by_name(struct netlink *n, const char *name, struct link *l)
{
    return get(n, 0, name, l);
}

int link_by_index(struct netlink *n, int index, struct link *l)
{
    return get(n, index, NULL, l);
}

const char *link_alternative(const struct link *l, size_t i)
{
    struct nlattr *list = attribute(l, IFLA_PROP_LIST), *at;
    int left;

    if (!list)
        return NULL;
    nla_for_each_nested(at, list, left)
    {
        if (nla_type(at) == IFLA_ALT_IFNAME && !i--)
            return nla_get_string(at);
    }
    return NULL;
}

static void set_address(struct rtnl_link *wanted, const char *text)
{
    struct nl_addr *address;

    if (nl_addr_parse(text, AF_LLC, &address) < 0)
        return;
    rtnl_link_set_addr(wanted, address);
    nl_addr_put(address);
}

int link_change(struct netlink *n, const struct link_change *c)
{
    struct rtnl_link *which = rtnl_link_alloc(), *wanted = rtnl_link_alloc();
    struct nl_msg *msg = NULL;

    if (which && wanted) {
        rtnl_link_set_ifindex(which, c->index);
        if (c->ns)
            rtnl_link_set_ns_fd(wanted, c->ns);
        if (c->name)
            rtnl_link_set_name(wanted, c->name);
        if (c->address)
            set_address(wanted, c->address);
        if (c->master)
            rtnl_link_set_master(wanted, c->master);
        if (c->up)
            rtnl_link_set_flags(wanted, IFF_UP);
        rtnl_link_build_change_request(which, wanted, NLM_F_ACK, &msg);
    }
    rtnl_link_put(which);
    rtnl_link_put(wanted);
    /* What libnl makes could also make a device. */
    if (msg)
        nlmsg_hdr(msg)->nlmsg_type = RTM_SETLINK;
    if (c->new_index)
        netlink_put_u32(&msg, IFLA_NEW_IFINDEX, (uint32_t)c->new_index);
    return netlink_ask(n, msg, NULL);
}
