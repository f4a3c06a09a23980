/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of namespaces: the specification's word, the kernel's bit, the kernel's file name. */
#ifndef CORE_LINUX_NAMESPACES_H
#define CORE_LINUX_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

struct namespace_kind {
    const char *type; /* in config.json */
    const char *file; /* in /proc/PID/ns */
    uint64_t flag;
};

/* Ends with a row whose type is NULL. */
extern const struct namespace_kind namespace_kinds[];

const struct namespace_kind *namespace_kind(const char *type);

/* The kind of namespace to which a file below /proc belongs, "sys/kernel/msgmax"; NULL: to none, or not known. */
const struct namespace_kind *sysctl_kind(const char *file);

#endif
