/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is a file with one function, target(), which takes any bytes at all and must() claim
 * something about what hozo makes of them. libFuzzer looks for bytes that refute it; replay.c runs it over
 * the files of corpus/, with any compiler.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/container.h"

#define must(claim)                                                                                \
    do {                                                                                           \
        if (!(claim))                                                                              \
            refuted(#claim, __FILE__, __LINE__);                                                   \
    } while (0)
void refuted(const char *claim, const char *file, int line) __attribute__((noreturn));

void target(const char *bytes, size_t size);

/* libFuzzer's entrance: target(), which must not leave descriptors open. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a file; the name holds until the next call. */
const char *as_file(const char *bytes, size_t size);

/* Made below $TMPDIR, for the caller to remove at exit; tests/fuzz/run removes what a crash leaves. */
const char *new_directory(void);

/* The next part of the input, up to `separator` or the end, in memory of its own. */
char *next_part(const char **bytes, size_t *size, char separator);

/* What holds for every error, every JSON text, every plan that hozo has made, and where the host is as hosts
 * are, for its paths. */
void check_error(const struct error *err);
void check_json(const struct text *text);
void check_plan(const struct plan_header *plan);
void check_paths(const struct plan_header *plan);

#endif
