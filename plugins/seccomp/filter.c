/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/seccomp/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#define LOAD (BPF_LD | BPF_W | BPF_ABS)

/* x32 is an architecture of its own to libseccomp, and to the kernel a bit in the numbers of x86_64. */
#define X32_BIT UINT32_C(0x40000000)
/* What a debugger writes to have a system call left out: never an architecture's, so it gets the default. */
#define NO_NUMBER UINT32_C(0xffffffff)

/* Numbers from this one on, up to the next range: an action, or entries to be asked. */
struct range {
    uint32_t first, action;
    const struct entry *entries;
    size_t n;
};

struct ranges {
    struct range *at;
    size_t n;
};

/* --- who decides ------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (x->call != y->call)
        return x->call < y->call ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Of rules for one system call the first without conditions decides alone, as with libseccomp. */
static void hide_others(struct entry *e, size_t n)
{
    size_t bare = 0;

    while (bare < n && e[bare].rule->n)
        bare++;
    for (size_t i = 0; bare < n && i < n; i++)
        e[i].hidden = i != bare;
}

/* How many of the entries have the number, and with `call` the call, of the first. */
static size_t alike(const struct entry *e, size_t n, bool call)
{
    size_t i = 0;

    while (i < n && e[i].number == e->number && (!call || e[i].call == e->call))
        i++;
    return i;
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void add_range(struct ranges *r, struct range range)
{
    struct range *last;

    if (r->n && r->at[r->n - 1].first == range.first)
        r->n--; /* nothing was between */
    last = r->n ? &r->at[r->n - 1] : NULL;
    if (!last || last->n || range.n || last->action != range.action)
        r->at[r->n++] = range;
}

static struct range decide(struct entry *e, size_t n, uint32_t otherwise)
{
    for (size_t i = 0, same; i < n; i += same) {
        same = alike(e + i, n - i, true);
        hide_others(e + i, same);
    }
    for (size_t i = 0; i < n; i++)
        if (!e[i].hidden && !e[i].call && !e[i].rule->n)
            return (struct range){e->number, e[i].rule->action, NULL, 0};
    return (struct range){e->number, otherwise, e, n};
}

/* At most two ranges for each number, and three around them. */
static bool make_ranges(struct ranges *r, struct section *s, uint32_t otherwise)
{
    if (!(r->at = calloc(2 * s->n + 3, sizeof(*r->at))))
        return false;
    if (s->n)
        qsort(s->entries, s->n, sizeof(*s->entries), by_number);
    add_range(r, (struct range){0, otherwise, NULL, 0});
    for (size_t i = 0, same; i < s->n; i += same) {
        same = alike(s->entries + i, s->n - i, false);
        add_range(r, decide(s->entries + i, same, otherwise));
        add_range(r, (struct range){s->entries[i].number + 1, otherwise, NULL, 0});
    }
    if (s->no_x32) {
        add_range(r, (struct range){X32_BIT, SECCOMP_RET_KILL_THREAD, NULL, 0});
        add_range(r, (struct range){NO_NUMBER, otherwise, NULL, 0});
    }
    return true;
}

/* --- code ------------------------------------------------------------------------------------- */

static place leaf(struct filter *f, const struct range *r)
{
    place next = filter_return(f, r->action);

    for (size_t i = r->n; i--;) {
        const struct entry *e = &r->entries[i];

        if (!e->hidden)
            next = e->call ? filter_call(f, e, next) : filter_rule(f, e->rule, next);
    }
    return next;
}

/* The number is searched by halves, and is still loaded when a leaf begins. */
static place tree(struct filter *f, const struct range *r, size_t n)
{
    size_t half = n / 2;
    place high, low;

    if (n == 1)
        return leaf(f, r);
    high = tree(f, r + half, n - half);
    low = tree(f, r, half);
    high = filter_near(f, high);
    low = filter_near(f, low);
    return filter_branch(f, BPF_JGE, r[half].first, high, low);
}

static place section(struct filter *f, struct section *s, uint32_t otherwise)
{
    struct ranges r = {0};
    place root = 0;

    if (make_ranges(&r, s, otherwise))
        root = tree(f, r.at, r.n);
    else
        f->failed = true;
    free(r.at);
    if (root != filter_here(f))
        filter_add(f, BPF_JMP | BPF_JA, (uint32_t)(filter_here(f) - root));
    return filter_add(f, LOAD, offsetof(struct seccomp_data, nr));
}

void filter_make(struct filter *f, uint32_t otherwise, struct section *sections, size_t n)
{
    place *begin = calloc(n, sizeof(*begin)), no;

    for (size_t i = n; begin && i--;)
        begin[i] = section(f, &sections[i], otherwise);
    no = filter_return(f, SECCOMP_RET_KILL_THREAD);
    for (size_t i = n; begin && i--;) {
        place yes = filter_near(f, begin[i]);

        no = filter_branch(f, BPF_JEQ, sections[i].architecture, yes, filter_near(f, no));
    }
    filter_add(f, LOAD, offsetof(struct seccomp_data, arch));
    filter_turn(f);
    f->failed |= !begin;
    free(begin);
}
