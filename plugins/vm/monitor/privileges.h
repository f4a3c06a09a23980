/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_MONITOR_PRIVILEGES_H
#define PLUGINS_VM_MONITOR_PRIVILEGES_H

#include <stdint.h>

/* Gives up all capabilities but these, and the way back to them by an execve. */
int privileges_keep(uint64_t capabilities);

/* For a program that is about to be executed: it has exactly these, whoever its user is. -1: this process has not all of
 * them, or errno. */
int privileges_pass(uint64_t capabilities);

#endif
