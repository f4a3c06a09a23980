/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cgroup-manager systemd: the container's control group is that of a transient unit, which systemd makes and
 * keeps the limits of. What it cannot say, the cgroup plugin writes into the same group.
 *
 *     variant.c     values of properties as text                                 pure
 *     properties.c  a list of them; annotations that name some                   pure
 *     resources.c   linux.resources as properties, from the cgroup plugin's files pure
 *     devices.c     … its device rules, on cgroup v1                              pure
 *     plan.c        the list of all that will be done; update                    pure
 *     manager.c     talking to systemd over D-Bus, while it may restart
 *     message.c     values of properties in messages
 *     start.c       makes the unit, with a process that holds the place
 *     end.c         … and removes it
 *     update.c      changes its properties
 *     record.c      what later verbs know of it
 */
#ifndef PLUGINS_SYSTEMD_SYSTEMD_H
#define PLUGINS_SYSTEMD_SYSTEMD_H

#include "plugins/cgroup/cgroup.h"
#include "plugins/cgroup/unit.h"

/* --- properties.c -------------------------------------------------------------------------------- */

struct property {
    char *path; /* JSON path that asks for it */
    char *name;
    char *value;    /* see variant.h */
    unsigned since; /* the first version of systemd that knows it so; 0: all do */
};

struct properties {
    struct hozo_ctx *ctx;
    struct property *at;
    size_t n;
};

void properties_free(struct properties *p);
#define auto_properties __attribute__((cleanup(properties_free)))

/* The value is that of a format; it replaces one that is there. */
int properties_set(struct properties *p, const char *path, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int properties_set_since(struct properties *p, unsigned since, const char *path, const char *name,
                         const char *value);
struct property *properties_find(const struct properties *p, const char *name);
/* A string as a value, quoted. NULL without memory. */
char *property_string(const char *text);

/* org.systemd.property.NAME. One that hozo sets of its own accord is replaced; one that the configuration sets
 * is an error. */
#define PROPERTY_ANNOTATION "org.systemd.property."
int properties_annotated(struct properties *p);

/* --- resources.c, devices.c ---------------------------------------------------------------------- */

/* `update`: only what is named by it. */
int properties_of_resources(struct properties *to, const struct hierarchies *all, bool update);
int properties_of_devices(struct properties *p, const struct hierarchies *all);

/* --- plan.c, and what its words mean ---------------------------------------------------------------- */

#define WORK_MANAGER "manager" /* "system", or the runtime directory of a user */
#define WORK_VACANT  "vacant"  /* a directory: nobody lives there */
#define WORK_PROPERTY                                                                              \
    "property" /* NAME=VALUE of the unit; "property-252": for systemd 252 and later, an
                                              older one does not touch the file */
#define WORK_PLACEHOLDER "placeholder"     /* a process that the unit starts with */
#define WORK_START       "start-unit"      /* its name */
#define WORK_GROUP       "control-group"   /* the path where systemd has put it */
#define WORK_LEAVE       "end-placeholder" /* the container's process is there */
#define WORK_SET         "set-properties"  /* of this unit */

#define MANAGER_SYSTEM "system"

int systemd_plan(struct hozo_ctx *ctx);
int systemd_update(struct hozo_ctx *ctx);

/* The index-th piece of work: false behind the last. */
bool next_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *work);
/* A property; *since: see above. */
bool is_property(const struct hozo_work *work, unsigned *since);
/* The value of the first piece of this kind, or NULL. */
const char *work_value(struct hozo_ctx *ctx, const char *what);

/* --- record.c -------------------------------------------------------------------------------------- */

/* {"version":1,"manager":"system","unit":"hozo-a.scope","description":"…","invocation":"…","placeholder":7,
 * "before":["MemoryMax=uint64 …","/sys/fs/cgroup/…/cpu.max=…"]} */
struct record {
    char *manager, *unit, *description;
    char *
        invocation; /* by which systemd tells a unit from a later one of that name; NULL: not started yet */
    int placeholder; /* pid, of a child of the execution that makes the container; 0: none */
    char **before;   /* what an update has replaced, NULL-terminated, or NULL */
};

void record_free(struct record *r);
#define auto_record __attribute__((cleanup(record_free)))
/* 1, or 0 if nothing was recorded. */
int record_read(struct hozo_ctx *ctx, struct record *r);
int record_write(struct hozo_ctx *ctx, const struct record *r);
/* There is no unit of ours. */
int record_nothing(struct hozo_ctx *ctx);

/* --- start.c, end.c, update.c ------------------------------------------------------------------------ */

int systemd_prepare(struct hozo_ctx *ctx);
int systemd_attach(struct hozo_ctx *ctx);
int systemd_cleanup(struct hozo_ctx *ctx);
int systemd_update_apply(struct hozo_ctx *ctx);
int systemd_update_undo(struct hozo_ctx *ctx);

/* Only if it is our own child. */
void placeholder_end(int pid);

#endif
