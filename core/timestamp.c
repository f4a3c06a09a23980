/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timestamp.h"

#include <time.h>

#include "core/base.h"

/* Not gmtime_r(3): glibc's reads the time zone's file for it. The date follows from the day's number by
 * counting years from March on, so that the leap day comes last. */
void timestamp(char text[TIMESTAMP_SIZE])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    long day = now.tv_sec / 86400 + 719468, second = now.tv_sec % 86400;
    long era = day / 146097, of_era = day % 146097;
    long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

    snprintf(text, TIMESTAMP_SIZE, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ",
             year + era * 400 + (month >= 10), month < 10 ? month + 3 : month - 9,
             of_year - (153 * month + 2) / 5 + 1, second / 3600, second / 60 % 60, second % 60,
             now.tv_nsec);
}
