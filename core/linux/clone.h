/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-init as a process: its plan, its start. */
#ifndef CORE_LINUX_CLONE_H
#define CORE_LINUX_CLONE_H

#include <sys/types.h>

#include "core/error.h"
#include "core/plan.h"
#include "core/trace.h"

/* A sealed memfd that holds the plan. */
int plan_memfd(const struct plan_header *plan, struct error *err);

/* With a trace: the table for the times of this plan's operations, whose size is sealed. */
int times_open(struct times *x, const struct plan_header *plan, const struct trace *t,
               struct error *err);

struct spawn {
    int image, plan_fd, sync; /* sync: the end that hozo-init gets */
    const struct plan_header *plan;
    int cgroup; /* v2 directory to be born in, or -1 */
    int times;  /* memfd of the table, or -1 */
};

/* Starts the stage process and returns its pid once it has been executed. */
pid_t spawn_stage(const struct spawn *s, struct error *err);

#endif
