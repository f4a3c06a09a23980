/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/agent/records.h"

#include <string.h>

#include "plugins/vm/agent/agent.h"

static int image_note(struct agent *a, const struct record *r, struct problem *why);

/* In the order in which they are carried out. A route may need another one, whichever comes first: they are tried
 * again as long as that helps. */
/* clang-format off */
static const struct kind {
    const char *name;
    unsigned least, most; /* words */
    bool again;
    record_function *function;
} kinds[] = {
    {"image",     2, 2,  false, image_note},
    {"share",     3, 4,  false, share_mount},
    {"lower",     3, 3,  false, lower_mount},
    {"link",      4, 4,  false, link_put_aside},
    {"link",      4, 4,  false, link_name},
    {"address",   4, 8,  false, address_add},
    {"link",      4, 4,  false, link_up},
    {"neighbour", 4, 4,  false, neighbour_add},
    {"route",     4, 16, true,  route_add},
};
/* clang-format on */

/* The root file system comes before all else, and is there without a record, too. */
static int image_note(struct agent *a, const struct record *r, struct problem *why)
{
    (void)a, (void)r, (void)why;
    return 0;
}

static int split(const char *bytes, size_t size, struct record *r)
{
    r->n = 0;
    if (!size || bytes[size - 1])
        return -1;
    for (const char *at = bytes; at < bytes + size; at += strlen(at) + 1) {
        if (r->n == RECORD_WORDS)
            return -1;
        r->word[r->n++] = at;
    }
    return r->n ? 0 : -1;
}

static bool is_kind(const struct kind *k, const struct record *r)
{
    return !strcmp(k->name, r->word[0]) && r->n >= k->least && r->n <= k->most;
}

int records_add(struct records *records, const void *bytes, size_t size)
{
    const uint16_t length = (uint16_t)size;
    struct record r;

    if (sizeof records->bytes - records->size < sizeof length + size || split(bytes, size, &r) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!is_kind(&kinds[i], &r))
            continue;
        memcpy(records->bytes + records->size, &length, sizeof length);
        memcpy(records->bytes + records->size + sizeof length, bytes, size);
        records->size += sizeof length + size;
        return 0;
    }
    return -1;
}

/* The record at *at, which goes on to the next one. */
static bool next(const struct records *records, size_t *at, struct record *r)
{
    uint16_t length;

    if (*at == records->size)
        return false;
    memcpy(&length, records->bytes + *at, sizeof length);
    if (split(records->bytes + *at + sizeof length, length, r) < 0)
        return false;
    *at += sizeof length + length;
    return true;
}

static int once(struct agent *a, const struct kind *k, struct problem *why)
{
    struct record r;
    size_t at = 0;

    while (next(&a->records, &at, &r))
        if (is_kind(k, &r) && k->function(a, &r, why) < 0)
            return -1;
    return 0;
}

/* Every round that leaves fewer failures than the one before may have helped the rest. */
static int again(struct agent *a, const struct kind *k, struct problem *why)
{
    unsigned failures, before = ~0u;

    for (;; before = failures) {
        struct record r;
        size_t at = 0;

        failures = 0;
        while (next(&a->records, &at, &r))
            if (is_kind(k, &r) && k->function(a, &r, why) < 0)
                failures++;
        if (!failures)
            return 0;
        if (failures >= before)
            return -1;
    }
}

static const char *image(const struct records *records)
{
    struct record r;
    size_t at = 0;

    while (next(records, &at, &r))
        if (r.n == 2 && !strcmp(r.word[0], "image"))
            return r.word[1];
    return NULL;
}

int records_carry_out(struct agent *a, struct problem *why)
{
    if (a->machine && root_enter(image(&a->records), why) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if ((kinds[i].again ? again : once)(a, &kinds[i], why) < 0)
            return -1;
    return 0;
}

const char *record_option(const struct record *r, unsigned from, const char *name)
{
    for (unsigned i = from; i + 1 < r->n; i += 2)
        if (!strcmp(r->word[i], name))
            return r->word[i + 1];
    return NULL;
}
