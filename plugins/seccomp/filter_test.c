/* SPDX-License-Identifier: Apache-2.0 */
/* Random rules for random numbers: what the filter answers to calls around them is what reading the rules one by one
 * tells. */
#include "plugins/seccomp/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/seccomp/bpf-run.h"
#include "plugins/tap.h"

#define ENTRIES 600
#define RULES   40
#define CALLS   400

static const uint32_t architectures[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64};
static const uint32_t actions[] = {SECCOMP_RET_ALLOW,          SECCOMP_RET_ERRNO | 1,
                                   SECCOMP_RET_ERRNO | 38,     SECCOMP_RET_LOG,
                                   SECCOMP_RET_KILL_PROCESS,   SECCOMP_RET_KILL_THREAD,
                                   SECCOMP_RET_TRACE | 0x1234, SECCOMP_RET_TRAP};

static struct rule rules[RULES];
static struct condition conditions[RULES][6];
static struct entry entries[3][ENTRIES];

static unsigned below(unsigned n)
{
    return (unsigned)random() % n;
}

/* Halves that meet each other often. */
static uint64_t value(void)
{
    static const uint32_t halves[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff};

    return (uint64_t)halves[below(6)] << 32 | halves[below(6)];
}

static void random_condition(struct condition *c, uint32_t index)
{
    const struct operator* op = operator_of(operator_names[below(7)]);
    uint64_t mask = op->masked ? value() : UINT64_MAX;

    *c = (struct condition){index, op, mask, value() & mask};
}

static void random_rule(size_t i)
{
    size_t n = below(3) ? below(7) : 0;

    for (size_t k = 0; k < n; k++)
        random_condition(&conditions[i][k], (uint32_t)k);
    rules[i] = (struct rule){actions[below(8)], conditions[i], n, n > 1 && !below(4)};
}

/* --- the same, read one by one ---------------------------------------------------------------- */

static bool holds(const struct condition *c, const struct seccomp_data *d)
{
    uint64_t a = d->args[c->index];

    switch (c->op->name[strlen("SCMP_CMP_")] << 8 | c->op->name[strlen("SCMP_CMP_") + 1]) {
    case 'N' << 8 | 'E':
        return a != c->value;
    case 'L' << 8 | 'T':
        return a < c->value;
    case 'L' << 8 | 'E':
        return a <= c->value;
    case 'E' << 8 | 'Q':
        return a == c->value;
    case 'G' << 8 | 'E':
        return a >= c->value;
    case 'G' << 8 | 'T':
        return a > c->value;
    default:
        return (a & c->mask) == c->value;
    }
}

static bool matches(const struct entry *e, const struct seccomp_data *d)
{
    size_t held = 0;

    if (e->number != (uint32_t)d->nr || (e->call && (d->args[0] & e->mask) != e->call))
        return false;
    if (e->call || !e->rule->n)
        return true;
    for (size_t i = 0; i < e->rule->n; i++)
        held += holds(&e->rule->conditions[i], d);
    return e->rule->alternatives ? held > 0 : held == e->rule->n;
}

/* Of the entries in the order of their rules: without conditions, then the others. */
static uint32_t answer(const struct section *s, const struct seccomp_data *d, uint32_t otherwise)
{
    for (int bare = 2; bare >= 0; bare--) {
        const struct entry *first = NULL;

        for (size_t i = 0; i < s->n; i++) {
            const struct entry *e = &s->entries[i];
            int rank = e->rule->n ? 0 : e->call ? 1 : 2;

            if (rank == bare && matches(e, d) && (!first || e->order < first->order))
                first = e;
        }
        if (first)
            return first->rule->action;
    }
    return s->no_x32 && (uint32_t)d->nr >= 0x40000000 && d->nr != -1 ? SECCOMP_RET_KILL_THREAD
                                                                     : otherwise;
}

/* --- comparing -------------------------------------------------------------------------------- */

static size_t make_entries(struct entry *e, size_t n, unsigned numbers)
{
    for (size_t i = 0; i < n; i++) {
        size_t rule = below(RULES);

        e[i] = (struct entry){.number = below(numbers), .order = rule, .rule = &rules[rule]};
        if (!below(20)) {
            e[i].number = numbers;
            e[i].call = 1 + below(3);
            e[i].mask = numbers % 2 ? 0xffff : 0xffffffff;
        }
    }
    return n;
}

