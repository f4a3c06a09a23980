/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_UN_H
#define TESTS_FREEBSD_SYS_UN_H

#include <string.h>
#include <sys/socket.h>
struct sockaddr_un {
    uint8_t sun_len;
    sa_family_t sun_family;
    char sun_path[104];
};
#define SUN_LEN(un) (offsetof(struct sockaddr_un, sun_path) + strlen((un)->sun_path))

#endif
