/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device program and the exceptions of cgroup v1 against the meaning of the rules: for each
 * letter of an access, the last rule that speaks of it decides. Random rules, every device and
 * every access.
 */
#include "plugins/cgroup/cgroup.h"

#include <linux/bpf.h>
#include <string.h>

#include "plugins/tap.h"

#define ROUNDS 3000

struct device {
    char type;
    int64_t major, minor;
};

/* --- the three ways to decide -------------------------------------------------------------------
 */

static bool matches(const struct device_rule *r, const struct device *d)
{
    return (r->type == 'a' || r->type == d->type) && (r->major < 0 || r->major == d->major) &&
           (r->minor < 0 || r->minor == d->minor);
}

static bool by_rules(const struct device_rules *rules, const struct device *d, unsigned access)
{
    for (unsigned letter = 1; letter <= DEVICE_WRITE; letter <<= 1) {
        bool allow = true;

        for (size_t i = 0; i < rules->n; i++)
            if (matches(&rules->at[i], d) && (rules->at[i].access & letter))
                allow = rules->at[i].allow;
        if ((access & letter) && !allow)
            return false;
    }
    return true;
}

/* As security/device_cgroup.c. */
static bool by_exceptions(const struct device_exceptions *e, const struct device *d,
                          unsigned access)
{
    for (size_t i = 0; i < e->n; i++) {
        if (!matches(&e->at[i], d))
            continue;
        if (e->allow ? (e->at[i].access & access) != 0 : !(access & ~e->at[i].access))
            return !e->allow;
    }
    return e->allow;
}

/* An interpreter of the few instructions that occur; `seen` marks what was executed. -1: bad code.
 */
static int by_program(const struct bpf_insn *at, size_t n, const struct device *d, unsigned access,
                      bool *seen)
{
    const struct bpf_cgroup_dev_ctx context = {
        .access_type = access << 16 | (d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
        .major = (__u32)d->major,
        .minor = (__u32)d->minor,
    };
    uint64_t reg[11] = {0};

    for (size_t i = 0; i < n; i++) {
        const struct bpf_insn *insn = &at[i];
        uint64_t *dst = &reg[insn->dst_reg];
        uint32_t imm = (uint32_t)insn->imm, low = (uint32_t)*dst;
        bool jump = false;

        seen[i] = true;
        switch (insn->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            if (insn->off < 0 || insn->off > 8 || insn->off % 4 || insn->src_reg != BPF_REG_1)
                return -1;
            memcpy(&low, (const char *)&context + insn->off, 4);
            *dst = low;
            break;
        case BPF_ALU | BPF_MOV | BPF_X:
            *dst = (uint32_t)reg[insn->src_reg];
            break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            *dst = (uint64_t)(int64_t)insn->imm;
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            *dst = low & imm;
            break;
        case BPF_ALU | BPF_RSH | BPF_K:
            *dst = low >> imm;
            break;
        case BPF_JMP32 | BPF_JNE | BPF_K:
            jump = low != imm;
            break;
        case BPF_JMP32 | BPF_JEQ | BPF_K:
            jump = low == imm;
            break;
        case BPF_JMP32 | BPF_JSET | BPF_K:
            jump = (low & imm) != 0;
            break;
        case BPF_JMP | BPF_JA:
            jump = true;
            break;
        case BPF_JMP | BPF_EXIT:
            return (int)reg[0];
        default:
            return -1;
        }
        if (jump) {
            if (insn->off < 0)
                return -1;
            i += (size_t)insn->off;
        }
    }
    return -1; /* ran over the end */
}

/* --- comparing ----------------------------------------------------------------------------------
 */

struct differences {
    unsigned program, exceptions, allowed_more, inexpressible, programs, denials;
};

static void compare(const struct device_rules *rules, struct differences *diff)
{
    struct bpf_insn *program;
    struct device_exceptions e;
    size_t n, culprit;
    bool *seen, v1;

    if (device_program(rules, &program, &n) < 0) {
        diff->program++;
        return;
    }
    v1 = device_exceptions(rules, &e, &culprit) == 0;
    diff->inexpressible += !v1;
    diff->programs += n != 0;
    seen = calloc(n + 1, sizeof(*seen));
    for (const char *type = "bc"; *type; type++)
        for (int number = 0; number < 9; number++)
            for (unsigned access = 1; access <= DEVICE_ALL; access++) {
                struct device d = {*type, number / 3, number % 3};
                bool allow = by_rules(rules, &d, access);

                diff->denials += !allow;
                diff->program += (n ? by_program(program, n, &d, access, seen) : 1) != allow;
                if (v1 && by_exceptions(&e, &d, access) != allow) {
                    diff->allowed_more += !allow;
                    diff->exceptions += !(access & (access - 1));
                }
            }
    free(seen);
    free(program);
    free(e.at);
}

static uint32_t next_random(void)
{
    static uint32_t x = 2463534242u;

    x ^= x << 13;
    x ^= x >> 17;
    return x ^= x << 5;
}

static void random_rule(struct device_rule *r)
{
    r->allow = next_random() >> 8 & 1;
    r->type = "abc"[(next_random() >> 8) % 3];
    r->major = (int64_t)((next_random() >> 8) % 4) - 1;
    r->minor = (int64_t)((next_random() >> 8) % 4) - 1;
    r->access = 1 + (next_random() >> 8) % DEVICE_ALL;
    if ((next_random() >> 8) % 4 == 0)
        r->access = DEVICE_ALL;
    if ((next_random() >> 8) % 6 == 0)
        *r = (struct device_rule){r->allow, 'a', -1, -1, DEVICE_ALL, 0};
}

static void test_random(void)
{
    struct differences diff = {0};
    struct device_rule at[8];

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct device_rules rules = {at, (next_random() >> 8) % 8};

        for (size_t k = 0; k < rules.n; k++)
            random_rule(&at[k]);
        compare(&rules, &diff);
    }
    ok(!diff.program, "program: decides as the rules do (%u programs, %u denials)", diff.programs,
       diff.denials);
    ok(!diff.exceptions, "v1: each letter decided as by the rules");
    ok(!diff.allowed_more, "v1: nothing allowed that the rules deny");
    ok(diff.inexpressible > 0 && diff.inexpressible < ROUNDS / 2,
       "v1: only some rules cannot be said (%u of %u)", diff.inexpressible, ROUNDS);
}

