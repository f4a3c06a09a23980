/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins confine the process with, at its place in the plan. */
#ifndef CORE_LINUX_CONFINE_H
#define CORE_LINUX_CONFINE_H

#include "core/compile.h"

/* The planned filter, if this is its place: `last`, behind all else of the identity, or not. */
void compile_seccomp(struct compile *p, bool no_new_privs, bool last);

/* The session keyring, with its label. *proc: the slot of a procfs of the process's own, -1 until one is there. */
void compile_keyring(struct compile *p, int *proc);
void compile_exec_labels(struct compile *p, int *proc);

/* The option that labels a mount of this type, malloc'ed; NULL: none. */
int mount_label_option(const struct compile *p, const char *type, const char *const *options,
                       char **option, struct error *err);
/* Behind a mount whose label is not an option. */
void compile_mount_label(struct compile *p, const char *type, const char *target, const char *path);

#endif
