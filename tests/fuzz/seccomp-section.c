/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/seccomp-section.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <string.h>

#define NONE UINT32_MAX

/* The numbers of x86_64 (and, with a bit more, x32) and of i386. */
static const struct {
    const char *name;
    uint32_t number, i386;
} calls[] = {
    {"read", 0, 3},        {"write", 1, 4},           {"socket", 41, 359},
    {"clone", 56, 120},    {"personality", 135, 136}, {"mount", 165, 21},
    {"openat", 257, 295},  {"bpf", 321, 357},         {"clone3", 435, 435},
    {"openat2", 437, 437}, {"_newselect", NONE, 142}, {"unheard_of", NONE, NONE},
};
#define WRITE   1
#define UNHEARD (ARRAY_SIZE(calls) - 1)

static const struct {
    const char *name;
    uint32_t value, most;
} actions[] = {
    {"SCMP_ACT_ALLOW", 0x7fff0000, 0},        {"SCMP_ACT_ERRNO", 0x00050000, 4095},
    {"SCMP_ACT_LOG", 0x7ffc0000, 0},          {"SCMP_ACT_TRACE", 0x7ff00000, 65535},
    {"SCMP_ACT_NOTIFY", 0x7fc00000, 0},       {"SCMP_ACT_TRAP", 0x00030000, 0},
    {"SCMP_ACT_KILL_THREAD", 0, 0},           {"SCMP_ACT_KILL", 0, 0},
    {"SCMP_ACT_KILL_PROCESS", 0x80000000, 0},
};
enum { ALLOW, ERRNO, LOG, TRACE, NOTIFY };

static const char *const operators[] = {"NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"};
enum { NE, LT, LE, EQ, GE, GT, MASKED };

/* --- making ----------------------------------------------------------------------------------- */

static uint32_t take(struct bytes *in, uint32_t below)
{
    in->noise = in->noise * 1664525 + 1013904223;
    if (!in->left)
        return (in->noise >> 8) % below;
    in->left--;
    in->noise ^= (unsigned char)*in->at;
    return (unsigned char)*in->at++ % below;
}

/* Halves at which comparisons turn. */
static uint64_t take_value(struct bytes *in)
{
    static const uint32_t halves[] = {0, 1, 2, 16, 0x7fffffff, 0x80000000, 0xffffffff};

    return (uint64_t)halves[take(in, ARRAY_SIZE(halves))] << 32 |
           halves[take(in, ARRAY_SIZE(halves))];
}

static void make_action(struct section_rule *r, struct bytes *in)
{
    r->action = take(in, ARRAY_SIZE(actions));
    r->has_error = take(in, 2) && (actions[r->action].most || !take(in, 20));
    r->error = take(in, 3) ? take(in, 40) : take(in, 40) * 256;
}

static void make_arg(struct section_arg *a, struct bytes *in)
{
    a->index = take(in, 10) ? take(in, 3) : take(in, 7);
    a->op = take(in, ARRAY_SIZE(operators));
    a->value = take_value(in);
    a->two = a->op == MASKED || !take(in, 30) ? take_value(in) : 0;
}

static void make_rule(struct section_rule *r, struct bytes *in)
{
    make_action(r, in);
    r->n_names = 1 + take(in, SECTION_NAMES);
    for (size_t i = 0; i < r->n_names; i++)
        r->names[i] = take(in, 4) ? take(in, 4) : take(in, ARRAY_SIZE(calls));
    r->n_args = take(in, 3) ? take(in, 4) : take(in, SECTION_ARGS + 1);
    for (size_t i = 0; i < r->n_args; i++)
        make_arg(&r->args[i], in);
}

void section_make(struct section *s, struct bytes *in)
{
    uint32_t bits = take(in, 256);

    memset(s, 0, sizeof *s);
    s->x86 = bits & 1;
    s->x32 = bits & 2;
    s->listener = bits & 12;
    s->metadata = (bits & 48) == 48;
    s->relative = (bits & 0xf0) == 0xf0;
    make_action(&s->otherwise, in);
    s->n = take(in, SECTION_RULES + 1);
    for (size_t i = 0; i < s->n; i++)
        make_rule(&s->rules[i], in);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_args(FILE *f, const struct section_rule *r)
{
    for (size_t i = 0; i < r->n_args; i++) {
        const struct section_arg *a = &r->args[i];

        fprintf(f, "%s{\"index\":%" PRIu32 ",\"op\":\"SCMP_CMP_%s\",\"value\":%" PRIu64,
                i ? "," : "", a->index, operators[a->op], a->value);
        if (a->two)
            fprintf(f, ",\"valueTwo\":%" PRIu64, a->two);
        fputs("}", f);
    }
}

static void write_rule(FILE *f, const struct section_rule *r)
{
    fputs("{\"names\":[", f);
    for (size_t i = 0; i < r->n_names; i++)
        fprintf(f, "%s\"%s\"", i ? "," : "", calls[r->names[i]].name);
    fprintf(f, "],\"action\":\"%s\"", actions[r->action].name);
    if (r->has_error)
        fprintf(f, ",\"errnoRet\":%" PRIu32, r->error);
    fputs(",\"args\":[", f);
    write_args(f, r);
    fputs("]}", f);
}

char *section_text(const struct section *s)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    must(f);
    fprintf(f, "{\"defaultAction\":\"%s\"", actions[s->otherwise.action].name);
    if (s->otherwise.has_error)
        fprintf(f, ",\"defaultErrnoRet\":%" PRIu32, s->otherwise.error);
    fprintf(f, ",\"architectures\":[\"SCMP_ARCH_X86_64\"%s%s],\"listenerPath\":\"%s\"",
            s->x86 ? ",\"SCMP_ARCH_X86\"" : "", s->x32 ? ",\"SCMP_ARCH_X32\"" : "",
            !s->listener  ? ""
            : s->relative ? "agent"
                          : "/run/agent");
    if (s->metadata)
        fputs(",\"listenerMetadata\":\"m\"", f);
    fputs(",\"syscalls\":[", f);
    for (size_t i = 0; i < s->n; i++) {
        fputs(i ? "," : "", f);
        write_rule(f, &s->rules[i]);
    }
    fputs("]}", f);
    must(!fclose(f));
    return text;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool error_is_sound(const struct section_rule *r)
{
    return !r->has_error || (actions[r->action].most && r->error <= actions[r->action].most);
}

static bool lets_through(const struct section_rule *r)
{
    return r->action == ALLOW || r->action == LOG;
}

static bool rule_is_sound(const struct section *s, const struct section_rule *r)
{
    for (size_t i = 0; i < r->n_names; i++) {
        if (r->action == NOTIFY && (r->names[i] == WRITE || !s->listener))
            return false;
        /* What has no number cannot be stopped, where the default lets it through. */
        if (r->names[i] == UNHEARD && lets_through(&s->otherwise) &&
            (!lets_through(r) || (s->otherwise.action == ALLOW && r->action == LOG)))
            return false;
    }
    for (size_t i = 0; i < r->n_args; i++)
        if (r->args[i].index > 5 || (r->args[i].two && r->args[i].op != MASKED))
            return false;
    return error_is_sound(r);
}

bool section_is_sound(const struct section *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!rule_is_sound(s, &s->rules[i]))
            return false;
    return error_is_sound(&s->otherwise) && s->otherwise.action != NOTIFY &&
           (s->listener ? !s->relative : !s->metadata);
}

