/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin for linux.netDevices: network devices of the host become the container's.
 *
 *     names.c    what may be a name                              pure
 *     plan.c     what can be said without looking; the work      pure
 *     attach.c   looks at everything, then moves
 *     restore.c  after a failure all is as it was
 *     record.c   what is kept for that
 *     pin.c      … and the namespace, where the devices are
 *     netlink.c  link.c  address.c  route.c    what is said to the kernel
 */
#ifndef PLUGINS_NETDEV_NETDEV_H
#define PLUGINS_NETDEV_NETDEV_H

#include "plugins/netdev/record.h"

/* work("move", "eth0 as net0"): no name has a blank. */
#define WORK_MOVE "move"
#define WORK_AS   " as "

int netdev_validate(struct hozo_ctx *ctx);
int netdev_plan(struct hozo_ctx *ctx);
int netdev_attach(struct hozo_ctx *ctx);
int netdev_settle(struct hozo_ctx *ctx);
int netdev_cleanup(struct hozo_ctx *ctx);

#endif
