/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's end of the conversation with hozo-init; see core/sync.h. */
#ifndef CORE_LINUX_CHANNEL_H
#define CORE_LINUX_CHANNEL_H

#include "core/error.h"
#include "core/sync.h"

/* A connected pair: ours, and the one that hozo-init gets. Both close-on-exec. */
int channel_open(int *ours, int *theirs, struct error *err);

int channel_send(int fd, enum sync_type type, uint32_t value, struct error *err);

/* SLOT; the descriptor stays the caller's as well. */
int channel_send_slot(int fd, uint32_t slot, int descriptor, struct error *err);

/*
 * 1 and *m, 0 at end of file, -1 error. A descriptor is accepted only with CONSOLE and SLOT, where there
 * must be exactly one; *passed then owns it. `seconds`: time limit, or -1. The sender is not trusted.
 */
int channel_receive(int fd, struct sync_message *m, int *passed, int seconds, struct error *err);

/* All that came out of the FIFO `result`, at most 1 + sizeof(struct sync_failure) bytes: 0 if the program
 * runs, else the failure that they tell. The sender is not trusted. */
int channel_result(const char *bytes, size_t size, struct error *err);

#endif
