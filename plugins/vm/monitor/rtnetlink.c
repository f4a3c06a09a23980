/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/rtnetlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_SIZE (64 << 10)

int rtnetlink_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static int send_request(int fd, const void *request, size_t size)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    return sendto(fd, request, size, 0, (const struct sockaddr *)&kernel, sizeof kernel) ==
                   (ssize_t)size
               ? 0
               : -1;
}

static int give(const struct nlmsghdr *head, size_t fixed, object_function *f, void *arg)
{
    struct object o = {.fixed = NLMSG_DATA(head)};
    const char *at = (const char *)o.fixed + NLMSG_ALIGN(fixed);
    int left = (int)(head->nlmsg_len - NLMSG_SPACE(fixed));

    if (head->nlmsg_len < NLMSG_LENGTH(fixed)) {
        errno = EBADMSG;
        return -1;
    }
    for (const struct rtattr *a = (const struct rtattr *)(const void *)at; RTA_OK(a, left);
         a = RTA_NEXT(a, left))
        if ((a->rta_type & NLA_TYPE_MASK) < ATTRIBUTES_MAX)
            o.attribute[a->rta_type & NLA_TYPE_MASK] = a;
    return f(arg, &o);
}

static int answer(const struct nlmsghdr *head)
{
    const struct nlmsgerr *e = NLMSG_DATA(head);

    if (!e->error)
        return 0;
    errno = -e->error;
    return -1;
}

int rtnetlink_dump(int fd, uint16_t type, uint8_t family, size_t fixed, object_function *f,
                   void *arg)
{
    struct {
        struct nlmsghdr head;
        unsigned char body[64];
    } request = {.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(fixed),
                          .nlmsg_type = type,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    auto_free char *buffer = malloc(DUMP_SIZE);
    bool whole = true;

    request.body[0] = family; /* the first byte of each kind */
    if (!buffer || send_request(fd, &request, request.head.nlmsg_len) < 0)
        return -1;
    for (;;) {
        ssize_t n = recv(fd, buffer, DUMP_SIZE, 0);
        unsigned left = (unsigned)n;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left)) {
            whole &= !(h->nlmsg_flags & NLM_F_DUMP_INTR);
            if (h->nlmsg_type == NLMSG_DONE) {
                errno = EINTR;
                return whole ? 0 : -1;
            }
            if (h->nlmsg_type == NLMSG_ERROR)
                return answer(h);
            if (give(h, fixed, f, arg) < 0)
                return -1;
        }
    }
}

void link_change_begin(struct link_change *c, int index)
{
    memset(c, 0, sizeof *c);
    c->head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof c->link),
                                .nlmsg_type = RTM_NEWLINK,
                                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
    c->link.ifi_index = index;
}

struct rtattr *link_change_add(struct link_change *c, uint16_t type, const void *value, size_t size)
{
    struct rtattr *a = (struct rtattr *)(void *)((char *)c + NLMSG_ALIGN(c->head.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size)
        memcpy(RTA_DATA(a), value, size);
    c->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(c->head.nlmsg_len) + RTA_SPACE(size));
    return a;
}

int link_change_do(int fd, struct link_change *c)
{
    char buffer[4096];
    ssize_t n;

    if (send_request(fd, c, c->head.nlmsg_len) < 0)
        return -1;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return -1;
    return answer((const struct nlmsghdr *)(const void *)buffer);
}
