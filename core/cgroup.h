/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core itself does with the control group of a container, by the files that its state
 * records, without any plugin: freeze it, and reach all its processes.
 */
#ifndef CORE_CGROUP_H
#define CORE_CGROUP_H

#include "core/error.h"

struct state_cgroup;

/* Frozen altogether. A file that is gone, or a cgroup that never was, is not. */
bool cgroup_frozen(const struct state_cgroup *cgroup);

/* Frozen, or on the way there, by its own order or by one above it: who is in there, or is put there, may not
 * run. */
bool cgroup_stalls(const struct state_cgroup *cgroup);

/* All its processes have stopped when this returns; if some do not within a few seconds, all run again. */
int cgroup_freeze(const struct state_cgroup *cgroup, struct error *err);

/* They run when this returns. */
int cgroup_unfreeze(const struct state_cgroup *cgroup, struct error *err);

/* v1: lets the processes of a frozen cgroup go, which not even SIGKILL ends there. Else nothing. */
int cgroup_thaw(const struct state_cgroup *cgroup, struct error *err);

/* Sends a signal to every process of the cgroup and of those below it; with SIGKILL until no
 * process is left that has not got it. Nothing recorded, or all gone: 0. */
int cgroup_signal(const struct state_cgroup *cgroup, int number, struct error *err);

/* Whether a process lives in the cgroup or below it. */
bool cgroup_populated(const struct state_cgroup *cgroup);

/* Writes to one of its files: -1 and errno. */
int cgroup_write(const char *file, const char *word);

#endif
