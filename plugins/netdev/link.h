/* SPDX-License-Identifier: Apache-2.0 */
/* A network device: what the kernel says of it, and changing it. */
#ifndef PLUGINS_NETDEV_LINK_H
#define PLUGINS_NETDEV_LINK_H

#include <net/if.h>

#include "plugins/netdev/netlink.h"

struct link {
    int index, master; /* master: index of its bridge, bond, …, or 0 */
    unsigned flags;    /* IFF_* */
    bool immutable;    /* never leaves its namespace (Linux 6.15 tells) */
    char name[IFNAMSIZ];
    char address[96]; /* of its hardware, as text */
    char identity
        [128]; /* what moving does not change: its kind and the address that it was made with */
    struct messages message; /* one: all of it */
};

void link_free(struct link *l);
#define auto_link __attribute__((cleanup(link_free)))

/* By name also finds a device of which that is an alternative name. 0, -ENODEV, another -errno. */
int link_by_name(struct netlink *n, const char *name, struct link *l);
int link_by_index(struct netlink *n, int index, struct link *l);

/* Its alternative names; NULL behind the last. */
const char *link_alternative(const struct link *l, size_t i);

/* Whether both are of one kind. */
bool link_same_kind(const struct link *a, const struct link *b);

/* What is 0 or NULL is left as it is. `ns`: a descriptor, moved to there first of all. */
struct link_change {
    int index, ns, new_index, master, up;
    const char *name, *address;
};
int link_change(struct netlink *n, const struct link_change *c);

#endif
