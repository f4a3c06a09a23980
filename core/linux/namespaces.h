/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of namespaces: the specification's word, the kernel's bit, the kernel's file name. */
#ifndef CORE_LINUX_NAMESPACES_H
#define CORE_LINUX_NAMESPACES_H

#include <sys/types.h>

#include "core/error.h"

struct namespace_kind {
    const char *type; /* in config.json */
    const char *file; /* in /proc/PID/ns */
    uint64_t flag;
};

/* Ends with a row whose type is NULL. */
extern const struct namespace_kind namespace_kinds[];

const struct namespace_kind *namespace_kind(const char *type);

/* Those in which a process differs from hozo: setns(2) refuses one's own user namespace, and joining what is the same
 * would be work for nothing. ENOENT: it has ended. */
int namespaces_that_differ(pid_t pid, uint64_t *flags, struct error *err);

/* Whether a user namespace is among them. */
bool namespaces_have_user(uint64_t flags);

/* A descriptor of that of the process, which is held. */
int namespace_open(pid_t pid, const struct namespace_kind *kind, struct error *err);

/* The kind of namespace to which a file below /proc belongs, "sys/kernel/msgmax"; NULL: to none, or not known. */
const struct namespace_kind *sysctl_kind(const char *file);

#endif
