/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow. What fails leaves `failed` behind, to be looked at once, at the end. */
#ifndef PLUGINS_VM_BUFFER_H
#define PLUGINS_VM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *at;
    size_t length, room;
    bool failed;
};

#define auto_buffer __attribute__((cleanup(buffer_free)))

void buffer_free(struct buffer *b);
void buffer_append(struct buffer *b, const void *bytes, size_t size);
void buffer_put(struct buffer *b, const char *string); /* without its NUL */
void buffer_print(struct buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_zeros(struct buffer *b, size_t count);

/* With a NUL behind it, which is not counted; NULL if anything has failed. */
const char *buffer_text(struct buffer *b);

#endif
