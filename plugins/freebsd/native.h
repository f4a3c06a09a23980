/* SPDX-License-Identifier: Apache-2.0 */
/* FreeBSD itself behind the table of os.h. */
#ifndef PLUGINS_FREEBSD_NATIVE_H
#define PLUGINS_FREEBSD_NATIVE_H

#include "plugins/freebsd/os.h"

/* `self` of the calls: at most one child waits for proceed(). */
struct native {
    int channel; /* to that child */
};

extern const struct os native_os;

#endif
