/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_MONITOR_NETWORK_H
#define PLUGINS_VM_MONITOR_NETWORK_H

#include <net/if.h>

#include "plugins/vm/monitor/rtnetlink.h"

#define MAC_SIZE 6

struct interface {
    int index;
    char name[IF_NAMESIZE];
    unsigned char mac[MAC_SIZE];
    uint32_t mtu;
};

/* What is told of the interfaces: records of the guest, as text. */
struct picture {
    const struct interface *interfaces;
    size_t n;
    FILE *records;
    bool gateways; /* the routes over some are looked at, or the others */
    char why[128]; /* what no guest can have; "": errno says all */
};

/* Addresses, routes and neighbours of these interfaces. */
int picture_addresses(struct picture *p, int rtnetlink);
int picture_routes(struct picture *p, int rtnetlink);
int picture_neighbours(struct picture *p, int rtnetlink);

#endif
