/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules as an eBPF program for cgroup v2 (BPF_PROG_TYPE_CGROUP_DEVICE).
 *
 * An access may ask for several letters at once (open for reading and writing), and different rules
 * may decide them. So the rules are taken from the last to the first, with the letters not yet
 * decided in a register: a rule that denies one of them ends it, a rule that allows some takes
 * those out.
 */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

_Static_assert(DEVICE_MKNOD == BPF_DEVCG_ACC_MKNOD && DEVICE_READ == BPF_DEVCG_ACC_READ &&
                   DEVICE_WRITE == BPF_DEVCG_ACC_WRITE,
               "the letters are the kernel's");

enum { CONTEXT = BPF_REG_1, TYPE, ACCESS, MAJOR, MINOR }; /* registers */

/* Where a jump leads, in its offset until that is known; all jumps lead forward. */
enum { TO_ALLOW = -1, TO_DENY = -2, TO_NEXT_RULE = -3 };

#define RULE_INSNS   6 /* at most */
#define AROUND_INSNS 10

struct code {
    struct bpf_insn *at;
    size_t n;
};

static void emit(struct code *c, int op, int dst, int src, int off, int64_t imm)
{
    struct bpf_insn *insn = &c->at[c->n++];

    memset(insn, 0, sizeof(*insn));
    insn->code = (__u8)op;
    insn->dst_reg = (__u8)(dst & 15);
    insn->src_reg = (__u8)(src & 15);
    insn->off = (__s16)off;
    insn->imm = (__s32)(uint32_t)imm;
}

static void emit_load(struct code *c, int reg, size_t offset)
{
    emit(c, BPF_LDX | BPF_MEM | BPF_W, reg, CONTEXT, (int)offset, 0);
}

static void emit_jump_if(struct code *c, int condition, int reg, int64_t value, int to)
{
    emit(c, BPF_JMP32 | condition | BPF_K, reg, 0, to, value);
}

static void emit_jump(struct code *c, int to)
{
    emit(c, BPF_JMP | BPF_JA, 0, 0, to, 0);
}

static void emit_verdict(struct code *c, bool allow)
{
    emit(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
    emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Every jump of this kind from `start` on now leads to the end of the code. Whether there was one.
 */
static int land(struct code *c, size_t start, int to)
{
    int jumps = 0;

    for (size_t i = start; i < c->n; i++) {
        if (c->at[i].off != to)
            continue;
        if (c->n - i - 1 > INT16_MAX) {
            errno = E2BIG;
            return -1;
        }
        c->at[i].off = (__s16)(c->n - i - 1);
        jumps++;
    }
    return jumps;
}

/* true: the rule decides everything that is left, so that no earlier one is ever reached. */
static bool emit_rule(struct code *c, const struct device_rule *rule)
{
    size_t start = c->n;
    int verdict = rule->allow ? TO_ALLOW : TO_DENY;

    if (rule->type != 'a')
        emit_jump_if(c, BPF_JNE, TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR,
                     TO_NEXT_RULE);
    if (rule->major >= 0)
        emit_jump_if(c, BPF_JNE, MAJOR, rule->major, TO_NEXT_RULE);
    if (rule->minor >= 0)
        emit_jump_if(c, BPF_JNE, MINOR, rule->minor, TO_NEXT_RULE);
    if (rule->access == DEVICE_ALL) {
        if (c->n == start)
            return true;
        emit_jump(c, verdict);
    } else if (rule->allow) {
        emit(c, BPF_ALU | BPF_AND | BPF_K, ACCESS, 0, 0, DEVICE_ALL & ~rule->access);
        emit_jump_if(c, BPF_JEQ, ACCESS, 0, verdict);
    } else {
        emit_jump_if(c, BPF_JSET, ACCESS, rule->access, verdict);
    }
    land(c, start, TO_NEXT_RULE);
    return false;
}

/* Every way that is not decided yet ends in `last`, then come the ways to the other verdict. */
static int emit_end(struct code *c, bool last)
{
    int others;

    if (land(c, 0, last ? TO_ALLOW : TO_DENY) < 0)
        return -1;
    emit_verdict(c, last);
    others = land(c, 0, last ? TO_DENY : TO_ALLOW);
    if (others > 0) /* the kernel refuses a program with a part that nothing reaches */
        emit_verdict(c, !last);
    return others < 0 ? -1 : 0;
}

static int generate(struct code *c, const struct device_rules *rules)
{
    bool last = true; /* the verdict if no rule says anything */

    emit_load(c, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    emit(c, BPF_ALU | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
    emit(c, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
    emit(c, BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
    emit_load(c, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    emit_load(c, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (size_t i = rules->n; i-- > 0;) {
        if (emit_rule(c, &rules->at[i])) {
            last = rules->at[i].allow;
            break;
        }
    }
    return emit_end(c, last);
}

int device_program(const struct device_rules *rules, struct bpf_insn **program, size_t *n)
{
    struct code c = {0};
    bool denies = false;

    *program = NULL;
    *n = 0;
    for (size_t i = 0; i < rules->n; i++)
        denies |= !rules->at[i].allow;
    if (!denies)
        return 0;
    c.at = calloc(rules->n * RULE_INSNS + AROUND_INSNS, sizeof(*c.at));
    if (!c.at)
        return -1;
    if (generate(&c, rules) < 0) {
        free(c.at);
        return -1;
    }
    *program = c.at;
    *n = c.n;
    return 0;
}
