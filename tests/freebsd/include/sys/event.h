/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_EVENT_H
#define TESTS_FREEBSD_SYS_EVENT_H

/* kqueue(2) */
#include <time.h>
#define EVFILT_PROC (-5)
#define EV_ADD      0x0001
#define NOTE_EXIT   0x80000000
struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
    uint64_t ext[4];
};
#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_)                             \
    (*(event) = (struct kevent){.ident = (ident_), .filter = (filter_), .flags = (flags_),         \
                                .fflags = (fflags_), .data = (data_), .udata = (udata_)})
int kqueue(void);
int kevent(int queue, const struct kevent *changes, int n_changes, struct kevent *events, int n_events,
           const struct timespec *time);

#endif
