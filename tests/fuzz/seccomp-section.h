/* SPDX-License-Identifier: Apache-2.0 */
/* A linux.seccomp section out of bytes, and how config-linux.md and docs/seccomp.md read it. */
#ifndef TESTS_FUZZ_SECCOMP_SECTION_H
#define TESTS_FUZZ_SECCOMP_SECTION_H

#include <linux/seccomp.h>

#include "tests/fuzz/fuzz.h"

/* Behind the end the bytes go on as noise that depends on them. */
struct bytes {
    const char *at;
    size_t left;
    uint32_t noise;
};

#define SECTION_RULES 12
#define SECTION_ARGS  8
#define SECTION_NAMES 3

struct section_arg {
    uint32_t index, op;
    uint64_t value, two;
};

struct section_rule {
    uint32_t names[SECTION_NAMES], action, error;
    bool has_error;
    struct section_arg args[SECTION_ARGS];
    size_t n_names, n_args;
};

struct section {
    struct section_rule otherwise; /* action and error only */
    struct section_rule rules[SECTION_RULES];
    size_t n;
    bool x86, x32, listener, metadata, relative;
};

void section_make(struct section *s, struct bytes *in);
char *section_text(const struct section *s);
bool section_is_sound(const struct section *s);

/* A call that its rules may be about. */
void section_call(const struct section *s, struct bytes *in, struct seccomp_data *d);
uint32_t section_answer(const struct section *s, const struct seccomp_data *d);

#endif
