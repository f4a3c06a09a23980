/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_NETINET_IN_H
#define TESTS_FREEBSD_NETINET_IN_H

#include <sys/socket.h>
#define INET6_ADDRSTRLEN 46
struct in_addr {
    uint32_t s_addr;
};
struct sockaddr_in {
    uint8_t sin_len;
    sa_family_t sin_family;
    uint16_t sin_port;
    struct in_addr sin_addr;
    char sin_zero[8];
};
struct in6_addr {
    uint8_t s6_addr[16];
};
struct sockaddr_in6 {
    uint8_t sin6_len;
    sa_family_t sin6_family;
    uint16_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};
#define INADDR_ANY       ((uint32_t)0)
#define INADDR_BROADCAST ((uint32_t)0xffffffff)
#define IN6_IS_ADDR_UNSPECIFIED(a) (!__builtin_memcmp((a), &(struct in6_addr){{0}}, 16))
#define IN6_IS_ADDR_V4MAPPED(a)                                                                    \
    (!__builtin_memcmp((a), &(struct in6_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255}}, 12))

#endif
