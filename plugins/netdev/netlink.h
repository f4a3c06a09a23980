/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the kernel's rtnetlink in one network namespace. Messages stay what the kernel has sent: libnl's
 * objects, which tell what a device or an address is, lose the attributes that libnl 3.7 does not know
 * (IFA_PROTO, IFA_RT_PRIORITY, IFLA_PROP_LIST, IFLA_NEW_IFINDEX), and much of a route.
 */
#ifndef PLUGINS_NETDEV_NETLINK_H
#define PLUGINS_NETDEV_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

struct netlink {
    struct nl_sock *sock; /* NULL: none */
    char said[160];       /* what the kernel has said to its last error, ": text", or nothing */
};

/* ns: a descriptor of the namespace, or -1 for hozo's own. 0 or -errno. */
int netlink_open(struct netlink *n, int ns);
void netlink_close(struct netlink *n);
#define auto_netlink __attribute__((cleanup(netlink_close)))

/* Copies of messages. */
struct messages {
    struct nlmsghdr **at;
    size_t n;
};
int messages_add(struct messages *m, const struct nlmsghdr *h);
void messages_cut(struct messages *m, size_t n);
static inline void messages_free(struct messages *m)
{
    messages_cut(m, 0);
}
#define auto_messages __attribute__((cleanup(messages_free)))

/* What libnl makes of one, to be put; NULL: nothing. */
struct nl_object *message_object(struct nlmsghdr *h);

/* Sends a request, which is freed; NULL is one for which there was no memory. The answers go into `m`, which
 * may be NULL. A dump that was interrupted is begun anew. 0 or -errno. */
int netlink_ask(struct netlink *n, struct nl_msg *msg, struct messages *m);

/* A request with this header behind nlmsghdr; what is put into one that is NULL is nothing. */
struct nl_msg *netlink_request(int type, int flags, const void *header, size_t size);
void netlink_put(struct nl_msg **msg, int type, const void *data, size_t size);
void netlink_put_u32(struct nl_msg **msg, int type, uint32_t value);
void netlink_put_string(struct nl_msg **msg, int type, const char *value);

#endif
