/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/address.h"

#include <errno.h>
#include <linux/if_addr.h>

#include <netlink/attr.h>
#include <netlink/route/addr.h>

#include "plugins/netdev/names.h"

/* A kernel without IPv6 answers for all families that it has (Linux 6.18, rtnl_dump_all()). */
static void keep_family(struct messages *m, size_t first, unsigned char family)
{
    size_t kept = first;

    for (size_t i = first; i < m->n; i++) {
        struct nlmsghdr *h = m->at[i];

        if (h->nlmsg_type == RTM_NEWADDR &&
            ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_family == family)
            m->at[kept++] = h;
        else
            free(h);
    }
    m->n = kept;
}

static int read_family(struct netlink *n, unsigned char family, struct messages *m)
{
    struct ifaddrmsg header = {.ifa_family = family};
    size_t first = m->n;
    int r = netlink_ask(n, netlink_request(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header)), m);

    keep_family(m, first, family);
    return r;
}

int addresses_read(struct netlink *n, struct messages *all)
{
    int r = read_family(n, AF_INET, all);
    size_t i = all->n;

    if (r < 0 || (r = read_family(n, AF_INET6, all)) < 0)
        return r;
    /* The kernel puts each new IPv6 address before the others of its scope. */
    for (size_t end = all->n; i + 1 < end; i++) {
        struct nlmsghdr *last = all->at[--end];

        all->at[end] = all->at[i];
        all->at[i] = last;
    }
    return 0;
}

int addresses_of(const struct messages *all, int index, struct messages *m)
{
    int r = 0;

    for (size_t i = 0; !r && i < all->n; i++)
        if (((struct ifaddrmsg *)NLMSG_DATA(all->at[i]))->ifa_index == (unsigned)index)
            r = messages_add(m, all->at[i]);
    return r;
}

/* libnl makes the request but for the attributes that it does not know: they are put as the kernel gave them. */
static int add(struct netlink *n, struct nlmsghdr *h, struct rtnl_addr *a,
               const struct address_move *to)
{
    struct nl_msg *msg = NULL;
    char label[IFNAMSIZ];
    struct nlattr *at;
    int left;

    rtnl_addr_set_ifindex(a, to->index);
    if (rtnl_addr_get_label(a)) {
        label_renamed(label, rtnl_addr_get_label(a), to->old, to->new);
        rtnl_addr_set_label(a, label);
    }
    rtnl_addr_build_add_request(a, NLM_F_ACK | NLM_F_EXCL, &msg);
    nlmsg_for_each_attr(at, h, sizeof(struct ifaddrmsg), left)
    {
        if (nla_type(at) > IFA_FLAGS)
            netlink_put(&msg, nla_type(at), nla_data(at), (size_t)nla_len(at));
    }
    return netlink_ask(n, msg, NULL);
}

/* What an address is, not what the kernel has found out about it. */
#define FOUND_OUT (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_STABLE_PRIVACY)

static int bring(struct netlink *n, struct nlmsghdr *h, struct rtnl_addr *a,
                 const struct address_move *to)
{
    unsigned flags = rtnl_addr_get_flags(a);

    if (!(flags & IFA_F_PERMANENT) || rtnl_addr_get_scope(a) != RT_SCOPE_UNIVERSE)
        return 0;
    rtnl_addr_unset_flags(a, FOUND_OUT);
    /* The same device on the same link has already found out that nobody else has it: without this flag it could
     * not be used for a second or more, in which the program starts. */
    if (rtnl_addr_get_family(a) == AF_INET6 && !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
        rtnl_addr_set_flags(a, IFA_F_NODAD);
    return add(n, h, a, to);
}

static int restore(struct netlink *n, struct nlmsghdr *h, struct rtnl_addr *a,
                   const struct address_move *to)
{
    int r;

    /* Those that the kernel makes up from a router's announcement cannot be given to it. */
    if (rtnl_addr_get_family(a) == AF_INET6 && rtnl_addr_get_flags(a) & IFA_F_TEMPORARY)
        return 0;
    rtnl_addr_unset_flags(a, FOUND_OUT);
    r = add(n, h, a, to);
    return r == -EEXIST ? 0 : r;
}

typedef int give(struct netlink *, struct nlmsghdr *, struct rtnl_addr *,
                 const struct address_move *);

static int give_one(struct netlink *n, struct nlmsghdr *h, struct address_move *to, give *how)
{
    struct rtnl_addr *a = (struct rtnl_addr *)message_object(h);
    int r = a ? how(n, h, a, to) : -EPROTO;

    if (r < 0)
        nl_addr2str(a ? rtnl_addr_get_local(a) : NULL, to->which, sizeof(to->which));
    rtnl_addr_put(a);
    return r;
}

int addresses_bring(struct netlink *n, const struct messages *m, struct address_move *to)
{
    int r = 0;

    for (size_t i = 0; !r && i < m->n; i++)
        r = give_one(n, m->at[i], to, bring);
    return r;
}

int addresses_restore(struct netlink *n, const struct messages *m, struct address_move *to)
{
    int result = 0;

    for (size_t i = 0; i < m->n; i++) {
        int r = give_one(n, m->at[i], to, restore);

        result = r < 0 ? r : result;
    }
    return result;
}
