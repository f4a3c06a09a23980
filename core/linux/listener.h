/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LINUX_LISTENER_H
#define CORE_LINUX_LISTENER_H

#include "core/container.h"

/* The operation of this plan that makes a seccomp listener, or NULL. */
const struct plan_op *listener_op(const struct plan_header *plan);

/* Takes the descriptor `number` of the container's process and gives it to the agent. */
int listener_hand_over(const struct container *c, const struct plan_op *op, uint32_t number,
                       enum status status, struct error *err);

#endif
