/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on mounts share. */
#ifndef CORE_INIT_MOUNTS_H
#define CORE_INIT_MOUNTS_H

#include "core/init/interpreter.h"

/* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC of all below; 0 changes nothing. */
int set_propagation(struct interpreter *in, int fd, uint64_t propagation);

/* Of the tree at `fd`: attr[0] is set and attr[1] cleared on its top, attr[2] and attr[3] on all of it. */
int set_attributes(struct interpreter *in, int fd, const uint64_t attr[4]);

/* Whether fsopen(2) cannot make this mount, and mount(2) has to. */
bool needs_old_mount(char *const *options, const char *source);
int old_mount(struct interpreter *in, const struct plan_op *op, int onto, char *const *options);

#endif
