/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_INTTYPES_H
#define TESTS_FREEBSD_INTTYPES_H

#include <stdint.h>
#define PRIu32 "u"
#define PRIu64 "lu"
#define PRId64 "ld"
#define PRIx64 "lx"
#define PRIx32 "x"
#define PRIi64 "li"
#define PRIo32 "o"
#define PRId32 "d"
#define SCNu64 "lu"

#endif
