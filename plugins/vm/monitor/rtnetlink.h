/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of rtnetlink(7): dumps, and one request that is answered with an errno. */
#ifndef PLUGINS_VM_MONITOR_RTNETLINK_H
#define PLUGINS_VM_MONITOR_RTNETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "core/base.h"

#define ATTRIBUTES_MAX 64

/* One object of a dump: its fixed part, and its attributes by their type, NULL where there is none. */
struct object {
    const void *fixed;
    const struct rtattr *attribute[ATTRIBUTES_MAX];
};

typedef int object_function(void *arg, const struct object *o);

int rtnetlink_open(void);

/* Calls f for every object of this kind. -1: errno, or f has returned it. A dump that the kernel says is not whole
 * fails with EINTR. */
int rtnetlink_dump(int fd, uint16_t type, uint8_t family, size_t fixed, object_function *f,
                   void *arg);

struct link_change {
    struct nlmsghdr head;
    struct ifinfomsg link;
    unsigned char attributes[128];
};

void link_change_begin(struct link_change *c, int index);
/* Returns the attribute, whose length may be made to enclose others. */
struct rtattr *link_change_add(struct link_change *c, uint16_t type, const void *value,
                               size_t size);
int link_change_do(int fd, struct link_change *c);

static inline uint32_t attribute_u32(const struct rtattr *a, uint32_t absent)
{
    return a && RTA_PAYLOAD(a) >= sizeof(uint32_t) ? *(const uint32_t *)RTA_DATA(a) : absent;
}

#endif
