/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan-encode.h"

#include <string.h>

static void put_string(const struct plan_encoder *e, const char *s)
{
    pool_put(e->pool, s, strlen(s) + 1);
}

/* A string that holds no late value, as a template. */
static void put_literal(const struct plan_encoder *e, const char *s)
{
    static const char escaped[] = {LATE_MARK, LATE_MARK};

    for (const char *mark; (mark = strchr(s, LATE_MARK)); s = mark + 1) {
        pool_put(e->pool, s, (size_t)(mark - s));
        pool_put(e->pool, escaped, sizeof escaped);
    }
    put_string(e, s);
}

/* The types of argument that a value can be. */
static const char *const value_fits[] = {
    [VALUE_NUMBER] = "udoxnapchL", [VALUE_STRING] = "st",   [VALUE_TEMPLATE] = "t",
    [VALUE_LIST] = "lT",           [VALUE_TEMPLATES] = "T", [VALUE_BYTES] = "b",
    [VALUE_SLOT] = "rw",
};

static const char *put_text(const struct plan_encoder *e, char type, bool literal, const char *s)
{
    if (type == 's' || type == 'l') {
        put_string(e, s);
    } else if (literal) {
        put_literal(e, s);
    } else {
        for (const char *mark = s; (mark = strchr(mark, LATE_MARK)); mark += 2)
            if (mark[1] != LATE_MARK && (mark[1] < 'A' || (unsigned)(mark[1] - 'A') >= e->n_lates))
                return "unknown late value";
        put_string(e, s);
    }
    return NULL;
}

static const char *encode_list(const struct plan_encoder *e, char type, const struct plan_value *v,
                               uint64_t *arg)
{
    const char *const *s = v->at, *why;
    size_t start = e->pool->bytes.count;
    uint32_t count = 0;

    for (; s && *s; s++, count++)
        if ((why = put_text(e, type, v->type == VALUE_LIST, *s)))
            return why;
    *arg = count ? (uint64_t)pool_share(e->pool, start, 1) << 32 | count : 0;
    return NULL;
}

/* Interpreters and system calls read numbers in such bytes: they are aligned like the plan. */
static const char *encode_bytes(const struct plan_encoder *e, const struct plan_value *v,
                                uint64_t *arg)
{
    static const char zeros[8];

    if (!v->number)
        return NULL;
    if (!v->at)
        return "a size without bytes";
    pool_put(e->pool, zeros, -e->pool->bytes.count % sizeof zeros);

    size_t start = e->pool->bytes.count;

    pool_put(e->pool, v->at, v->number);
    *arg = (uint64_t)pool_share(e->pool, start, sizeof zeros) << 32 | (uint32_t)v->number;
    return NULL;
}

const char *plan_encode(const struct plan_encoder *e, char type, const struct plan_value *v,
                        uint64_t *arg)
{
    size_t start = e->pool->bytes.count;
    const char *why;

    if ((unsigned)v->type >= ARRAY_SIZE(value_fits) || !strchr(value_fits[v->type], type))
        return "a value of another type";
    switch (v->type) {
    case VALUE_STRING:
    case VALUE_TEMPLATE:
        if (!v->at)
            return NULL;
        why = put_text(e, type, v->type == VALUE_STRING, v->at);
        *arg = why ? 0 : pool_share(e->pool, start, 1);
        return why;
    case VALUE_LIST:
    case VALUE_TEMPLATES:
        return encode_list(e, type, v, arg);
    case VALUE_BYTES:
        return encode_bytes(e, v, arg);
    case VALUE_SLOT:
        if (v->number >= e->n_slots)
            return "unknown slot";
        break;
    case VALUE_NUMBER:
        if (type == 'L' && v->number >= e->n_lates)
            return "unknown late value";
        break;
    }
    *arg = v->number;
    return NULL;
}
