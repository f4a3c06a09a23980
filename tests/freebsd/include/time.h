/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_TIME_H
#define TESTS_FREEBSD_TIME_H

#include <sys/types.h>
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};
#define CLOCK_MONOTONIC 4
int clock_gettime(int clock, struct timespec *now);
int nanosleep(const struct timespec *time, struct timespec *left);
#define CLOCK_REALTIME 0
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};
time_t time(time_t *now);
struct tm *gmtime_r(const time_t *time, struct tm *tm);
struct tm *localtime_r(const time_t *time, struct tm *tm);
size_t strftime(char *text, size_t size, const char *format, const struct tm *tm);

#endif
