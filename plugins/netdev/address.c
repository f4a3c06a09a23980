/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

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

struct address {
    const struct ifaddrmsg *header;
    struct nlattr *tb[IFA_MAX + 1];
    uint32_t flags;
};

static int parse(const struct nlmsghdr *h, struct address *a)
{
    if (nlmsg_parse((struct nlmsghdr *)h, sizeof(*a->header), a->tb, IFA_MAX, NULL) < 0)
        return -EPROTO;
    a->header = NLMSG_DATA(h);
    a->flags = a->tb[IFA_FLAGS] ? nla_get_u32(a->tb[IFA_FLAGS]) : a->header->ifa_flags;
    return 0;
}

static void name_address(const struct address *a, char *to, size_t size)
{
    struct nlattr *own = a->tb[IFA_LOCAL] ? a->tb[IFA_LOCAL] : a->tb[IFA_ADDRESS];
    char text[INET6_ADDRSTRLEN] = "?";

    if (own)
        inet_ntop(a->header->ifa_family, nla_data(own), text, sizeof(text));
    snprintf(to, size, "%s/%u", text, a->header->ifa_prefixlen);
}

/* The same address on another device: every attribute as the kernel gave it, also one that is newer than
 * this, but what names the device. */
static int add(struct netlink *n, const struct nlmsghdr *h, const struct address *a, uint32_t flags,
               const struct address_move *to)
{
    struct ifaddrmsg header = *a->header;
    struct nl_msg *msg;
    struct nlattr *at;
    int left;

    header.ifa_index = (unsigned)to->index;
    header.ifa_flags = (unsigned char)flags;
    msg = netlink_request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header,
                          sizeof(header));
    nlmsg_for_each_attr(at, (struct nlmsghdr *)h, sizeof(header), left)
    {
        char label[IFNAMSIZ];

        if (nla_type(at) == IFA_LABEL) {
            label_renamed(label, nla_get_string(at), to->old, to->new);
            netlink_put_string(&msg, IFA_LABEL, label);
        } else if (nla_type(at) != IFA_FLAGS) {
            netlink_put(&msg, nla_type(at), nla_data(at), (size_t)nla_len(at));
        }
    }
    netlink_put_u32(&msg, IFA_FLAGS, flags);
    return netlink_ask(n, msg, NULL);
}

/* What an address is, not what the kernel has found out about it. */
#define FOUND_OUT (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_STABLE_PRIVACY)

int addresses_bring(struct netlink *n, const struct messages *m, struct address_move *to)
{
    for (size_t i = 0; i < m->n; i++) {
        struct address a;
        uint32_t flags;
        int r = parse(m->at[i], &a);

        if (!r && (!(a.flags & IFA_F_PERMANENT) || a.header->ifa_scope != RT_SCOPE_UNIVERSE))
            continue;
        flags = a.flags & ~(uint32_t)FOUND_OUT;
        /* The same device on the same link has already found out that nobody else has it: without this flag it
         * could not be used for a second or more, in which the program starts. */
        if (a.header->ifa_family == AF_INET6 && !(a.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
            flags |= IFA_F_NODAD;
        if (!r)
            r = add(n, m->at[i], &a, flags, to);
        if (r < 0) {
            name_address(&a, to->which, sizeof(to->which));
            return r;
        }
    }
    return 0;
}

int addresses_restore(struct netlink *n, const struct messages *m, struct address_move *to)
{
    int result = 0;

    for (size_t i = 0; i < m->n; i++) {
        struct address a;
        int r = parse(m->at[i], &a);

        /* Those that the kernel makes up from a router's announcement cannot be given to it. */
        if (!r && a.header->ifa_family == AF_INET6 && a.flags & IFA_F_TEMPORARY)
            continue;
        if (!r)
            r = add(n, m->at[i], &a, a.flags & ~(uint32_t)FOUND_OUT, to);
        if (r < 0 && r != -EEXIST) {
            name_address(&a, to->which, sizeof(to->which));
            result = r;
        }
    }
    return result;
}
