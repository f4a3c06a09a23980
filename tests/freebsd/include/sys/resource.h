/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_RESOURCE_H
#define TESTS_FREEBSD_SYS_RESOURCE_H

#include <sys/types.h>
#define RLIM_INFINITY INT64_MAX
struct rlimit {
    rlim_t rlim_cur, rlim_max;
};
int setrlimit(int resource, const struct rlimit *limit);
#define RLIMIT_CORE 4
#define RLIMIT_NOFILE 8
int getrlimit(int resource, struct rlimit *limit);

#endif
