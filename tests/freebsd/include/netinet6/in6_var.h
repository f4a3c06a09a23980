/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_NETINET6_IN6_VAR_H
#define TESTS_FREEBSD_NETINET6_IN6_VAR_H

#include <net/if.h>
#include <netinet/in.h>
#define SIOCDIFADDR_IN6 0x81206919ul
#define SIOCAIFADDR_IN6 0x8088691bul
struct in6_addrlifetime {
    time_t ia6t_expire, ia6t_preferred;
    uint32_t ia6t_vltime, ia6t_pltime;
};
struct in6_aliasreq {
    char ifra_name[IFNAMSIZ];
    struct sockaddr_in6 ifra_addr, ifra_dstaddr, ifra_prefixmask;
    int ifra_flags;
    struct in6_addrlifetime ifra_lifetime;
    int ifra_vhid;
};
struct in6_ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr_in6 ifru_addr;
        int ifru_flags;
    } ifr_ifru;
};

#endif
