/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of processes: those of a container's control group. */
#ifndef CORE_CGROUP_PIDS_H
#define CORE_CGROUP_PIDS_H

#include <sys/types.h>

#include "core/error.h"

struct state_cgroup;

struct pids {
    pid_t *at;
    size_t count, room;
};

void pids_free(struct pids *p);
#define auto_pids __attribute__((cleanup(pids_free)))

/* -1 without memory. */
int pids_add(struct pids *p, pid_t pid);
/* Sorts, once all are added; none is there twice behind it. */
void pids_sort(struct pids *p);
/* Of a sorted set. */
bool pids_have(const struct pids *p, pid_t pid);

/* Every process of the cgroup and of those below it, sorted, in place of what the set held. Nothing
 * recorded, or all gone: none. On failure -1 and errno. */
int cgroup_pids(const struct state_cgroup *cgroup, struct pids *pids);

#endif
