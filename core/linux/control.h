/* SPDX-License-Identifier: Apache-2.0 */
/* How later executions of hozo reach the process of a virtual machine: a socket in the container's state. */
#ifndef CORE_LINUX_CONTROL_H
#define CORE_LINUX_CONTROL_H

#include "core/error.h"

#define CONTROL_SOCKET "control"
#define MACHINE_LOG    "machine.log"

/* ROOT/ID/control, listening. A descriptor, or -1 and errno. */
int control_listen(int dirfd);

/* Connected, or -1 and *err: a machine that has ended. */
int control_connect(int dirfd, struct error *err);

/* Sends a signal to the container's own process in the guest, or to all of its processes there. A machine that is not
 * awake takes it when it is again, as a process would. */
int control_signal(int dirfd, int number, bool all, bool awake, struct error *err);

/* Fills the slots of the host's half: the guest's half, complete by now; for exec, the monitor and a connection to it. */
struct container;
int machine_hand_over(struct container *c, struct error *err);
int machine_visit(struct container *c, struct error *err);

/* The last line of the machine's log becomes the error. */
int machine_fail(int dirfd, int errnum, struct error *err);

#endif