static struct seccomp_data random_call(const struct section *s, size_t n)
{
    const struct section *one = &s[below((unsigned)n)];
    struct seccomp_data d = {.arch = below(9) ? one->architecture : AUDIT_ARCH_S390X};

    d.nr = one->n && below(9) ? (int)one->entries[below((unsigned)one->n)].number + (int)below(2)
           : below(2)         ? -1
                              : (int)(0x40000000 + below(3));
    for (int i = 0; i < 6; i++)
        d.args[i] = value();
    if (!below(3))
        d.args[0] = 1 + below(4) + ((uint64_t)below(2) << 32) + ((uint64_t)below(2) << 16);
    return d;
}

/* Copies, as the filter hides and sorts its own. */
static unsigned wrong_answers(const struct filter *f, const struct section *s, size_t n,
                              uint32_t otherwise)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < CALLS; i++) {
        struct seccomp_data d = random_call(s, n);
        uint32_t right = SECCOMP_RET_KILL_THREAD;

        for (size_t k = 0; k < n; k++)
            if (s[k].architecture == d.arch)
                right = answer(&s[k], &d, otherwise);
        wrong += bpf_run(f->code, &d) != right;
    }
    return wrong;
}

static bool try(unsigned numbers, size_t most)
{
    struct section s[3] = {0};
    struct filter f = {0};
    size_t n = 1 + below(3);
    uint32_t otherwise = actions[below(8)];
    bool good;

    for (size_t i = 0; i < RULES; i++)
        random_rule(i);
    for (size_t i = 0; i < n; i++)
        s[i] = (struct section){architectures[i], !i && below(2), entries[i],
                                make_entries(entries[i], below((unsigned)most), numbers), ENTRIES};
    filter_make(&f, otherwise, s, n);
    good = !f.failed && (f.n > BPF_MAXINSNS ||
                         (bpf_is_sound(f.code, f.n) && !wrong_answers(&f, s, n, otherwise)));
    free(f.code);
    return good;
}

static void test_random(const char *what, unsigned numbers, size_t most)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < 500; i++)
        wrong += !try(numbers, most);
    ok(!wrong, "%s: of 500 filters %u are wrong", what, wrong);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void test_sizes(void)
{
    static struct rule allow = {.action = SECCOMP_RET_ALLOW};
    struct section s = {.architecture = AUDIT_ARCH_X86_64, .entries = entries[0]};
    struct filter f = {0}, g = {0};

    filter_make(&f, SECCOMP_RET_ERRNO | 1, &s, 1);
    ok(f.n == 5, "no rules: %zu instructions", f.n);
    for (s.n = 0; s.n < ENTRIES; s.n++)
        entries[0][s.n] = (struct entry){.number = (uint32_t)s.n, .rule = &allow};
    filter_make(&g, SECCOMP_RET_ERRNO | 1, &s, 1);
    ok(g.n == 7, "600 neighbours alike: %zu instructions", g.n);
    free(f.code);
    free(g.code);
}

/* A bare rule behind others, for the same number, decides alone: as with libseccomp. */
static void test_bare_rule(void)
{
    struct condition one = {0, operator_of("SCMP_CMP_EQ"), UINT64_MAX, 1};
    struct rule conditional = {SECCOMP_RET_ALLOW, &one, 1, false},
                bare = {SECCOMP_RET_ERRNO | 2, NULL, 0, false},
                second = {SECCOMP_RET_TRAP, NULL, 0, false};
    struct entry e[] = {{.number = 7, .order = 0, .rule = &conditional},
                        {.number = 7, .order = 1, .rule = &bare},
                        {.number = 7, .order = 2, .rule = &second}};
    struct section s = {.architecture = AUDIT_ARCH_X86_64, .entries = e, .n = 3};
    struct seccomp_data d = {.nr = 7, .arch = AUDIT_ARCH_X86_64, .args = {1}};
    struct filter f = {0};

    filter_make(&f, SECCOMP_RET_ERRNO | 1, &s, 1);
    ok(bpf_run(f.code, &d) == (SECCOMP_RET_ERRNO | 2), "the first rule without conditions decides");
    free(f.code);
}

int main(void)
{
    srandom(1);
    test_random("a few rules", 5, 8);
    test_random("many rules for few calls", 4, 60);
    test_random("many rules", 300, 400);
    test_random("rules far apart", 1 << 20, ENTRIES);
    test_sizes();
    test_bare_rule();
    return done();
}
