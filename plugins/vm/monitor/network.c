/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces of the container's network namespace become the guest's: each is joined with a tap device of the
 * hypervisor, and the guest's interface gets its MAC, MTU, name, addresses, routes and neighbours. The interface itself
 * stays as it is; but what comes in at it no longer reaches the host's network stack. All of that ends with the
 * descriptors that hold it.
 */
#include "plugins/vm/monitor/network.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/redirect.h"

#define ATTEMPTS 10 /* at a picture that nothing changes meanwhile */

struct interfaces {
    struct interface at[NETWORK_MAX];
    size_t n;
    char why[128];
};

/* --- what is there --------------------------------------------------------------------------------------- */

/* The other end is the guest of a machine, to which all goes that comes in here: two machines cannot share that. */
static bool is_of_machine(const struct object *o, const char *name)
{
    const struct rtattr *info = o->attribute[IFLA_LINKINFO], *a;
    int left = info ? (int)RTA_PAYLOAD(info) : 0;

    if (strncmp(name, TAP_NAME, strlen(TAP_NAME)))
        return false;
    for (a = info ? RTA_DATA(info) : NULL; left > 0 && RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_INFO_KIND)
            return RTA_PAYLOAD(a) >= 3 && !strncmp(RTA_DATA(a), "tun", RTA_PAYLOAD(a));
    return false;
}

static int add_interface(void *arg, const struct object *o)
{
    struct interfaces *all = arg;
    const struct ifinfomsg *link = o->fixed;
    const struct rtattr *name = o->attribute[IFLA_IFNAME], *mac = o->attribute[IFLA_ADDRESS];
    struct interface *i = &all->at[all->n];

    if (link->ifi_flags & IFF_LOOPBACK || !(link->ifi_flags & IFF_UP) || !name)
        return 0;
    if (is_of_machine(o, RTA_DATA(name))) {
        snprintf(all->why, sizeof all->why,
                 "the network namespace has a machine already, to which %.16s leads",
                 (const char *)RTA_DATA(name));
        return -1;
    }
    if (link->ifi_type != ARPHRD_ETHER || !mac || RTA_PAYLOAD(mac) != MAC_SIZE) {
        snprintf(all->why, sizeof all->why, "%.16s is no Ethernet device: no guest can have it",
                 (const char *)RTA_DATA(name));
        return -1;
    }
    if (all->n == NETWORK_MAX) {
        snprintf(all->why, sizeof all->why, "more than %d network devices", NETWORK_MAX);
        return -1;
    }
    all->n++;
    *i = (struct interface){.index = link->ifi_index,
                            .mtu = attribute_u32(o->attribute[IFLA_MTU], 1500)};
    snprintf(i->name, sizeof i->name, "%s", (const char *)RTA_DATA(name));
    memcpy(i->mac, RTA_DATA(mac), MAC_SIZE);
    return 0;
}

static int find_interfaces(struct interfaces *all, int rtnetlink)
{
    int r = -1;

    for (int i = 0; r < 0 && i < ATTEMPTS; i++) {
        *all = (struct interfaces){0};
        r = rtnetlink_dump(rtnetlink, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg),
                           add_interface, all);
        if (r < 0 && (*all->why || errno != EINTR))
            return -1;
    }
    return r;
}

static void mac_text(const struct interface *i, char text[18])
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", i->mac[0], i->mac[1], i->mac[2], i->mac[3],
             i->mac[4], i->mac[5]);
}

static void add_links(struct picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct interface *on = &p->interfaces[i];
        char mac[18];

        mac_text(on, mac);
        fprintf(p->records, "link%c%s%c%s%c%u%c%c", 0, on->name, 0, mac, 0, on->mtu, 0, 0);
    }
}

