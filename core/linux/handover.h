/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors for whoever listens on a socket of the caller's: one connection, one message, one descriptor. */
#ifndef CORE_LINUX_HANDOVER_H
#define CORE_LINUX_HANDOVER_H

#include "core/error.h"

struct text;

/* The master side of a terminal (--console-socket). */
int console_send(const char *path, int master, struct error *err);

/* A process (--pidfd-socket). `kind` is the text beside it: which of a container's processes it is. */
#define PIDFD_INIT "standard"
#define PIDFD_EXEC "setns"
int pidfd_send(const char *path, const char *kind, int pidfd, struct error *err);

/* The container process state of config-linux.md, with the descriptor that it names. */
int listener_send(const char *path, const struct text *state, int descriptor, struct error *err);

#endif
