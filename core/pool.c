/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include <errno.h>
#include <string.h>

struct piece {
    uint32_t hash, offset, size; /* size 0: a free place */
};

void *vector_add(struct vector *v, size_t n, size_t row, size_t limit)
{
    size_t room = v->room ? v->room : 64;
    void *at;

    if (n > limit || v->count + n > limit / row) {
        errno = E2BIG;
        return NULL;
    }
    while (room < v->count + n)
        room *= 2;
    if (room > v->room) {
        at = realloc(v->at, room * row);
        if (!at)
            return NULL;
        v->at = at;
        v->room = room;
    }
    at = (char *)v->at + v->count * row;
    v->count += n;
    return at;
}

void pool_free(struct pool *pool)
{
    free(pool->bytes.at);
    free(pool->pieces);
}

void pool_put(struct pool *pool, const void *bytes, size_t size)
{
    void *at;

    if (pool->errnum || !size)
        return;
    at = vector_add(&pool->bytes, size, 1, pool->limit);
    if (at)
        memcpy(at, bytes, size);
    else
        pool->errnum = errno;
}

/* Eight bytes a step: an environment may be hundreds of kilobytes. */
static uint32_t hash_of(const char *at, size_t size)
{
    uint64_t hash = size, word;

    for (size_t n; size; at += n, size -= n) {
        n = size < sizeof word ? size : sizeof word;
        word = 0;
        memcpy(&word, at, n);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio: spreads upwards */
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

static bool serves(const struct pool *pool, const struct piece *p, const struct piece *wanted,
                   size_t align)
{
    const char *bytes = pool->bytes.at;

    return p->hash == wanted->hash && p->size == wanted->size && p->offset % align == 0 &&
           !memcmp(bytes + p->offset, bytes + wanted->offset, p->size);
}

/* The place of a piece that serves as well, or the free one where it belongs. */
static struct piece *place_of(const struct pool *pool, const struct piece *wanted, size_t align)
{
    for (size_t i = wanted->hash;; i++) {
        struct piece *p = &pool->pieces[i & (pool->room - 1)];

        if (!p->size || serves(pool, p, wanted, align))
            return p;
    }
}

/* The table is never more than half full. */
static bool table_grow(struct pool *pool)
{
    struct pool bigger = *pool;

    if (2 * (pool->n_pieces + 1) <= pool->room)
        return true;
    bigger.room = pool->room ? 2 * pool->room : 256;
    bigger.pieces = calloc(bigger.room, sizeof *bigger.pieces);
    if (!bigger.pieces)
        return false;
    for (size_t i = 0; i < pool->room; i++)
        if (pool->pieces[i].size)
            *place_of(&bigger, &pool->pieces[i], 1) = pool->pieces[i];
    free(pool->pieces);
    *pool = bigger;
    return true;
}

uint32_t pool_share(struct pool *pool, size_t start, size_t align)
{
    struct piece piece, *place;

    if (!pool->errnum && !table_grow(pool))
        pool->errnum = errno;
    if (pool->errnum)
        return 0;
    piece.offset = (uint32_t)start;
    piece.size = (uint32_t)(pool->bytes.count - start);
    piece.hash = hash_of((const char *)pool->bytes.at + start, piece.size);
    place = place_of(pool, &piece, align);
    if (place->size) {
        pool->bytes.count = start;
    } else {
        *place = piece;
        pool->n_pieces++;
    }
    return place->offset;
}
