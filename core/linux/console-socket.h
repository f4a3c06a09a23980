/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LINUX_CONSOLE_SOCKET_H
#define CORE_LINUX_CONSOLE_SOCKET_H

#include "core/error.h"

/* Hands the master side of a terminal to whoever listens on the socket of this path (--console-socket). */
int console_send(const char *path, int master, struct error *err);

#endif
