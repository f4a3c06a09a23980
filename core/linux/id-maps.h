/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of a user namespace, written from the outside. A map is the kernel's own text: lines of "inside
 * outside count". */
#ifndef CORE_LINUX_ID_MAPS_H
#define CORE_LINUX_ID_MAPS_H

#include <sys/types.h>

#include "core/error.h"

/* `file` is uid_map, gid_map or setgroups. `program` (newuidmap, newgidmap) writes what an ordinary user may
 * not; NULL: hozo itself writes. */
int id_map_write(pid_t pid, const char *file, const char *value, const char *program,
                 struct error *err);

/* 0 if the process's map says the same, in whatever order. */
int id_map_compare(pid_t pid, const char *file, const char *value, struct error *err);

/* A descriptor of a new user namespace in which nobody lives. */
int id_map_namespace(const char *uids, const char *gids, struct error *err);

/* Whether setgroups(2) is forbidden in the process's user namespace. */
bool id_map_keeps_groups(pid_t pid);

#endif
