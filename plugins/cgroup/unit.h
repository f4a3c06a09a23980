/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cgroup-manager systemd: linux.cgroupsPath is "SLICE:PREFIX:NAME" and means a unit, whose control group
 * systemd makes. What both plugins that take part in that need to know: a pure function of the
 * configuration, the id and the host facts.
 */
#ifndef PLUGINS_CGROUP_UNIT_H
#define PLUGINS_CGROUP_UNIT_H

#include <stdbool.h>

#include <hozo/plugin.h>

struct unit {
    char *name;    /* "crio-4f5a.scope", or a slice */
    char *slice;   /* that it lies in: "system.slice" */
    char *path;    /* of its cgroup, below each mount point: "/system.slice/crio-4f5a.scope" */
    bool is_slice; /* which systemd puts no process into */
    bool user;     /* of a user's own manager */
};

/* Whether systemd is to make the container's control group. */
bool unit_wanted(struct hozo_ctx *ctx);

int unit_find(struct hozo_ctx *ctx, struct unit *unit);
void unit_free(struct unit *unit);
#define auto_unit __attribute__((cleanup(unit_free)))

/* Its parts. NULL with errno: EINVAL for what means no unit, or ENOMEM. */
char *unit_slice_path(const char *slice);               /* "a-b.slice" -> "/a.slice/a-b.slice" */
char *unit_manager_path(const char *own, unsigned uid); /* where a user's manager lives */

#endif
