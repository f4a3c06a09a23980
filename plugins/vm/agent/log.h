/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_AGENT_LOG_H
#define PLUGINS_VM_AGENT_LOG_H

#include <stddef.h>

/* "SUBJECT: WHAT: error", cut to fit. */
struct problem {
    char text[512];
    size_t size;
};

/* Returns -1. errnum 0: `what` says all. */
int problem(struct problem *p, const char *subject, const char *what, int errnum);

/* To the kernel's log. */
void log_line(const char *subject, const char *what, int errnum);

#endif
