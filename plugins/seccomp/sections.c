/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of system calls become numbers. On some architectures those of sockets and of System V IPC are also, or only,
 * calls of socketcall(2) and ipc(2): libseccomp then resolves their names to negative numbers of its own.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/seccomp/library.h"

#define UNKNOWN (-1)

/* Where libseccomp's own numbers of calls begin, downwards, a hundred for each. */
#define CALLS 100
enum { SOCKETCALL, IPC, MULTIPLEXERS };

static const struct {
    const char *name;
    uint32_t
        mask; /* of the argument that selects: an int; the upper half of ipc(2)'s is a version that most
                      of its calls do not look at (ipc/syscall.c of Linux 6.18) */
} multiplexers[MULTIPLEXERS] = {{"socketcall", 0xffffffff}, {"ipc", 0xffff}};

/* Beside their calls, system calls of their own: at most so many numbers after the architecture's first one. */
#define NUMBERS   512
#define CALLS_MAX 32

struct directory {
    const struct library *library;
    uint32_t token; /* SCMP_ARCH_* */
    bool searched;
    int32_t own[MULTIPLEXERS][CALLS_MAX]; /* 0: none */
};

static bool is_call(int number, unsigned *which, unsigned *call)
{
    *which = number <= -CALLS ? (unsigned)(-number / CALLS - 1) : MULTIPLEXERS;
    *call = number <= -CALLS ? (unsigned)(-number % CALLS) : 0;
    return *which < MULTIPLEXERS && *call && *call < CALLS_MAX;
}

/* libseccomp tells the own number of such a system call only to who asks for the number's name. */
static void search(struct directory *d)
{
    int first = d->library->resolve_name(d->token, "exit") - 1;
    unsigned which, call;

    d->searched = true;
    for (int number = first; first >= 0 && number < first + NUMBERS; number++) {
        char *name = d->library->resolve_number(d->token, number);

        if (name && is_call(d->library->resolve_name(d->token, name), &which, &call))
            d->own[which][call] = number;
        free(name);
    }
}

/* --- entries ---------------------------------------------------------------------------------- */

static int add(struct hozo_ctx *ctx, struct section *s, struct entry e)
{
    struct entry *rows = profile_grow(ctx, s->entries, s->n, &s->room, sizeof(*rows));

    if (!rows)
        return -1;
    s->entries = rows;
    rows[s->n++] = e;
    return 0;
}

/*
 * Conditions cannot be looked at behind the pointer that socketcall(2) and ipc(2) are given. So what a rule would
 * let through under conditions is not let through here, and what it would stop is stopped without them.
 */
static int add_call(struct hozo_ctx *ctx, struct section *s, const struct directory *d,
                    unsigned which, struct entry e, uint32_t otherwise)
{
    int number = d->library->resolve_name(d->token, multiplexers[which].name);

    if (number < 0 || (e.rule->n && !is_stricter(e.rule->action, otherwise)))
        return 0;
    e.number = (uint32_t)number;
    e.mask = multiplexers[which].mask;
    return add(ctx, s, e);
}

static int add_named(struct hozo_ctx *ctx, struct section *s, struct directory *d,
                     const struct profile *p, const struct named *named)
{
    int number = d->library->resolve_name(d->token, named->name);
    struct entry e = {.rule = &p->rules[named->rule], .order = named->rule};
    unsigned which;

    if (is_call(number, &which, &e.call)) {
        if (!d->searched)
            search(d);
        number = d->own[which][e.call];
        if (add_call(ctx, s, d, which, e, p->otherwise) < 0)
            return -1;
        e.call = 0;
        if (!number)
            return 0;
    }
    e.number = (uint32_t)number;
    return number < 0 ? 0 : add(ctx, s, e); /* this architecture has no such system call */
}

/* Nobody can forbid what libseccomp has no number for: an error where it matters. */
static int check_known(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                       const struct named *named)
{
    uint32_t action = p->rules[named->rule].action;
    bool through = p->otherwise == SECCOMP_RET_ALLOW || p->otherwise == SECCOMP_RET_LOG;

    if (l->resolve_name(l->arch_native(), named->name) != UNKNOWN)
        return 1;
    if (through && is_stricter(action, p->otherwise))
        return hozo_error(ctx, 0, named->path, "libseccomp does not know the system call \"%s\"",
                          named->name);
    hozo_log(ctx, HOZO_LOG_DEBUG, "%s: libseccomp does not know the system call \"%s\"",
             named->path, named->name);
    return 0;
}

static int fill(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                uint32_t token, struct section *s)
{
    struct directory d = {.library = l, .token = token};

    for (size_t i = 0; i < p->n_named; i++) {
        const struct named *named = &p->named[i];
        int known = 1;

        if (p->rules[named->rule].action == p->otherwise)
            continue;
        if (token == l->arch_native() && (known = check_known(ctx, p, l, named)) < 0)
            return -1;
        if (known && add_named(ctx, s, &d, p, named) < 0)
            return -1;
    }
    return 0;
}

/* --- architectures ---------------------------------------------------------------------------- */

/* x32 and x86_64 are one to the kernel; their numbers differ. */
static int add_section(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                       uint32_t token, struct sections *sections)
{
    bool x32 = token == SCMP_ARCH_X32;
    uint32_t architecture = x32 ? AUDIT_ARCH_X86_64 : token;
    struct section *s = sections->at;

    while (s < sections->at + sections->n && s->architecture != architecture)
        s++;
    if (s == sections->at + sections->n) {
        sections->n++;
        s->architecture = architecture;
        s->no_x32 = token == SCMP_ARCH_X86_64;
    }
    s->no_x32 &= !x32;
    return fill(ctx, p, l, token, s);
}

static bool is_repeated(const uint32_t *tokens, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (tokens[k] == tokens[i])
            return true;
    return false;
}

static int add_sections(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                        uint32_t *tokens, struct sections *s)
{
    for (size_t i = 0; i <= p->n_architectures; i++) {
        const struct architecture *a = i ? &p->architectures[i - 1] : NULL;

        tokens[i] = a ? l->arch_resolve_name(a->library) : l->arch_native();
        if (!tokens[i])
            return hozo_error(ctx, 0, SECCOMP ".architectures", "this libseccomp does not know %s",
                              a ? a->name : "the native one");
        if (!is_repeated(tokens, i) && add_section(ctx, p, l, tokens[i], s) < 0)
            return -1;
    }
    return 0;
}

int sections_make(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                  struct sections *s)
{
    uint32_t *tokens = calloc(p->n_architectures + 1, sizeof(*tokens));
    int r = -1;

    s->at = calloc(p->n_architectures + 1, sizeof(*s->at));
    if (!tokens || !s->at)
        hozo_error(ctx, ENOMEM, SECCOMP, "cannot be compiled");
    else
        r = add_sections(ctx, p, l, tokens, s);
    free(tokens);
    return r;
}

void sections_free(struct sections *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->at[i].entries);
    free(s->at);
}
