/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp as it was read: sound, and nothing of it looked up yet. */
#ifndef PLUGINS_SECCOMP_PROFILE_H
#define PLUGINS_SECCOMP_PROFILE_H

#include <hozo/plugin.h>

#include "plugins/seccomp/filter.h"

#define SECCOMP "linux.seccomp"

/* The name of a system call; `path` is where it stands. */
struct named {
    const char *name, *path;
    size_t rule;
};

struct profile {
    uint32_t otherwise; /* defaultAction */
    uint32_t flags;
    bool killable, notifies;
    const char *listener, *metadata; /* NULL: none */
    struct architecture *architectures;
    size_t n_architectures;
    struct rule *rules;
    size_t n_rules;
    struct named *named;
    size_t n_named, named_room;
};

/* 1; 0 without a profile; -1. Its strings live until the callback returns. Names are hundreds: only who compiles
 * them reads them all, the others those that could be refused. */
enum profile_names { SOME_NAMES, ALL_NAMES };
int profile_read(struct hozo_ctx *ctx, struct profile *p, enum profile_names names);
void profile_free(struct profile *p);

/* Parts of it: SCMP_ACT_* with errnoRet; syscalls[]. */
int read_action(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *action,
                const char *data, uint32_t *value);
int read_rules(struct hozo_ctx *ctx, struct profile *p, enum profile_names names);

/* Room for one more. */
void *profile_grow(struct hozo_ctx *ctx, void *array, size_t n, size_t *room, size_t size);

#endif
