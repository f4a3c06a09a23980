/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_MONITOR_TERMINAL_H
#define PLUGINS_VM_MONITOR_TERMINAL_H

#include "core/base.h"

/* Does this plan open a pseudo-terminal? -1: it is no plan. */
int plan_opens_terminal(int plan);

/* Every byte goes through as it is: the line discipline that counts is the guest's. */
int terminal_raw(int fd);

/* Zeros if it is none. */
void terminal_size(int fd, uint16_t *rows, uint16_t *columns);

#endif
