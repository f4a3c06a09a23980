/* SPDX-License-Identifier: Apache-2.0 */
/* MONITOR_LOG: what the children say, and as its last line why the machine has failed. */
#ifndef PLUGINS_VM_MONITOR_LOG_H
#define PLUGINS_VM_MONITOR_LOG_H

#include "core/base.h"

#define LINE_MAX_ 512

/* The last line of one of them that is not empty, as far as it is known. */
struct last {
    char line[LINE_MAX_];
    size_t length;
    bool complete; /* the next byte begins another one */
};

struct log {
    size_t room;  /* bytes that children may still write */
    bool in_line; /* the last byte was no newline */
};

/* How much is there already counts. */
void log_open(struct log *l);

/* What a child has said. */
void log_copy(struct log *l, struct last *of, const char *bytes, size_t n);

/* A line of the monitor's own, for which there is always room. Control characters are replaced. */
void log_line(struct log *l, const char *text);

/* Text of strangers, so that a line can hold it: no control characters, no end of line. */
void log_clean(char *text);

#endif