/* The records, in memory that stays; NULL: errno or p->why. */
static char *take_picture(struct picture *p, int rtnetlink, size_t *size)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        char *text = NULL;
        int r;

        p->records = open_memstream(&text, size);
        if (!p->records)
            return NULL;
        add_links(p);
        r = picture_addresses(p, rtnetlink) < 0 || picture_routes(p, rtnetlink) < 0 ||
                    picture_neighbours(p, rtnetlink) < 0
                ? errno
                : 0;
        putc('\0', p->records);
        if (fclose(p->records))
            return NULL;
        if (!r)
            return text;
        free(text);
        errno = r;
        if (r != EINTR || *p->why)
            return NULL;
    }
    return NULL;
}

/* --- joining --------------------------------------------------------------------------------------------- */

/* With an address of its own it would let the host's stack talk to the guest. A kernel that has no IPv6 gives none. */
static int without_address(int rtnetlink, int index)
{
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct link_change c;
    struct rtattr *families, *inet6;

    link_change_begin(&c, index);
    families = link_change_add(&c, IFLA_AF_SPEC | NLA_F_NESTED, NULL, 0);
    inet6 = link_change_add(&c, AF_INET6 | NLA_F_NESTED, NULL, 0);
    link_change_add(&c, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
    inet6->rta_len = (unsigned short)((char *)&c + c.head.nlmsg_len - (char *)inet6);
    families->rta_len = (unsigned short)((char *)&c + c.head.nlmsg_len - (char *)families);
    return link_change_do(rtnetlink, &c) < 0 && errno != EAFNOSUPPORT ? -1 : 0;
}

/* Up, and as large as the other. */
static int set_tap_up(int rtnetlink, int index, uint32_t mtu)
{
    struct link_change c;

    if (without_address(rtnetlink, index) < 0)
        return -1;
    link_change_begin(&c, index);
    c.link.ifi_flags = c.link.ifi_change = IFF_UP;
    link_change_add(&c, IFLA_MTU, &mtu, sizeof mtu);
    return link_change_do(rtnetlink, &c);
}

static int join(struct machine *m, const struct interface *i, int rtnetlink)
{
    int index;

    m->taps[m->n_taps] = tap_open(&index);
    if (m->taps[m->n_taps] < 0)
        return broken(m, errno, "make a tap device for %s", i->name);
    mac_text(i, m->macs[m->n_taps++]);
    if (set_tap_up(rtnetlink, index, i->mtu) < 0)
        return broken(m, errno, "set up the tap device of %s", i->name);
    if (redirect(i->index, index) < 0 || redirect(index, i->index) < 0)
        return errno == EINVAL
                   ? broken(m, 0, "join %s with the machine: Linux 6.6 is needed", i->name)
                   : broken(m, errno, "join %s with the machine", i->name);
    return 0;
}

#ifndef SO_NETNS_COOKIE /* Linux 5.14 */
#define SO_NETNS_COOKIE 71
#endif

static uint64_t namespace_of(int socket)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;

    return getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0 ? 0 : cookie;
}

/* The other end of this socket was made where hozo runs: what is there is nobody's to take. */
static bool is_hozos(int rtnetlink)
{
    return namespace_of(MONITOR_SYNC) == namespace_of(rtnetlink);
}

int network_join(struct machine *m)
{
    auto_close int rtnetlink = rtnetlink_open();
    struct interfaces all = {0};
    struct picture p;
    size_t size;
    char *text;

    if (rtnetlink < 0 || find_interfaces(&all, rtnetlink) < 0)
        return *all.why ? broken(m, 0, "%s", all.why) : broken(m, errno, "find network devices");
    if (!all.n)
        return 0;
    if (is_hozos(rtnetlink))
        return broken(m, 0,
                      "the network namespace is that of the host, whose %s no machine may take",
                      all.at[0].name);
    if (!m->setup.tap)
        return broken(m, 0,
                      "the network namespace has %s, but this machine takes no network devices",
                      all.at[0].name);
    p = (struct picture){.interfaces = all.at, .n = all.n};
    text = take_picture(&p, rtnetlink, &size);
    if (!text || records_parse(&m->network, text, size) < 0)
        return *p.why ? broken(m, 0, "%s", p.why) : broken(m, errno, "look at the network");
    for (size_t i = 0; i < all.n; i++)
        if (join(m, &all.at[i], rtnetlink) < 0)
            return -1;
    return 0;
}
