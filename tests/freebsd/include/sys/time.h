/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_TIME_H
#define TESTS_FREEBSD_SYS_TIME_H

#include <sys/types.h>
struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};
#define ITIMER_REAL 0
struct itimerval {
    struct timeval it_interval, it_value;
};
int setitimer(int which, const struct itimerval *time, struct itimerval *old);

#endif
