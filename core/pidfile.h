/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_PIDFILE_H
#define CORE_PIDFILE_H

#include <sys/types.h>

#include "core/error.h"

/* Writes the decimal number without newline. The file appears with its content, by rename: engines
 * poll for its existence. */
int pidfile_write(const char *file, pid_t pid, struct error *err);

#endif