static uint32_t answer_of(const struct section_rule *r)
{
    return actions[r->action].value |
           (actions[r->action].most ? (r->has_error ? r->error : 1 /* EPERM */) : 0);
}

static bool arg_holds(const struct section_arg *a, const struct seccomp_data *d)
{
    uint64_t given = d->args[a->index];

    switch (a->op) {
    case NE:
        return given != a->value;
    case LT:
        return given < a->value;
    case LE:
        return given <= a->value;
    case EQ:
        return given == a->value;
    case GE:
        return given >= a->value;
    case GT:
        return given > a->value;
    default:
        return (given & a->value) == (a->two & a->value);
    }
}

/* Two conditions for one argument make all of them alternatives. */
static bool args_hold(const struct section_rule *r, const struct seccomp_data *d)
{
    bool twice = false, all = true, one = false;

    for (size_t i = 0; i < r->n_args; i++) {
        for (size_t k = 0; k < i; k++)
            twice |= r->args[i].index == r->args[k].index;
        all &= arg_holds(&r->args[i], d);
        one |= arg_holds(&r->args[i], d);
    }
    return twice ? one : all;
}

static bool names_call(const struct section_rule *r, const struct seccomp_data *d)
{
    bool i386 = d->arch == AUDIT_ARCH_I386;
    uint32_t number = i386 ? (uint32_t)d->nr : (uint32_t)d->nr & ~UINT32_C(0x40000000);

    for (size_t i = 0; i < r->n_names; i++)
        if (number != NONE &&
            number == (i386 ? calls[r->names[i]].i386 : calls[r->names[i]].number))
            return true;
    return false;
}

static bool is_another_architecture(const struct section *s, const struct seccomp_data *d)
{
    if (d->arch == AUDIT_ARCH_I386)
        return !s->x86;
    return d->arch != AUDIT_ARCH_X86_64 || (!s->x32 && d->nr & 0x40000000 && d->nr != -1);
}

uint32_t section_answer(const struct section *s, const struct seccomp_data *d)
{
    uint32_t otherwise = answer_of(&s->otherwise);

    if (is_another_architecture(s, d))
        return 0; /* SCMP_ACT_KILL */
    /* Rules without conditions first; what is the default anyway is no rule. */
    for (int bare = 1; d->nr != -1 && bare >= 0; bare--)
        for (size_t i = 0; i < s->n; i++) {
            const struct section_rule *r = &s->rules[i];

            if ((r->n_args == 0) == (bare == 1) && names_call(r, d) && answer_of(r) != otherwise &&
                args_hold(r, d))
                return answer_of(r);
        }
    return otherwise;
}

/* --- calling ---------------------------------------------------------------------------------- */

void section_call(const struct section *s, struct bytes *in, struct seccomp_data *d)
{
    static const uint32_t architectures[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64,
                                             AUDIT_ARCH_X86_64, AUDIT_ARCH_I386,
                                             AUDIT_ARCH_AARCH64};
    const struct section_rule *r = s->n ? &s->rules[take(in, (uint32_t)s->n)] : NULL;
    uint32_t call =
        r && take(in, 8) ? r->names[take(in, (uint32_t)r->n_names)] : take(in, ARRAY_SIZE(calls));

    d->arch = architectures[take(in, ARRAY_SIZE(architectures))];
    d->nr = (int)(d->arch == AUDIT_ARCH_I386 ? calls[call].i386 : calls[call].number);
    if (d->arch == AUDIT_ARCH_X86_64 && d->nr != -1 && !take(in, 5))
        d->nr |= 0x40000000;
    for (unsigned i = 0; i < 6; i++)
        d->args[i] = take_value(in);
    for (size_t i = 0; r && i < r->n_args; i++)
        if (r->args[i].index < 6 && take(in, 2))
            d->args[r->args[i].index] = r->args[i].value + take(in, 3) - 1;
}
