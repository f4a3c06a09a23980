/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rules for numbers of system calls to the kernel's filter (classic BPF). Nothing here knows a name, a library
 * or the configuration.
 *
 * libseccomp's own generator is not used: that of 2.5.4, given several rules with conditions for one system call,
 * lets some through that none of them allows, and refuses others that one does.
 */
#ifndef PLUGINS_SECCOMP_FILTER_H
#define PLUGINS_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/seccomp/words.h"

/* Of one argument, all of its 64 bits. */
struct condition {
    uint32_t index;
    const struct operator* op;
    uint64_t mask, value;
};

/* All conditions hold, or, where they are alternatives, one of them. None: always. */
struct rule {
    uint32_t action;
    const struct condition *conditions;
    size_t n;
    bool alternatives;
};

/* A system call of one architecture, and a rule for it. */
struct entry {
    uint32_t number;
    uint32_t call; /* of socketcall(2), ipc(2): which of theirs; 0: not one of those */
    uint32_t mask; /* … and where in their first argument that is said */
    size_t order;  /* of the rule in the profile: the first one that matches decides */
    const struct rule *rule;
    bool hidden; /* another entry decides */
};

struct section {
    uint32_t architecture; /* AUDIT_ARCH_* */
    bool no_x32;           /* of x86_64: numbers with the bit of x32 are another architecture's */
    struct entry *entries;
    size_t n, room;
};

struct filter {
    struct sock_filter *code;
    size_t n, room;
    bool failed; /* no memory */
};

/* The sections' entries are sorted. Another architecture's call kills the thread, as with libseccomp. */
void filter_make(struct filter *f, uint32_t otherwise, struct section *sections, size_t n);

/* How the code is written: from its end to its beginning, so that all jumps lead to what is there already. A place
 * is how many instructions there were when the one that it means was written. */
typedef size_t place;
place filter_here(const struct filter *f);
place filter_add(struct filter *f, uint16_t code, uint32_t k);
place filter_branch(struct filter *f, uint16_t comparison, uint32_t k, place yes, place no);
place filter_near(struct filter *f, place far); /* from where a branch reaches it */
place filter_return(struct filter *f, uint32_t action);
void filter_turn(struct filter *f);

/* Conditions of a rule, in front of the place where it goes on if they do not hold. */
place filter_rule(struct filter *f, const struct rule *rule, place next);
place filter_call(struct filter *f, const struct entry *e, place next);

#endif
