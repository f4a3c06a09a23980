/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DURATION_H
#define CORE_DURATION_H

#include "core/base.h"

/* "5s", "500ms", "1m30s", "1.5h": numbers with units, as engines write them, in nanoseconds. -1: it is none, none
 * above 0, or none that an int64_t holds. */
int64_t duration_parse(const char *text);

#endif
