/* SPDX-License-Identifier: Apache-2.0 */
/* A tap device in place of another interface's network stack. */
#ifndef PLUGINS_VM_MONITOR_REDIRECT_H
#define PLUGINS_VM_MONITOR_REDIRECT_H

/* How they are called, with a number behind it. */
#define TAP_NAME "hozo"

/* A tap device in this network namespace, which is gone when the descriptor is closed by all. *index is its number. */
int tap_open(int *index);

/* Whatever comes in at one goes out at the other, past the kernel's network stack, for as long as this process lives. */
int redirect(int from, int to);

#endif
