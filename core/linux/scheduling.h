/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's part of a process's scheduling: the operations affinity, scheduler and io-priority. */
#ifndef CORE_LINUX_SCHEDULING_H
#define CORE_LINUX_SCHEDULING_H

#include "core/container.h"

int scheduling_op(struct container *c, const struct plan_op *op, struct error *err);

#endif
