/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_LIMITS_H
#define TESTS_FREEBSD_LIMITS_H

#include_next <limits.h>
#define PATH_MAX 1024
#define NAME_MAX 255
#define IOV_MAX 1024
#define SSIZE_MAX LONG_MAX

#endif
