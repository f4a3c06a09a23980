/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/route.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <netlink/attr.h>

#define RTMSG(h) ((struct rtmsg *)NLMSG_DATA(h))

/* The one behind `hop`, or the first; NULL behind the last. */
static struct rtnexthop *next_hop(struct nlattr *several, struct rtnexthop *hop)
{
    char *at = hop ? (char *)RTNH_NEXT(hop) : nla_data(several);
    ptrdiff_t left = (char *)nla_data(several) + nla_len(several) - at;

    hop = (struct rtnexthop *)(void *)at;
    return left >= (ptrdiff_t)sizeof(*hop) && RTNH_OK(hop, left) ? hop : NULL;
}

static bool leads_over(struct nlmsghdr *h, int index)
{
    struct nlattr *tb[RTA_MAX + 1];
    struct rtnexthop *hop = NULL;

    if (nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
        return false;
    /* Nexthops that are objects of their own go with the device, and cannot be named again. */
    if (tb[RTA_NH_ID])
        return false;
    if (tb[RTA_OIF])
        return (int)nla_get_u32(tb[RTA_OIF]) == index;
    if (!tb[RTA_MULTIPATH])
        return false;
    while ((hop = next_hop(tb[RTA_MULTIPATH], hop)))
        if (hop->rtnh_ifindex == index)
            return true;
    return false;
}

/* RTPROT_KERNEL: made of an address. RTPROT_RA: of a router's announcement, which is asked for again. */
static bool is_made_by_hand(struct nlmsghdr *h)
{
    const struct rtmsg *r = RTMSG(h);

    return h->nlmsg_type == RTM_NEWROUTE && r->rtm_protocol != RTPROT_KERNEL &&
           r->rtm_protocol != RTPROT_RA && r->rtm_protocol != RTPROT_REDIRECT &&
           !(r->rtm_flags & RTM_F_CLONED);
}

static int read_family(struct netlink *n, int index, unsigned char family, struct messages *m)
{
    struct rtmsg header = {.rtm_family = family};
    struct nl_msg *msg = netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
    struct messages all = {0};
    int r;

    netlink_put_u32(&msg, RTA_OIF, (uint32_t)index);
    r = netlink_ask(n, msg, &all);
    /* The kernel has no IPv6, or the device is not known to it. */
    if (r == -ENODEV || r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
        r = 0;
    for (size_t i = 0; !r && i < all.n; i++)
        if (is_made_by_hand(all.at[i]) && RTMSG(all.at[i])->rtm_family == family &&
            leads_over(all.at[i], index))
            r = m->n == ROUTES_MAX ? 1 : messages_add(m, all.at[i]);
    messages_cut(&all, 0);
    return r;
}

int routes_read(struct netlink *n, int index, struct messages *m)
{
    int r4 = read_family(n, index, AF_INET, m),
        r6 = r4 < 0 ? r4 : read_family(n, index, AF_INET6, m);

    return r6 ? r6 : r4;
}

/* Flags that the kernel sets, and refuses when it is told them. */
#define SETTABLE (RTNH_F_ONLINK | RTNH_F_PERVASIVE)

/* When a route of IPv6 ends: told in ticks, asked for in seconds. */
static void put_end(struct nl_msg **msg, const struct rta_cacheinfo *c)
{
    if (c->rta_expires > 0)
        netlink_put_u32(msg, RTA_EXPIRES, (uint32_t)(c->rta_expires / sysconf(_SC_CLK_TCK)));
}

static int restore(struct netlink *n, struct nlmsghdr *h)
{
    struct rtmsg header = *RTMSG(h);
    bool several = false;
    struct nl_msg *msg;
    struct nlattr *at;
    int left, flags;

    nlmsg_for_each_attr(at, h, sizeof(header), left) several |= nla_type(at) == RTA_MULTIPATH;
    /* Of several ways the others may have stayed. So may another route to there, for which NLM_F_EXCL would take
     * this one; a route is not added twice without it either. */
    flags = NLM_F_ACK | NLM_F_CREATE | (several ? NLM_F_REPLACE : NLM_F_APPEND);
    header.rtm_flags &= SETTABLE;
    msg = netlink_request(RTM_NEWROUTE, flags, &header, sizeof(header));
    nlmsg_for_each_attr(at, h, sizeof(header), left)
    {
        struct rtnexthop *hop = NULL;

        if (nla_type(at) == RTA_CACHEINFO) {
            put_end(&msg, nla_data(at));
            continue;
        }
        while (nla_type(at) == RTA_MULTIPATH && (hop = next_hop(at, hop)))
            hop->rtnh_flags &= SETTABLE;
        netlink_put(&msg, nla_type(at), nla_data(at), (size_t)nla_len(at));
    }
    return netlink_ask(n, msg, NULL);
}

/* A route by a gateway needs the one to the gateway: as long as one more succeeds, the others are tried again. */
size_t routes_restore(struct netlink *n, const struct messages *m)
{
    bool *done = calloc(m->n + 1, sizeof(*done));
    size_t missing = m->n, before;

    if (!done)
        return missing;
    do {
        before = missing;
        for (size_t i = 0; i < m->n; i++) {
            int r = done[i] ? 0 : restore(n, m->at[i]);

            if (done[i] || (r < 0 && r != -EEXIST))
                continue;
            done[i] = true;
            missing--;
        }
    } while (missing && missing < before);
    free(done);
    return missing;
}
