/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's share of a plan: the operations of phases prepare, create-runtime and limits. */
#ifndef CORE_LINUX_HOST_OPS_H
#define CORE_LINUX_HOST_OPS_H

#include "core/container.h"

/* Executes the core's operations of one phase; descriptors go into the plan's slots. Those of plugins
 * (`work`) are theirs. */
int host_ops(struct container *c, enum plan_phase phase, struct error *err);

/* Closes the descriptors that host_ops() opened. */
void host_ops_close(struct container *c);

#endif
