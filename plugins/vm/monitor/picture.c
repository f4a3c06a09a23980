/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, routes and neighbours of the network namespace, for a guest that is to have the same. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <string.h>

#include "plugins/vm/monitor/network.h"

#ifndef IFA_PROTO /* Linux 5.18 */
#define IFA_PROTO 11
#endif
#ifndef IFAPROT_KERNEL_RA
#define IFAPROT_KERNEL_RA 2
#endif
#ifndef RTA_NH_ID /* Linux 5.3 */
#define RTA_NH_ID 30
#endif

static const struct interface *interface_of(const struct picture *p, uint32_t index)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->interfaces[i].index == (int)index)
            return &p->interfaces[i];
    return NULL;
}

static void word(struct picture *p, const char *text)
{
    fputs(text, p->records);
    putc('\0', p->records);
}

static void number(struct picture *p, const char *name, uint32_t n)
{
    char text[16];

    snprintf(text, sizeof text, "%u", n);
    word(p, name);
    word(p, text);
}

/* "" if there is none of that family. */
static const char *address_text(uint8_t family, const struct rtattr *a, char text[INET6_ADDRSTRLEN])
{
    size_t size = family == AF_INET ? 4 : 16;

    text[0] = '\0';
    if (a && RTA_PAYLOAD(a) >= size)
        inet_ntop(family, RTA_DATA(a), text, INET6_ADDRSTRLEN);
    return text;
}

static void address(struct picture *p, const char *name, uint8_t family, const struct rtattr *a)
{
    char text[INET6_ADDRSTRLEN];

    if (!*address_text(family, a, text))
        return;
    word(p, name);
    word(p, text);
}

static void begin(struct picture *p, const char *kind, const struct interface *on, uint8_t family,
                  const char *what, unsigned prefix)
{
    char text[INET6_ADDRSTRLEN + 8];

    snprintf(text, sizeof text, "%s/%u", what, prefix);
    word(p, kind);
    word(p, on->name);
    word(p, family == AF_INET ? "inet" : "inet6");
    word(p, text);
}

/* --- addresses ------------------------------------------------------------------------------------------ */

static int add_address(void *arg, const struct object *o)
{
    struct picture *p = arg;
    const struct ifaddrmsg *a = o->fixed;
    const struct interface *on = interface_of(p, a->ifa_index);
    const struct rtattr *local = o->attribute[IFA_LOCAL], *of = o->attribute[IFA_ADDRESS],
                        *origin = o->attribute[IFA_PROTO];
    uint32_t flags = attribute_u32(o->attribute[IFA_FLAGS], a->ifa_flags);
    char text[INET6_ADDRSTRLEN];

    /* What a router has announced it announces to the guest as well. */
    if (!on || (a->ifa_family != AF_INET && a->ifa_family != AF_INET6) ||
        (a->ifa_family == AF_INET6 && flags & IFA_F_TEMPORARY) ||
        (origin && *(const unsigned char *)RTA_DATA(origin) == IFAPROT_KERNEL_RA))
        return 0;
    if (!*address_text(a->ifa_family, local ? local : of, text))
        return 0;
    begin(p, "address", on, a->ifa_family, text, a->ifa_prefixlen);
    address(p, "broadcast", a->ifa_family, o->attribute[IFA_BROADCAST]);
    if (local && of && memcmp(RTA_DATA(local), RTA_DATA(of), a->ifa_family == AF_INET ? 4 : 16))
        address(p, "peer", a->ifa_family, of);
    putc('\0', p->records);
    return 0;
}

int picture_addresses(struct picture *p, int rtnetlink)
{
    return rtnetlink_dump(rtnetlink, RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg), add_address,
                          p);
}

/* --- routes --------------------------------------------------------------------------------------------- */

/* Made by the kernel out of addresses, or told by a router: the guest's kernel does the same. */
static bool makes_itself(const struct rtmsg *r)
{
    return r->rtm_protocol == RTPROT_KERNEL || r->rtm_protocol == RTPROT_RA ||
           r->rtm_protocol == RTPROT_REDIRECT || r->rtm_flags & RTM_F_CLONED;
}

