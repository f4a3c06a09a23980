/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_TYPES_H
#define TESTS_FREEBSD_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>
typedef int32_t pid_t;
typedef uint32_t uid_t, gid_t, socklen_t;
typedef uint16_t mode_t;
typedef int64_t off_t, id_t, ssize_t, time_t, rlim_t;
typedef long suseconds_t;
typedef uint64_t dev_t, ino_t, nlink_t;

#endif
