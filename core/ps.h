/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes a container has. */
#ifndef CORE_PS_H
#define CORE_PS_H

#include "core/cgroup-pids.h"
#include "core/state.h"

/* All of them, as hozo's pid namespace numbers them, sorted: those of its cgroup, or without one those of
 * its own pid namespace. A container that has ended has those that it left in its cgroup. */
int container_pids(const struct state *s, struct pids *pids, struct error *err);

#endif