/* What the records have no word for. */
static const char *unspeakable(const struct object *o)
{
    const struct rtmsg *r = o->fixed;

    return r->rtm_type != RTN_UNICAST                               ? "of another type than unicast"
           : o->attribute[RTA_MULTIPATH] || o->attribute[RTA_NH_ID] ? "over several ways"
           : o->attribute[RTA_ENCAP]                                ? "into a tunnel"
           : o->attribute[RTA_VIA]               ? "over a gateway of another family"
           : r->rtm_tos || o->attribute[RTA_SRC] ? "for some packets only"
                                                 : NULL;
}

/* What else there is of metrics tunes TCP: the guest does that as it likes. */
static uint32_t mtu_of(const struct object *o)
{
    const struct rtattr *all = o->attribute[RTA_METRICS];
    int left = all ? (int)RTA_PAYLOAD(all) : 0;

    for (const struct rtattr *a = all ? RTA_DATA(all) : NULL; a && RTA_OK(a, left);
         a = RTA_NEXT(a, left))
        if ((a->rta_type & NLA_TYPE_MASK) == RTAX_MTU)
            return attribute_u32(a, 0);
    return 0;
}

static int add_route(void *arg, const struct object *o)
{
    struct picture *p = arg;
    const struct rtmsg *r = o->fixed;
    const struct interface *on = interface_of(p, attribute_u32(o->attribute[RTA_OIF], 0));
    const char *cannot = unspeakable(o);
    char text[INET6_ADDRSTRLEN] = "";

    if ((r->rtm_family != AF_INET && r->rtm_family != AF_INET6) || makes_itself(r) ||
        attribute_u32(o->attribute[RTA_TABLE], r->rtm_table) != RT_TABLE_MAIN)
        return 0;
    address_text(r->rtm_family, o->attribute[RTA_DST], text);
    if (!*text)
        snprintf(text, sizeof text, "%s", r->rtm_family == AF_INET ? "0.0.0.0" : "::");
    if (cannot) {
        snprintf(p->why, sizeof p->why, "no guest can have the route to %s/%u: it is one %s", text,
                 r->rtm_dst_len, cannot);
        return -1;
    }
    if (!on || !o->attribute[RTA_GATEWAY] == p->gateways)
        return 0;
    begin(p, "route", on, r->rtm_family, text, r->rtm_dst_len);
    address(p, "via", r->rtm_family, o->attribute[RTA_GATEWAY]);
    if (o->attribute[RTA_PRIORITY])
        number(p, "metric", attribute_u32(o->attribute[RTA_PRIORITY], 0));
    address(p, "source", r->rtm_family, o->attribute[RTA_PREFSRC]);
    if (r->rtm_family == AF_INET)
        number(p, "scope", r->rtm_scope);
    if (mtu_of(o))
        number(p, "mtu", mtu_of(o));
    if (r->rtm_flags & RTNH_F_ONLINK) {
        word(p, "onlink");
        word(p, "yes");
    }
    putc('\0', p->records);
    return 0;
}

/* A gateway must be reachable before a route over it can be made. */
int picture_routes(struct picture *p, int rtnetlink)
{
    for (int i = 0; i < 4; i++) {
        p->gateways = i >= 2;
        if (rtnetlink_dump(rtnetlink, RTM_GETROUTE, i % 2 ? AF_INET6 : AF_INET,
                           sizeof(struct rtmsg), add_route, p) < 0)
            return -1;
    }
    return 0;
}

/* --- neighbours ------------------------------------------------------------------------------------------ */

static int add_neighbour(void *arg, const struct object *o)
{
    struct picture *p = arg;
    const struct ndmsg *n = o->fixed;
    const struct interface *on = interface_of(p, (uint32_t)n->ndm_ifindex);
    const struct rtattr *link = o->attribute[NDA_LLADDR];
    char text[INET6_ADDRSTRLEN], mac[18];
    const unsigned char *b;

    if (!on || !(n->ndm_state & NUD_PERMANENT) || !link || RTA_PAYLOAD(link) != MAC_SIZE ||
        !*address_text(n->ndm_family, o->attribute[NDA_DST], text))
        return 0;
    b = RTA_DATA(link);
    snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    word(p, "neighbour");
    word(p, on->name);
    word(p, text);
    word(p, mac);
    putc('\0', p->records);
    return 0;
}

int picture_neighbours(struct picture *p, int rtnetlink)
{
    return rtnetlink_dump(rtnetlink, RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg), add_neighbour,
                          p) < 0
               ? -1
               : rtnetlink_dump(rtnetlink, RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg),
                                add_neighbour, p);
}
