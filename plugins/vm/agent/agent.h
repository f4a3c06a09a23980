/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo-agent: process 1 of a virtual machine's guest. wire.h says what it is asked for; towards hozo-init it plays
 * the runtime's part (core/sync.h). It never ends but with the machine.
 */
#ifndef PLUGINS_VM_AGENT_AGENT_H
#define PLUGINS_VM_AGENT_AGENT_H

#include "plugins/vm/agent/log.h"
#include "plugins/vm/agent/records.h"
#include "plugins/vm/agent/watch.h"
#include "plugins/vm/frames.h"

struct process;

struct agent {
    struct frames port;
    struct watch port_watch, child_watch;
    struct records records;
    struct process *processes;
    int epoll;
    int init;     /* hozo-init, to be executed */
    bool machine; /* false: a stream and namespaces of somebody else's, for tests */
    bool up;      /* all records have been carried out */
    bool broken;  /* … or cannot be */
    bool room;    /* for DATA, when it was last looked */
    bool over;    /* nobody is at the other end of the port, or somebody who is not to be trusted */
};

/* Queues a frame. A queue that is full is the end: the other side asks, and does not read. */
void agent_send(struct agent *a, uint8_t type, uint8_t stream, uint16_t process,
                const void *payload, size_t size);

/* What came in a frame; -1: it must not come, or not now. */
int agent_handle(struct agent *a, const struct frame *head, const void *payload);

/* Serves the port until it ends. */
void agent_serve(struct agent *a);

/* --- the guest ----------------------------------------------------------------------------------- */

/* From the start of the kernel to the open port. -1: there is nobody to be told. */
int boot(struct agent *a);

/* The port's descriptor; -1: there is none. */
int port_find(void);

/* What /modules/order names. */
void modules_load(void);

/* Out of the initramfs, in which pivot_root(2) does not work, into `image` or, NULL, a tmpfs. */
int root_enter(const char *image, struct problem *why);

/* Ends all processes and file systems. `asked`: the other side waits for it to be done. */
_Noreturn void power_off(struct agent *a, bool asked);

#endif
