/* SPDX-License-Identifier: Apache-2.0 */
/* What the system calls its errors and signals: other systems have others, and other numbers for the same. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

/* In English, whatever the locale; NULL: there is no such error. */
const char *error_text(int errnum);

/* "TERM"; NULL: it has no name. */
const char *signal_name(int number);

struct signal_row {
    const char *name; /* without SIG */
    int number;
};

/* Several names may have one number. Ends with a row without a name. */
extern const struct signal_row signal_rows[];

/* The first and the last of those that have no name of their own. */
extern const int signal_realtime_first, signal_realtime_last;

#endif
