/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found in the cache was made from the same rules by the same version of this plugin, which are the key, and
 * with the same file of libseccomp, which is the first line of the entry: another one may know more system calls.
 * So nothing is loaded to find it.
 */
#include "plugins/seccomp/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/seccomp/library.h"

struct blob {
    char *at;
    size_t size;
};

/* --- the key ---------------------------------------------------------------------------------- */

/* Strings end with their NUL, lists with their length in front: two profiles cannot read the same. */
static void put(FILE *f, const char *text)
{
    fwrite(text, strlen(text) + 1, 1, f);
}

static void put_number(FILE *f, uint64_t number)
{
    fwrite(&number, sizeof(number), 1, f);
}

static void put_rule(FILE *f, const struct rule *rule)
{
    put_number(f, rule->action);
    put_number(f, rule->n);
    for (size_t i = 0; i < rule->n; i++) {
        put_number(f, rule->conditions[i].index);
        put(f, rule->conditions[i].op->name);
        put_number(f, rule->conditions[i].mask);
        put_number(f, rule->conditions[i].value);
    }
}

static int make_key(const struct profile *p, struct blob *key)
{
    FILE *f = open_memstream(&key->at, &key->size);

    if (!f)
        return -1;
    put(f, HOZO_PLUGIN_VERSION);
    put_number(f, p->otherwise);
    put_number(f, p->n_architectures);
    for (size_t i = 0; i < p->n_architectures; i++)
        put(f, p->architectures[i].name);
    put_number(f, p->n_rules);
    for (size_t i = 0; i < p->n_rules; i++)
        put_rule(f, &p->rules[i]);
    for (size_t i = 0; i < p->n_named; i++) {
        put_number(f, p->named[i].rule);
        put(f, p->named[i].name);
    }
    return fclose(f) ? -1 : 0;
}

/* --- the entry -------------------------------------------------------------------------------- */

static int found(struct hozo_ctx *ctx, const struct blob *key, struct filter *filter)
{
    const char *entry, *code;
    size_t size, rest;
    int r = hozo_cache_get(ctx, key->at, key->size, (const void **)&entry, &size);

    if (r <= 0)
        return r;
    if (!(code = memchr(entry, '\0', size)) || !identity_holds(entry))
        return 0;
    rest = size - (size_t)(++code - entry);
    if (!rest || rest % sizeof(*filter->code))
        return 0;
    if (!(filter->code = malloc(rest)))
        return hozo_error(ctx, ENOMEM, SECCOMP, "cannot be compiled");
    memcpy(filter->code, code, rest);
    filter->n = rest / sizeof(*filter->code);
    return 1;
}

static int keep(struct hozo_ctx *ctx, const struct blob *key, const struct library *l,
                const struct filter *filter)
{
    char identity[IDENTITY_MAX];
    struct blob entry = {0};
    FILE *f;
    int r = -1;

    if (library_identity(l, identity) < 0)
        return 0;
    if ((f = open_memstream(&entry.at, &entry.size))) {
        put(f, identity);
        fwrite(filter->code, sizeof(*filter->code), filter->n, f);
        r = fclose(f);
    }
    r = r ? hozo_error(ctx, ENOMEM, SECCOMP, "cannot be compiled")
          : hozo_cache_put(ctx, key->at, key->size, entry.at, entry.size);
    free(entry.at);
    return r;
}

/* --- compiling -------------------------------------------------------------------------------- */

static int make(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                struct filter *filter)
{
    struct sections s = {0};
    int r = sections_make(ctx, p, l, &s);

    if (!r)
        filter_make(filter, p->otherwise, s.at, s.n);
    sections_free(&s);
    if (r)
        return r;
    if (filter->failed)
        return hozo_error(ctx, ENOMEM, SECCOMP, "cannot be compiled");
    if (filter->n > BPF_MAXINSNS)
        return hozo_error(ctx, 0, SECCOMP,
                          "becomes a filter of %zu instructions, and the kernel takes %d",
                          filter->n, BPF_MAXINSNS);
    return 0;
}

static int compile(struct hozo_ctx *ctx, const struct profile *p, const struct blob *key,
                   struct filter *filter)
{
    struct library l;
    int r = found(ctx, key, filter);

    if (r)
        return r < 0 ? r : 0;
    return library_open(ctx, &l) < 0 || make(ctx, p, &l, filter) < 0 ||
                   keep(ctx, key, &l, filter) < 0
               ? -1
               : 0;
}

int profile_compile(struct hozo_ctx *ctx, const struct profile *p, struct filter *filter)
{
    struct blob key = {0};
    int r;

    *filter = (struct filter){0};
    r = make_key(p, &key) < 0 ? hozo_error(ctx, ENOMEM, SECCOMP, "cannot be compiled")
                              : compile(ctx, p, &key, filter);
    free(key.at);
    return r;
}
