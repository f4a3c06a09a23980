/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host facts: all that compilation knows of the machine, as one JSON document, so that a file can
 * replace it (hozo plan --host FILE) and the same configuration gives the same plan everywhere.
 *
 *     {
 *       "kernel": "6.18.44",
 *       "euid": 0,
 *       "egid": 0,
 *       "userNamespace": false,                   whether hozo runs in one that somebody made
 *       "lastCapability": 40,
 *       "capabilities": 2199023255551,            bits that hozo holds; absent: all
 *       "runtimeDirectory": "/run/user/1000",     $XDG_RUNTIME_DIR; absent: not set, empty, or no path
 *       "cgroup": {
 *         "layout": "v2",                           v2, v1, hybrid or none
 *         "unified": {"mountpoint": "/sys/fs/cgroup", "own": "/user.slice"},      v2 and hybrid
 *         "hierarchies": [                                                        v1 and hybrid
 *           {"controllers": ["cpu", "cpuacct"], "mountpoint": "/sys/fs/cgroup/cpu,cpuacct", "own": "/"},
 *           {"controllers": ["name=systemd"], "mountpoint": "/sys/fs/cgroup/systemd", "own": "/"}
 *         ]
 *       }
 *     }
 *
 * `own` is hozo's own place in that hierarchy, relative to its mount. It is absent if the mount
 * does not show that place: one made in another cgroup namespace, or of another part of the hierarchy.
 * `"writable": false` beside it: nothing can be made next to that place, as for an ordinary user.
 */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include "core/json.h"

/* Looks at the host. Changes nothing. */
int facts_collect(struct json *facts, struct error *err);

/* What the document is made from, as the kernel says it. */
struct facts_source {
    const char *kernel; /* uname: the release */
    uint32_t euid, egid;
    bool user_namespace; /* hozo's is not the first of the system */
    int last_capability;   /* negative: this system has none */
    bool v2;               /* /sys/fs/cgroup is of the v2 hierarchy */
    const char *cgroup;    /* /proc/self/cgroup */
    const char *mountinfo; /* /proc/self/mountinfo; NULL with v2: all of the hierarchy shows */
    uint64_t capabilities; /* bits that hozo itself holds; 0: not recorded */
    const char *runtime_directory; /* $XDG_RUNTIME_DIR, or NULL */
    bool (*writable)(const char *directory); /* NULL: all of the hierarchies are root's own */
};

/* Appends the document: the part of facts_collect() that looks at nothing. */
struct text;
int facts_write(struct text *out, const struct facts_source *source, struct error *err);

/* Reads a recorded document. */
int facts_read(struct json *facts, const char *file, struct error *err);

#endif
