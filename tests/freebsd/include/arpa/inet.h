/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_ARPA_INET_H
#define TESTS_FREEBSD_ARPA_INET_H

#include <netinet/in.h>
#define htonl(n) __builtin_bswap32(n)
int inet_pton(int family, const char *text, void *address);
const char *inet_ntop(int family, const void *address, char *text, socklen_t size);

#endif
