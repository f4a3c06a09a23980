/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core itself does with the control group of a container, by the files that its state
 * records, without any plugin: see whether it is frozen, and reach all its processes.
 */
#ifndef CORE_CGROUP_H
#define CORE_CGROUP_H

#include "core/error.h"

struct state_cgroup;

/* Frozen altogether. A file that is gone, or a cgroup that never was, is not. */
bool cgroup_frozen(const struct state_cgroup *cgroup);

/* v1: lets the processes of a frozen cgroup run, so that SIGKILL reaches them. Else nothing. */
int cgroup_thaw(const struct state_cgroup *cgroup, struct error *err);

/* Sends a signal to every process of the cgroup and of those below it; with SIGKILL until no
 * process is left that has not got it. Nothing recorded, or all gone: 0. */
int cgroup_signal(const struct state_cgroup *cgroup, int number, struct error *err);

/* Whether a process lives in the cgroup or below it. */
bool cgroup_populated(const struct state_cgroup *cgroup);

#endif
