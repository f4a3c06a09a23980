/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_NET_IF_H
#define TESTS_FREEBSD_NET_IF_H

/* netintro(4); those of vnet from ifconfig(8) */
#include <sys/socket.h>
#define IFNAMSIZ     16
#define SIOCDIFADDR  0x80206919ul
#define SIOCAIFADDR  0x8044692bul
#define SIOCSIFVNET  0xc020695aul
#define SIOCSIFRVNET 0xc020695bul
struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr ifru_addr;
        int ifru_jid;
    } ifr_ifru;
};
#define ifr_addr ifr_ifru.ifru_addr
#define ifr_jid  ifr_ifru.ifru_jid
unsigned int if_nametoindex(const char *name);

#endif
