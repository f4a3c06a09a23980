/* SPDX-License-Identifier: Apache-2.0 */
/* exec --cgroup: a cgroup below the container's own, which exists already. */
#ifndef CORE_LINUX_EXEC_CGROUP_H
#define CORE_LINUX_EXEC_CGROUP_H

#include "core/container.h"

/* Directories: one for each file of c->state.cgroup.procs, or the one to clone into. */
struct exec_cgroup {
    int *at;
    size_t n;
};

/* A word is PATH, or with cgroup v1 CONTROLLER[,CONTROLLER]:PATH; without words x->n is 0. No path leads
 * out of the container's cgroup. */
int exec_cgroup_open(const struct container *c, const char *const *words, size_t n_words,
                     struct exec_cgroup *x, struct error *err);
void exec_cgroup_close(struct exec_cgroup *x);
#define auto_exec_cgroup __attribute__((cleanup(exec_cgroup_close)))

#endif
