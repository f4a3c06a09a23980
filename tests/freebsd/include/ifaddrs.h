/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_IFADDRS_H
#define TESTS_FREEBSD_IFADDRS_H

#include <sys/socket.h>
struct ifaddrs {
    struct ifaddrs *ifa_next;
    char *ifa_name;
    struct sockaddr *ifa_addr;
};
int getifaddrs(struct ifaddrs **all);
void freeifaddrs(struct ifaddrs *all);

#endif
