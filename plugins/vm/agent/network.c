/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces become what they were in the container's network namespace on the host. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "plugins/vm/agent/netlink.h"
#include "plugins/vm/agent/records.h"

#define PATIENCE_MS 5000 /* until a device is there */
#define NAP_MS      5

struct address {
    unsigned char family, prefix;
    size_t size;
    unsigned char bytes[16];
};

static int number(const char *s, uint32_t *n)
{
    char *end;
    unsigned long value = strtoul(s, &end, 0);

    if (*s < '0' || *s > '9' || *end || value > UINT32_MAX)
        return -1;
    *n = (uint32_t)value;
    return 0;
}

/* ADDRESS or ADDRESS/PREFIX */
static int read_address(const char *s, struct address *a)
{
    char text[64];
    size_t n = strcspn(s, "/");
    uint32_t prefix;

    a->family = memchr(s, ':', n) ? AF_INET6 : AF_INET;
    a->size = a->family == AF_INET ? 4 : 16;
    prefix = (uint32_t)a->size * 8;
    if (n >= sizeof text)
        return -1;
    memcpy(text, s, n);
    text[n] = '\0';
    if (inet_pton(a->family, text, a->bytes) != 1 || (s[n] && number(s + n + 1, &prefix) < 0) ||
        prefix > a->size * 8)
        return -1;
    a->prefix = (unsigned char)prefix;
    return 0;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static int read_mac(const char *s, unsigned char mac[MAC_SIZE])
{
    for (int i = 0; i < MAC_SIZE; i++, s += 3) {
        int high = digit(s[0]), low = high < 0 ? -1 : digit(s[1]);

        if (low < 0 || s[2] != (i < MAC_SIZE - 1 ? ':' : '\0'))
            return -1;
        mac[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

/* Tells which record it is about, and fails. */
static int refuse(const struct record *r, const char *what, int errnum, struct problem *why)
{
    char subject[256] = "";
    size_t at = 0;

    for (unsigned i = 0; i < r->n; i++) {
        size_t n = strlen(r->word[i]);

        if (at + n + 2 > sizeof subject)
            break;
        if (at)
            subject[at++] = ' ';
        memcpy(subject + at, r->word[i], n + 1);
        at += n;
    }
    return problem(why, subject, what, errnum);
}

static int done(const struct record *r, int result, const char *what, struct problem *why)
{
    return result < 0 ? refuse(r, what, errno, why) : 0;
}

/* --- links ------------------------------------------------------------------------------------------ */

/* 0: there is none. */
static int await_link(const unsigned char mac[MAC_SIZE])
{
    int index = 0;

    for (int waited = 0; !index && waited < PATIENCE_MS; waited += NAP_MS) {
        if (waited)
            nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
        index = link_of_mac(mac);
    }
    return index < 0 ? 0 : index;
}

static int find_link(const struct record *r, int *index, struct problem *why)
{
    unsigned char mac[MAC_SIZE];

    if (read_mac(r->word[2], mac) < 0)
        return refuse(r, "is no address of a link", 0, why);
    if (!(*index = await_link(mac)))
        return refuse(r, "there is no such interface", 0, why);
    return 0;
}

static int set_name(int index, const char *name)
{
    const struct ifinfomsg link = {.ifi_index = index};
    struct request q;

    request_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    request_add(&q, IFLA_IFNAME, name, strlen(name) + 1);
    return request_do(&q);
}

/* Another one may have the name that this one gets, and the other way round. */
int link_put_aside(struct agent *a, const struct record *r, struct problem *why)
{
    char name[IF_NAMESIZE] = "hozo-aside", *digits = name + sizeof "hozo-aside" - 1;
    int index = 0;

    (void)a;
    if (find_link(r, &index, why) < 0)
        return -1;
    if (if_nametoindex(r->word[1]) == (unsigned)index)
        return 0;
    for (unsigned rest = (unsigned)index; rest && digits < name + sizeof name - 1; rest /= 26)
        *digits++ = (char)('a' + rest % 26);
    return done(r, set_name(index, name), "put it aside", why);
}

int link_name(struct agent *a, const struct record *r, struct problem *why)
{
    struct ifinfomsg link = {0};
    struct request q;
    uint32_t mtu;

    (void)a;
    if (find_link(r, &link.ifi_index, why) < 0)
        return -1;
    if (number(r->word[3], &mtu) < 0)
        return refuse(r, "is no MTU", 0, why);
    if (if_nametoindex(r->word[1]) != (unsigned)link.ifi_index &&
        set_name(link.ifi_index, r->word[1]) < 0)
        return refuse(r, "name it", errno, why);
    if (!mtu)
        return 0;
    request_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    request_add(&q, IFLA_MTU, &mtu, sizeof mtu);
    return done(r, request_do(&q), "set its MTU", why);
}

int link_up(struct agent *a, const struct record *r, struct problem *why)
{
    const struct ifinfomsg link = {
        .ifi_index = (int)if_nametoindex(r->word[1]), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct request q;

    (void)a;
    request_begin(&q, RTM_NEWLINK, 0, &link, sizeof link);
    return done(r, request_do(&q), "set it up", why);
}

/* --- what they have --------------------------------------------------------------------------------- */

/* An address of the same family behind this word, if it is there. */
static int option_address(struct request *q, const struct record *r, const char *name,
                          unsigned type, const struct address *like)
{
    const char *word = record_option(r, 4, name);
    struct address address;

    if (!word)
        return 0;
    if (read_address(word, &address) < 0 || address.family != like->family)
        return -1;
    request_add(q, type, address.bytes, address.size);
    return 0;
}

static int option_number(struct request *q, const struct record *r, const char *name, unsigned type)
{
    const char *word = record_option(r, 4, name);
    uint32_t value;

    if (!word)
        return 0;
    if (number(word, &value) < 0)
        return -1;
    request_add(q, type, &value, sizeof value);
    return 0;
}

/* What is there already is no failure: the kernel makes some of it on its own. */
static int make(const struct record *r, struct request *q, const char *what, struct problem *why)
{
    return request_do(q) < 0 && errno != EEXIST ? refuse(r, what, errno, why) : 0;
}

/* On the host the address was in use: nobody else has it, and nobody need be asked (RFC 4862). */
int address_add(struct agent *a, const struct record *r, struct problem *why)
{
    struct ifaddrmsg fixed = {.ifa_index = if_nametoindex(r->word[1]), .ifa_flags = IFA_F_NODAD};
    struct address own;
    struct request q;

    (void)a;
    if (read_address(r->word[3], &own) < 0)
        return refuse(r, "is no address", 0, why);
    if (own.family == AF_INET)
        fixed.ifa_flags = 0;
    fixed.ifa_family = own.family;
    fixed.ifa_prefixlen = own.prefix;
    if (own.family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((struct in6_addr *)own.bytes))
        fixed.ifa_scope = RT_SCOPE_LINK;
    request_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
    request_add(&q, IFA_LOCAL, own.bytes, own.size);
    if (!record_option(r, 4, "peer"))
        request_add(&q, IFA_ADDRESS, own.bytes, own.size);
    if (option_address(&q, r, "peer", IFA_ADDRESS, &own) < 0 ||
        option_address(&q, r, "broadcast", IFA_BROADCAST, &own) < 0)
        return refuse(r, "is no address", 0, why);
    return make(r, &q, "add it", why);
}

/* The largest packet that the way takes, which may be less than what the device does. */
static int option_mtu(struct request *q, const struct record *r)
{
    const char *word = record_option(r, 4, "mtu");
    struct {
        struct rtattr head;
        uint32_t value;
    } metric = {.head = {.rta_len = sizeof metric, .rta_type = RTAX_MTU}};

    if (!word)
        return 0;
    if (number(word, &metric.value) < 0)
        return -1;
    request_add(q, RTA_METRICS, &metric, sizeof metric);
    return 0;
}

int route_add(struct agent *a, const struct record *r, struct problem *why)
{
    const uint32_t index = if_nametoindex(r->word[1]);
    const char *scope = record_option(r, 4, "scope");
    struct rtmsg fixed = {
        .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
    uint32_t level = record_option(r, 4, "via") ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    struct address to;
    struct request q;

    (void)a;
    if (read_address(r->word[3], &to) < 0 || (scope && number(scope, &level) < 0))
        return refuse(r, "is no route", 0, why);
    fixed.rtm_family = to.family;
    fixed.rtm_dst_len = to.prefix;
    fixed.rtm_scope = to.family == AF_INET ? (unsigned char)level : 0;
    fixed.rtm_flags = record_option(r, 4, "onlink") ? RTNH_F_ONLINK : 0;
    request_begin(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
    if (to.prefix)
        request_add(&q, RTA_DST, to.bytes, to.size);
    request_add(&q, RTA_OIF, &index, sizeof index);
    if (option_address(&q, r, "via", RTA_GATEWAY, &to) < 0 ||
        option_address(&q, r, "source", RTA_PREFSRC, &to) < 0 ||
        option_number(&q, r, "metric", RTA_PRIORITY) < 0 || option_mtu(&q, r) < 0)
        return refuse(r, "is no route", 0, why);
    return make(r, &q, "add it", why);
}

int neighbour_add(struct agent *a, const struct record *r, struct problem *why)
{
    struct ndmsg fixed = {.ndm_ifindex = (int)if_nametoindex(r->word[1]),
                          .ndm_state = NUD_PERMANENT};
    unsigned char mac[MAC_SIZE];
    struct address address;
    struct request q;

    (void)a;
    if (read_address(r->word[2], &address) < 0 || read_mac(r->word[3], mac) < 0)
        return refuse(r, "is no neighbour", 0, why);
    fixed.ndm_family = address.family;
    request_begin(&q, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &fixed, sizeof fixed);
    request_add(&q, NDA_DST, address.bytes, address.size);
    request_add(&q, NDA_LLADDR, mac, sizeof mac);
    return done(r, request_do(&q), "add it", why);
}
