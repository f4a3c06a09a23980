/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: --log FILE, --log-format text|json, --debug. Engines parse it, so at default verbosity a
 * failing command writes exactly one line (level error) and nothing else is ever written.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/base.h"

struct log {
    int fd; /* -1: standard error only */
    bool json, debug;
};

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

/* Opens the file (append, create 0644) even if nothing will be written. */
struct error;
int log_open(struct log *log, const char *file, const char *format, bool debug, struct error *err);

/* One line. Errors go to standard error as well; all others are written only with --debug: engines read
 * the standard error of a success as output, and a log with a second line as broken. */
void log_line(const struct log *log, enum log_level level, const char *message);
/* To the log file only, whatever is to be logged: for a command that succeeds, and whose output is taken as a
 * whole. */
void log_only(const struct log *log, enum log_level level, const char *message);
/* The same of an error that ends nothing. `log` NULL: nowhere. */
void log_error(const struct log *log, enum log_level level, const struct error *err);

/* An error's line made ready, for signal handlers: what it says are up to ten pieces that need no escapes.
 * `log` NULL: standard error only. */
struct log_ready {
    int fd;
    char head[128], tail[96];
};
void log_ready(const struct log *log, struct log_ready *ready);
void log_ready_put(const struct log_ready *ready, const char *const *words); /* NULL-terminated */

#endif
