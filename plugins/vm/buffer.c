/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_free(struct buffer *b)
{
    free(b->at);
}

static bool reserve(struct buffer *b, size_t more)
{
    size_t room = b->room ? b->room : 256;
    char *at;

    if (b->failed || more > (size_t)1 << 40) {
        b->failed = true;
        return false;
    }
    while (room < b->length + more)
        room *= 2;
    if (room == b->room)
        return true;
    if (!(at = realloc(b->at, room))) {
        b->failed = true;
        return false;
    }
    b->at = at;
    b->room = room;
    return true;
}

void buffer_append(struct buffer *b, const void *bytes, size_t size)
{
    if (!size || !reserve(b, size))
        return;
    memcpy(b->at + b->length, bytes, size);
    b->length += size;
}

void buffer_put(struct buffer *b, const char *string)
{
    buffer_append(b, string, strlen(string));
}

void buffer_print(struct buffer *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(ap);
    if (n < 0 || !reserve(b, (size_t)n + 1)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(b->at + b->length, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->length += (size_t)n;
}

void buffer_zeros(struct buffer *b, size_t count)
{
    if (!count || !reserve(b, count))
        return;
    memset(b->at + b->length, 0, count);
    b->length += count;
}

const char *buffer_text(struct buffer *b)
{
    if (!reserve(b, 1))
        return NULL;
    b->at[b->length] = '\0';
    return b->at;
}
