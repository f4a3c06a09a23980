/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that means one process, whoever gets its pid later; readable when it has ended. */
#ifndef CORE_PIDFD_H
#define CORE_PIDFD_H

#include <sys/types.h>

/* Both: -1 and errno, which is ESRCH where it has ended. `pid` is the one that the descriptor is of. */
int pidfd_of(pid_t pid);
int pidfd_signal(int pidfd, pid_t pid, int number);

#endif
