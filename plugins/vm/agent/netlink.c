/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/agent/netlink.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base.h"

#define ANSWER_SIZE 32768 /* what the kernel puts into one piece of a dump at most */

void request_begin(struct request *r, unsigned type, unsigned flags, const void *fixed, size_t size)
{
    memset(r, 0, sizeof *r);
    r->head.nlmsg_type = (uint16_t)type;
    r->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    memcpy(r->body, fixed, size);
}

void request_add(struct request *r, unsigned type, const void *bytes, size_t size)
{
    size_t at = NLMSG_ALIGN(r->head.nlmsg_len);
    const struct rtattr attribute = {.rta_type = (unsigned short)type,
                                     .rta_len = (unsigned short)RTA_LENGTH(size)};

    if (at + RTA_SPACE(size) > sizeof *r) {
        r->head.nlmsg_len = 0;
        return;
    }
    memcpy((char *)r + at, &attribute, sizeof attribute);
    memcpy((char *)r + at + RTA_LENGTH(0), bytes, size);
    r->head.nlmsg_len = (uint32_t)(at + RTA_LENGTH(size));
}

static int ask(const struct request *r)
{
    auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -1;
    if (r->head.nlmsg_len < NLMSG_HDRLEN) {
        errno = EMSGSIZE;
        return -1;
    }
    return send(fd, r, r->head.nlmsg_len, 0) < 0 ? -1 : steal_fd(fd);
}

int request_do(struct request *r)
{
    auto_close int fd = -1;
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        unsigned char more[1024];
    } answer;

    r->head.nlmsg_flags |= NLM_F_ACK;
    if ((fd = ask(r)) < 0)
        return -1;
    if (recv(fd, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof answer.error) ||
        answer.head.nlmsg_type != NLMSG_ERROR) {
        errno = EPROTO;
        return -1;
    }
    errno = -answer.error.error;
    return answer.error.error ? -1 : 0;
}

static bool has_mac(const struct nlmsghdr *h, const unsigned char mac[MAC_SIZE])
{
    const struct ifinfomsg *info = NLMSG_DATA(h);
    int left = (int)IFLA_PAYLOAD(h);

    for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_ADDRESS)
            return RTA_PAYLOAD(a) == MAC_SIZE && !memcmp(RTA_DATA(a), mac, MAC_SIZE);
    return false;
}

int link_of_mac(const unsigned char mac[MAC_SIZE])
{
    static const struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
    static union {
        struct nlmsghdr head;
        char bytes[ANSWER_SIZE];
    } answer;
    auto_close int fd = -1;
    struct request r;
    int found = 0;

    request_begin(&r, RTM_GETLINK, NLM_F_DUMP, &all, sizeof all);
    if ((fd = ask(&r)) < 0)
        return -1;
    for (;;) {
        ssize_t n = recv(fd, answer.bytes, sizeof answer.bytes, 0);
        unsigned left = n < 0 ? 0 : (unsigned)n;

        if (n < 0)
            return -1;
        for (const struct nlmsghdr *h = &answer.head; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
                return found;
            if (h->nlmsg_type == RTM_NEWLINK && has_mac(h, mac))
                found = ((const struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
        }
    }
}

int loopback_up(void)
{
    const struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct request r;

    request_begin(&r, RTM_NEWLINK, 0, &up, sizeof up);
    return request_do(&r);
}
