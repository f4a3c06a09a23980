/* SPDX-License-Identifier: Apache-2.0 */
/* Running a program of the host to its end: hooks, and what plugins run. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include "core/error.h"
#include "core/json.h"

struct program {
    const char *path;
    const char *const *args; /* NULL-terminated; NULL or empty: { path } */
    const char *const *env;  /* all that it gets; NULL: nothing */
    const void *input;       /* of its standard input */
    size_t input_size;
    int64_t timeout; /* milliseconds; 0: none */
    int interrupt;   /* readable once the user wants to end it all; -1: never */
    /* Standard output and error go there, as far as it has room for output_max bytes; NULL: to hozo's own. */
    struct text *output;
    size_t output_max;
};

/* How it ended. */
struct program_end {
    enum { PROGRAM_ENDED, PROGRAM_TIMED_OUT, PROGRAM_INTERRUPTED } how;
    int status; /* as waitpid(2) gives it */
};

/* It gets no descriptor but 0, 1 and 2, default signals, and a process group of its own, which is killed
 * when the time is over. -1: it could not be run. */
int program_run(const struct program *p, struct program_end *end, struct error *err);

#endif
