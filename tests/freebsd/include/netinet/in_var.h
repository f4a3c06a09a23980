/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_NETINET_IN_VAR_H
#define TESTS_FREEBSD_NETINET_IN_VAR_H

#include <net/if.h>
#include <netinet/in.h>
struct in_aliasreq {
    char ifra_name[IFNAMSIZ];
    struct sockaddr_in ifra_addr, ifra_dstaddr, ifra_mask;
    int ifra_vhid;
};

#endif
