/* SPDX-License-Identifier: Apache-2.0 */
/* The routes over a device, which a move destroys: the container does not get them, a failure gives them back. */
#ifndef PLUGINS_NETDEV_ROUTE_H
#define PLUGINS_NETDEV_ROUTE_H

#include "plugins/netdev/netlink.h"

/* At most so many over one device are remembered: those of a router would be hundreds of megabytes. */
#define ROUTES_MAX 4096

/* Those that somebody has made; what the kernel makes of addresses it makes again. 1: there are more. */
int routes_read(struct netlink *n, int index, struct messages *m);

/* How many could not be restored. */
size_t routes_restore(struct netlink *n, const struct messages *m);

#endif
