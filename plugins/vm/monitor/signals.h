/* SPDX-License-Identifier: Apache-2.0 */
/* All signals are blocked and read: one descriptor for SIGCHLD, one for all others. */
#ifndef PLUGINS_VM_MONITOR_SIGNALS_H
#define PLUGINS_VM_MONITOR_SIGNALS_H

#include "core/base.h"

int signals_open(int *children, int *others);

/* In a child, before it executes a program. */
void signals_unblock(void);

/* The next signal that somebody else has sent, or 0. */
int signals_next(int fd);

#endif
