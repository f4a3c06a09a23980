/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

/* Of linux/if_link.h since Linux 6.15. */
#define NETNS_IMMUTABLE 67

void link_free(struct link *l)
{
    messages_cut(&l->message, 0);
}

static void identify(struct link *l, struct nlattr **tb)
{
    struct nlattr *info[IFLA_INFO_MAX + 1] = {0};
    const unsigned char *address = tb[IFLA_ADDRESS] ? nla_data(tb[IFLA_ADDRESS]) : NULL;
    int n = address ? nla_len(tb[IFLA_ADDRESS]) : 0, at;

    if (tb[IFLA_LINKINFO])
        nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL);
    at = snprintf(l->identity, sizeof(l->identity), "%.31s",
                  info[IFLA_INFO_KIND] ? nla_get_string(info[IFLA_INFO_KIND]) : "device");
    for (int i = 0; i < n && i < 32; i++)
        at += snprintf(l->identity + at, sizeof(l->identity) - (size_t)at, "%c%02x", i ? ':' : ' ',
                       address[i]);
}

static int read_link(struct link *l)
{
    struct nlattr *tb[NETNS_IMMUTABLE + 1];
    struct nlmsghdr *h = l->message.n == 1 ? l->message.at[0] : NULL;
    const struct ifinfomsg *header;

    if (!h || nlmsg_parse(h, sizeof(*header), tb, NETNS_IMMUTABLE, NULL) < 0 || !tb[IFLA_IFNAME])
        return -EPROTO;
    header = NLMSG_DATA(h);
    l->index = header->ifi_index;
    l->flags = header->ifi_flags;
    l->master = tb[IFLA_MASTER] ? (int)nla_get_u32(tb[IFLA_MASTER]) : 0;
    l->immutable = tb[NETNS_IMMUTABLE] && nla_get_u8(tb[NETNS_IMMUTABLE]);
    nla_strlcpy(l->name, tb[IFLA_IFNAME], sizeof(l->name));
    identify(l, tb);
    return 0;
}

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
    struct nlattr *tb[IFLA_MAX + 1], *at;
    int left;

    if (nlmsg_parse(l->message.at[0], sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0 ||
        !tb[IFLA_PROP_LIST])
        return NULL;
    nla_for_each_nested(at, tb[IFLA_PROP_LIST], left) if (nla_type(at) == IFLA_ALT_IFNAME &&
                                                          !i--) return nla_get_string(at);
    return NULL;
}

int link_change(struct netlink *n, const struct link_change *c)
{
    struct ifinfomsg header = {
        .ifi_index = c->index,
        .ifi_flags = c->up ? IFF_UP : 0,
        .ifi_change = c->up ? IFF_UP : 0,
    };
    struct nl_msg *msg = netlink_request(RTM_SETLINK, NLM_F_ACK, &header, sizeof(header));

    if (c->ns)
        netlink_put_u32(&msg, IFLA_NET_NS_FD, (uint32_t)c->ns);
    if (c->new_index)
        netlink_put_u32(&msg, IFLA_NEW_IFINDEX, (uint32_t)c->new_index);
    if (c->name)
        netlink_put_string(&msg, IFLA_IFNAME, c->name);
    if (c->master)
        netlink_put_u32(&msg, IFLA_MASTER, (uint32_t)c->master);
    return netlink_ask(n, msg, NULL);
}
