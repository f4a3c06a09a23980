/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <string.h>

#include "core/base.h"

/* Bytes of the character at `p` (p < end), or 0: not UTF-8 (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF). */
static inline size_t utf8_length(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t length = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    if (!length || u[0] > 0xf4 || length > (size_t)(end - p))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return length;
}

static inline bool utf8_valid(const char *s)
{
    for (size_t n; *s; s += n)
        if (!(n = utf8_length(s, s + strnlen(s, 4))))
            return false;
    return true;
}

#endif
