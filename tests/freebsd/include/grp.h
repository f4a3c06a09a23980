/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_GRP_H
#define TESTS_FREEBSD_GRP_H

/* setgroups(2) is in <unistd.h> here. */
#include <unistd.h>

#endif
