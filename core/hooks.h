/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX-platform hooks on the host's side (config.md); those inside are operations of the plan. */
#ifndef CORE_HOOKS_H
#define CORE_HOOKS_H

#include "core/container.h"

struct hook {
    const char *path;
    const char *const *args; /* NULL-terminated; NULL or empty: { path } */
    const char *const *env;  /* all that the hook gets; NULL: nothing */
    unsigned timeout;        /* seconds; 0: none */
    int interrupt;           /* readable once the user wants to end it all; -1: never */
};

/* Runs one hook with `state` on its standard input; the error text has no prefix. */
int hook_run(const struct hook *hook, const char *state, struct error *err);

/* Runs poststart or poststop from the frozen configuration, in order; ends at the first failure,
 * except that all of poststop run. */
int hooks_run(struct container *c, const char *kind, enum status status, struct error *err);

#endif
