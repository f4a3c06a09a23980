/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the devices before the first of them is moved: kept in the container's state until the
 * container is started. */
#ifndef PLUGINS_NETDEV_RECORD_H
#define PLUGINS_NETDEV_RECORD_H

#include <hozo/plugin.h>

#include "plugins/netdev/link.h"
#include "plugins/netdev/pin.h"

#define NET_DEVICES "linux.netDevices"

struct device {
    char *path;          /* in config.json; NULL in a record that was read */
    char name[IFNAMSIZ]; /* on the host */
    char to[IFNAMSIZ];   /* in the container; may be a template */
    int index, there;    /* numbers on the host and in the container */
    bool away;           /* it may have been moved: the next that is done is to move it */
    struct link link;    /* as it was on the host */
    struct messages addresses, routes;
};

struct record {
    char pin[PIN_SIZE];
    uint64_t host, container; /* inodes of the namespaces */
    struct device *at;
    size_t n;
};

struct device *moves_add(struct record *r);
void moves_free(struct record *r);
#define auto_record __attribute__((cleanup(moves_free)))

/* Both set hozo's error. read: 1, or 0 without devices. */
int moves_write(struct hozo_ctx *ctx, const struct record *r);
int moves_read(struct hozo_ctx *ctx, struct record *r);

/* Whatever happens from now on, no device is moved back. */
int moves_close(struct hozo_ctx *ctx);

#endif
