/* SPDX-License-Identifier: Apache-2.0 */
/* Records: strings, each with its NUL; an empty string ends a record, an empty record ends all. */
#ifndef PLUGINS_VM_MONITOR_SETUP_H
#define PLUGINS_VM_MONITOR_SETUP_H

#include "core/base.h"

#define SETUP_MAX (1u << 20)

struct record {
    char **words; /* NULL-terminated */
    size_t n;
};

/* What MONITOR_SETUP holds; it lives as long as the monitor. */
struct setup {
    struct record *records;
    size_t n;
    const struct record *tap; /* NULL: no network */
    const char *readonly;     /* NULL: nothing */
    unsigned seconds;
};

/* 0, or -1 and *why: a text for the user. */
int setup_read(struct setup *s, const char **why);

/* The same from memory that ends with an empty record, and is kept. */
int records_parse(struct setup *s, char *text, size_t size);

#endif