/* --- single cases -------------------------------------------------------------------------------
 */

static const struct device_rule deny_all = {false, 'a', -1, -1, DEVICE_ALL, 0};
static const struct device_rule allow_all = {true, 'a', -1, -1, DEVICE_ALL, 0};

static void test_cases(void)
{
    struct device_rule read_only[] = {deny_all, {true, 'c', 1, 3, DEVICE_READ, 1}};
    struct device_rule hole[] = {
        deny_all, {true, 'c', 1, -1, DEVICE_ALL, 1}, {false, 'c', 1, 3, DEVICE_ALL, 2}};
    struct device_rule reset[] = {{false, 'c', 1, 3, DEVICE_WRITE, 0}, allow_all};
    struct device_rule no_write[] = {{false, 'c', 1, 3, DEVICE_WRITE, 0}};
    struct device null = {'c', 1, 3};
    struct device_exceptions e;
    struct bpf_insn *program;
    size_t n, culprit;
    bool seen[64];

    device_program(&(struct device_rules){read_only, 2}, &program, &n);
    ok(by_program(program, n, &null, DEVICE_READ, seen) == 1 &&
           by_program(program, n, &null, DEVICE_READ | DEVICE_WRITE, seen) == 0,
       "read only: not opened for both");
    free(program);

    device_program(&(struct device_rules){no_write, 1}, &program, &n);
    ok(by_program(program, n, &null, DEVICE_READ | DEVICE_WRITE, seen) == 0,
       "writing denied: not opened for both");
    free(program);

    ok(device_program(&(struct device_rules){reset, 2}, &program, &n) == 0 && n > 0,
       "a denial that is taken back still has a sound program");
    free(program);
    ok(device_program(&(struct device_rules){(struct device_rule *)&allow_all, 1}, &program, &n) ==
               0 &&
           !n && !program,
       "nothing denied: no program");

    ok(device_exceptions(&(struct device_rules){hole, 3}, &e, &culprit) < 0 && culprit == 2,
       "v1: a hole in an exception is refused");
    free(e.at);
    ok(device_exceptions(&(struct device_rules){reset, 2}, &e, &culprit) == 0 && e.allow && !e.n,
       "v1: a rule for everything forgets the exceptions");
    free(e.at);
}

/* The kernel's verifier refuses code that nothing reaches. */
static void test_reachable(void)
{
    struct device_rule rules[] = {
        allow_all, deny_all, {true, 'c', 1, 3, DEVICE_READ, 0}, {false, 'b', 2, -1, DEVICE_ALL, 0}};
    unsigned dead = 0;

    for (size_t first = 0; first < 4; first++)
        for (size_t count = 1; first + count <= 4; count++) {
            struct bpf_insn *program;
            size_t n;
            bool reached[64] = {true};

            device_program(&(struct device_rules){&rules[first], count}, &program, &n);
            for (size_t i = 0; i < n; i++) {
                int class = BPF_CLASS(program[i].code), op = BPF_OP(program[i].code);
                bool jump = (class == BPF_JMP || class == BPF_JMP32) && op != BPF_EXIT;

                dead += !reached[i];
                if (jump)
                    reached[i + 1 + (size_t)program[i].off] = true;
                if (!jump || op != BPF_JA)
                    reached[i + 1] |= !(class == BPF_JMP && op == BPF_EXIT);
            }
            free(program);
        }
    ok(!dead, "program: no instruction that nothing reaches");
}

static void test_letters(void)
{
    unsigned access;

    ok(device_access("mwr", &access) == 0 && access == DEVICE_ALL, "letters in any order");
    ok(device_access("r", &access) == 0 && access == DEVICE_READ, "one letter");
    ok(device_access("rx", &access) < 0 && device_access("", &access) < 0, "other letters, none");
}

static void test_long(void)
{
    struct device_rule *at = calloc(20000, sizeof(*at));
    struct device_rules rules = {at, 20000};
    struct bpf_insn *program;
    size_t n;

    for (size_t i = 0; i < rules.n; i++)
        at[i] = (struct device_rule){i & 1, 'c', (int64_t)i, 1, DEVICE_ALL, 0};
    ok(device_program(&rules, &program, &n) < 0, "more rules than jumps can reach are refused");
    free(at);
}

int main(void)
{
    test_random();
    test_cases();
    test_reachable();
    test_letters();
    test_long();
    return done();
}
