/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink(7): one request, one answer. */
#ifndef PLUGINS_VM_AGENT_NETLINK_H
#define PLUGINS_VM_AGENT_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_SIZE 6

struct request {
    struct nlmsghdr head;
    unsigned char body[512];
};

/* `fixed`: the structure that the messages of this type begin with. */
void request_begin(struct request *r, unsigned type, unsigned flags, const void *fixed,
                   size_t size);
/* What does not fit makes the request fail. */
void request_add(struct request *r, unsigned type, const void *bytes, size_t size);
/* 0; -1: errno. */
int request_do(struct request *r);

/* The index of the interface with this address, 0: there is none; -1: errno. */
int link_of_mac(const unsigned char mac[MAC_SIZE]);

int loopback_up(void);

#endif
