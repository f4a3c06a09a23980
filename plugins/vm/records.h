/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of the monitor, as wire.h has them: strings, each with its NUL. */
#ifndef PLUGINS_VM_RECORDS_H
#define PLUGINS_VM_RECORDS_H

#include <stdint.h>

#include "plugins/vm/buffer.h"

static inline void record_word(struct buffer *r, const char *word)
{
    buffer_put(r, word);
    buffer_append(r, "", 1);
}

/* The end of a record; one more is the end of all. */
static inline void record_end(struct buffer *r)
{
    buffer_append(r, "", 1);
}

/* A word that is printed. */
#define record_print(r, ...)                                                                       \
    do {                                                                                           \
        buffer_print(r, __VA_ARGS__);                                                              \
        buffer_append(r, "", 1);                                                                   \
    } while (0)

/* All words of a record, NULL behind the last. */
static inline void record_words(struct buffer *r, const char *const *words)
{
    for (; *words; words++)
        record_word(r, *words);
}

#define RECORD(r, ...)                                                                             \
    do {                                                                                           \
        record_words(r, (const char *const[]){__VA_ARGS__, NULL});                                 \
        record_end(r);                                                                             \
    } while (0)

/* Begins `child NAME CAPABILITIES`; its arguments follow, and record_end(). */
static inline void record_child(struct buffer *r, const char *name, uint64_t capabilities)
{
    record_word(r, "child");
    record_word(r, name);
    record_print(r, "%llx", (unsigned long long)capabilities);
}

#endif
