/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule asks of the arguments. The kernel's filters compute with 32 bits: an argument is looked at in halves. */
#include <endian.h>
#include <linux/seccomp.h>

#include "plugins/seccomp/filter.h"

#define LOAD (BPF_LD | BPF_W | BPF_ABS)

enum half { LOW, HIGH };

static uint32_t half_of(uint64_t value, enum half half)
{
    return (uint32_t)(half == HIGH ? value >> 32 : value);
}

static place load(struct filter *f, const struct condition *c, enum half half)
{
    size_t offset = offsetof(struct seccomp_data, args) + c->index * sizeof(uint64_t);

    if (c->op->masked)
        filter_add(f, BPF_ALU | BPF_AND | BPF_K, half_of(c->mask, half));
    if ((half == HIGH) == (BYTE_ORDER == LITTLE_ENDIAN))
        offset += sizeof(uint32_t);
    return filter_add(f, LOAD, (uint32_t)offset);
}

static place condition(struct filter *f, const struct condition *c, place yes, place no)
{
    uint32_t high = half_of(c->value, HIGH), low = half_of(c->value, LOW);
    place low_half;

    if (c->op->contrary) {
        place swapped = yes;

        yes = no;
        no = swapped;
    }
    filter_branch(f,
                  c->op->comparison == EQUAL     ? BPF_JEQ
                  : c->op->comparison == GREATER ? BPF_JGT
                                                 : BPF_JGE,
                  low, yes, no);
    low_half = load(f, c, LOW);
    filter_branch(f, BPF_JEQ, high, low_half, no);
    if (c->op->comparison != EQUAL)
        filter_branch(f, BPF_JGT, high, yes, filter_here(f));
    return load(f, c, HIGH);
}

static place conjunction(struct filter *f, const struct condition *c, size_t n, uint32_t action,
                         place next)
{
    place yes = filter_return(f, action);

    while (n--)
        yes = condition(f, &c[n], yes, next);
    return yes;
}

place filter_rule(struct filter *f, const struct rule *rule, place next)
{
    if (!rule->alternatives)
        return conjunction(f, rule->conditions, rule->n, rule->action, next);
    for (size_t i = rule->n; i--;)
        next = conjunction(f, &rule->conditions[i], 1, rule->action, next);
    return next;
}

/* Behind what selects the call lies a pointer to the arguments, and no filter sees what is there. */
place filter_call(struct filter *f, const struct entry *e, place next)
{
    static const struct operator masked = {"", EQUAL, false, true};
    struct condition c = {0, &masked, e->mask, e->call};

    return conjunction(f, &c, 1, e->rule->action, next);
}
