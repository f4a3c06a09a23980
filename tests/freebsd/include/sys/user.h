/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_USER_H
#define TESTS_FREEBSD_SYS_USER_H

/* Of the process's description, what is looked at. */
#include <sys/time.h>
#define SZOMB 5
struct kinfo_proc {
    struct timeval ki_start;
    char ki_stat;
    int ki_numthreads;
};


#endif
