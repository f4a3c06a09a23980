/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/numa/nodes.h"

/* Behind the digits, or NULL without any. Numbers that are too large stay so. */
static const char *number(const char *at, unsigned *n)
{
    const char *start = at;

    for (*n = 0; *at >= '0' && *at <= '9'; at++)
        if (*n < NODES_MAX)
            *n = *n * 10 + (unsigned)(*at - '0');
    return at > start ? at : NULL;
}

static void add(struct nodes *nodes, unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++)
        nodes->mask[n / NODES_PER_WORD] |= 1UL << n % NODES_PER_WORD;
    if (nodes->bits <= last)
        nodes->bits = last + 1;
}

_Static_assert(NODES_MAX == 32768, "the error below names the last node");

const char *nodes_parse(const char *list, struct nodes *nodes)
{
    *nodes = (struct nodes){0};
    for (const char *at = list;; at++) {
        unsigned first, last;

        at = number(at, &first);
        last = first;
        if (at && *at == '-')
            at = number(at + 1, &last);
        if (!at || (*at && *at != ','))
            return "is not a list of nodes such as 0-3,7";
        if (last < first)
            return "has a range that ends before it begins";
        if (last >= NODES_MAX)
            return "names a node behind 32767, the last that the kernel can be told";
        add(nodes, first, last);
        if (!*at)
            return NULL;
    }
}

size_t nodes_size(const struct nodes *nodes)
{
    return (nodes->bits + NODES_PER_WORD - 1) / NODES_PER_WORD * sizeof(nodes->mask[0]);
}
