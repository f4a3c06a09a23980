/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of a device, which a move destroys. */
#ifndef PLUGINS_NETDEV_ADDRESS_H
#define PLUGINS_NETDEV_ADDRESS_H

#include "plugins/netdev/netlink.h"

/* All of both families and of all devices, in the order in which they have to be added: of a dump for one device
 * Linux 6.18 does not tell that it was interrupted. */
int addresses_read(struct netlink *n, struct messages *all);

/* Those of one device. */
int addresses_of(const struct messages *all, int index, struct messages *m);

/* Those that go along with the device: permanent and of global scope (config-linux.md, Network Devices), named
 * after the new name. -errno, and the address in `which`. */
struct address_move {
    int index;
    const char *old, *new;
    char which[64];
};
int addresses_bring(struct netlink *n, const struct messages *m, struct address_move *to);

/* All of them, on the device where they were read; what is there already stays. */
int addresses_restore(struct netlink *n, const struct messages *m, struct address_move *to);

#endif
