/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/cpu-list.h"

/* Behind the digits, or NULL without any. Numbers that are too large stay so. */
static const char *number(const char *at, unsigned *n)
{
    const char *start = at;

    for (*n = 0; *at >= '0' && *at <= '9'; at++)
        if (*n < CPUS_MAX)
            *n = *n * 10 + (unsigned)(*at - '0');
    return at > start ? at : NULL;
}

/* The specification's schema lets blanks into a list; within a range they mean nothing. */
static const char *blanks(const char *at)
{
    while (at && *at == ' ')
        at++;
    return at;
}

static void add(struct cpu_list *list, unsigned first, unsigned last)
{
    size_t size = (last / CPUS_PER_WORD + 1) * sizeof list->mask[0];

    for (unsigned n = first; n <= last; n++)
        list->mask[n / CPUS_PER_WORD] |= 1UL << n % CPUS_PER_WORD;
    if (list->size < size)
        list->size = size;
}

_Static_assert(CPUS_MAX == 8192, "the error below names the last CPU");

const char *cpu_list_parse(const char *text, struct cpu_list *list)
{
    *list = (struct cpu_list){0};
    for (const char *at = text;; at++) {
        unsigned first, last;

        at = number(blanks(at), &first);
        last = first;
        if (at && *at == '-')
            at = number(at + 1, &last);
        at = blanks(at);
        if (!at || (*at && *at != ','))
            return "is not a list of CPUs such as 0-3,7";
        if (last < first)
            return "has a range that ends before it begins";
        if (last >= CPUS_MAX)
            return "names a CPU behind 8191, the last that a kernel can have";
        add(list, first, last);
        if (!*at)
            return NULL;
    }
}
