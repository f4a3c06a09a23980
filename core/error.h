/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type. A function that can fail takes `struct error *err`, returns a negative
 * number, and has then filled *err by calling fail(). The caller prints it once, in main().
 *
 *     return fail(err, errno, "linux.maskedPaths[3]", "mount");
 *     → "linux.maskedPaths[3]: mount: permission denied"
 *
 * The errno text is printed in lower case: engines match such words in what runtimes print.
 */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include "core/base.h"

struct error {
    int errnum;      /* 0: the text says all */
    char path[256];  /* the JSON path at fault, or "" */
    char text[1024]; /* operation and what is wrong with it */
};

/* Fills *err and returns -1. `path` may be NULL. */
int fail(struct error *err, int errnum, const char *path, const char *fmt, ...) PRINTF(4, 5);
int vfail(struct error *err, int errnum, const char *path, const char *fmt, va_list ap)
    PRINTF(4, 0);
int fail_memory(struct error *err);

/* Puts "PREFIX: " before path and text; returns -1, so that it can end a function. */
int fail_prefix(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* One line without newline. Control characters are escaped: the text may quote hostile input. */
void error_format(const struct error *err, char *buf, size_t size);

/* strerror() with its first letter in lower case ("I/O error" stays as it is). */
const char *error_name(int errnum, char *buf, size_t size);

#endif
