/* SPDX-License-Identifier: Apache-2.0 */
/* The words of linux.seccomp (config-linux.md), and what they mean to the kernel and to libseccomp. */
#ifndef PLUGINS_SECCOMP_WORDS_H
#define PLUGINS_SECCOMP_WORDS_H

#include <stdbool.h>
#include <stdint.h>

struct action {
    const char *name;
    uint32_t value;    /* SECCOMP_RET_* */
    uint32_t data_max; /* of errnoRet; 0: takes none */
};

/* Each operator is one of three comparisons, or the contrary of one. */
enum comparison { EQUAL, GREATER, GREATER_OR_EQUAL };

struct operator
{
    const char *name;
    enum comparison comparison;
    bool contrary, masked;
};

struct flag {
    const char *name;
    uint32_t bit;  /* of seccomp(2) */
    bool killable; /* means something with a listener only, so that the host sets it */
};

struct architecture {
    const char *name, *library; /* as libseccomp calls it */
};

/* NULL-terminated: what the fields may hold. */
extern const char *const action_names[], *const operator_names[], *const flag_names[],
                                                                      *const architecture_names[];

/* All flags as JSON. */
extern const char flags_json[];

const struct action *action_of(const char *name);
const struct operator* operator_of(const char *name);
const struct flag *flag_of(const char *name);
const struct architecture *architecture_of(const char *name);

/* As the kernel orders actions when several filters answer. */
bool is_stricter(uint32_t action, uint32_t than);

#endif
