/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a further process in a container that runs. */
#ifndef CORE_EXEC_H
#define CORE_EXEC_H

#include "core/container.h"

/* Members that a command line sets over the process of the configuration; absent: NULL, 0, false. */
struct exec_overrides {
    const char *const *args; /* NULL-terminated; never NULL without `process_file` */
    const char *process_file;
    const char *cwd, *user;       /* user: uid[:gid] */
    const char *apparmor, *label; /* these over `process_file`, too */
    const char *const *env;
    size_t n_env;
    const char *const *gids;
    size_t n_gids;
    const char *const *capabilities;
    size_t n_capabilities;
    bool tty, no_new_privs;
    /* Not of the process itself: */
    bool ignore_paused;
    const char *const *cgroups; /* [CONTROLLERS:]PATH below the container's own */
    size_t n_cgroups;
};

/* The complete process as one document: what exec --process left out comes from the configuration. */
int exec_process(const struct container *c, const struct exec_overrides *o, struct json *process,
                 struct error *err);

/* The program runs: c->pid and c->pidfd are its own. *console: master, or -1. */
int container_exec(struct container *c, const struct json *process, const struct exec_overrides *o,
                   int *console, struct error *err);

#endif
