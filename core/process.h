/* SPDX-License-Identifier: Apache-2.0 */
/* What the system tells about a process, which each does in its own way. */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include <sys/types.h>

#include "core/error.h"

/* False if there is no such process. The time of its start is a number that no later process of this pid has.
 * A zombie has state 'Z'. Either may be NULL. */
bool process_stat(pid_t pid, char *state, uint64_t *start_time);

/* The file of this program, as a path for execve(2) and stat(2), in `room` or elsewhere; NULL: nobody knows. May be
 * called in a signal handler. */
const char *process_executable(char *room, size_t size);

/* Of this process, as environ(7) has it. */
char **process_environment(void);

/* What this process has. */
struct census {
    size_t threads, descriptors;
};
int census_take(struct census *census, struct error *err);

#endif
