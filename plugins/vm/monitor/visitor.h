/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_MONITOR_VISITOR_H
#define PLUGINS_VM_MONITOR_VISITOR_H

/* What an `exec` has for a process on the host. Returns its exit status. */
int visit(void);

#endif
