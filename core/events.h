/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a container, and what it uses, as lines of JSON. */
#ifndef CORE_EVENTS_H
#define CORE_EVENTS_H

#include "core/container.h"

/* Opens a container that has not stopped, without its lock: who waits must not keep others from working on it. */
int events_open(struct container *c, const char *root, const char *id, struct error *err);

/* One line of type stats. */
int events_stats(struct container *c, struct error *err);

/* Such a line each time the interval (nanoseconds) is over, one of type oom when the kernel has killed for
 * memory, until the container has no process any more; or until nobody reads any more, which is no error. */
int events_follow(struct container *c, int64_t interval, struct error *err);

#endif
