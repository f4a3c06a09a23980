/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors that grow, and a pool of bytes in which equal pieces are stored once. For the plan
 * builder.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/base.h"

struct vector {
    void *at;
    size_t count, room;
};

/* `n` more rows, whose content is the caller's to write. NULL: errno is ENOMEM, or E2BIG if all
 * rows together would exceed `limit` bytes. */
void *vector_add(struct vector *v, size_t n, size_t row, size_t limit);

struct pool {
    size_t limit; /* in bytes */
    int errnum;   /* the first error; nothing is added behind it */
    struct vector bytes;
    struct piece *pieces; /* hash table; its room is a power of two, or 0 */
    size_t n_pieces, room;
};

void pool_free(struct pool *pool);

/* A piece is put part by part; then pool_share() gives the offset of all that was put from `start`
 * on. If the same already lies at an offset that is a multiple of `align`, that one serves for
 * both. */
void pool_put(struct pool *pool, const void *bytes, size_t size);
uint32_t pool_share(struct pool *pool, size_t start, size_t align);

#endif
