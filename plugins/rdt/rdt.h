/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rdt plugin: linux.intelRdt, by the files of resctrl (Documentation/filesystems/resctrl.rst of
 * Linux). docs/rdt.md has the rules.
 *
 *     section.c    what the configuration asks for       pure
 *     plan.c       the list of all that will be done     pure
 *     schemata.c   comparing lines of a schemata file    pure
 *     mountinfo.c  where it is mounted                   pure
 *     resctrl.c    finding the file system; files in it
 *     record.c     what the container's state keeps
 *     write.c      writing lines, and putting them back
 *     prepare.c    the groups
 *     entry.c      between the groups and who is in them
 *     attach.c     who is in them
 *     update.c     other lines while the container exists
 *     stats.c      what `events` tells
 *     cleanup.c    removing what was made
 */
#ifndef PLUGINS_RDT_RDT_H
#define PLUGINS_RDT_RDT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hozo/plugin.h>

#define RDT      "linux.intelRdt"
#define CLOS     RDT ".closID"
#define L3       RDT ".l3CacheSchema"
#define MB       RDT ".memBwSchema"
#define SCHEMATA RDT ".schemata"
#define MONITOR  RDT ".enableMonitoring"

#define auto_free  __attribute__((cleanup(rdt_free_ptr)))
#define auto_close __attribute__((cleanup(rdt_close_fd)))

static inline void rdt_free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void rdt_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* --- section.c ---------------------------------------------------------------------------------- */

/* hozo_find() for the configuration, hozo_changed() for what an update names. */
typedef int (*rdt_lookup)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                          struct hozo_cursor *found);

struct section {
    const char *clos, *l3, *mb;  /* NULL: not set */
    struct hozo_cursor schemata; /* where has_schemata */
    bool has_schemata, monitoring;
};

/* 1, or 0 without the section. */
int section_read(struct hozo_ctx *ctx, rdt_lookup lookup, struct section *s);

/* --- plan.c ------------------------------------------------------------------------------------- */

/*
 * The words of the plan. Paths are those below the mount point; "/" is the root class. First the class:
 *     own      the container's, of its own name: made where it is missing
 *     share    made where it is missing; else the lines `schema` have to be so already
 *     join     has to be there
 * then lines of its schemata, the group that only monitors, and, of each process, the tasks files.
 */
#define WORK_OWN      "own"
#define WORK_SHARE    "share"
#define WORK_JOIN     "join"
#define WORK_SCHEMA   "schema"
#define WORK_SCHEMATA "schemata"
#define WORK_MONITOR  "monitor"
#define WORK_TASKS    "tasks"

static inline bool work_is(const struct hozo_work *w, const char *what)
{
    return !strcmp(w->what, what);
}

/* "/gold/mon_groups/c1" as a path beneath the mount point, and as people read it. */
static inline const char *beneath(const char *path)
{
    return path[1] ? path + 1 : ".";
}

static inline const char *shown(const char *path)
{
    return path[1] ? path + 1 : path;
}

int rdt_plan(struct hozo_ctx *ctx);
int rdt_exec(struct hozo_ctx *ctx);
int rdt_update(struct hozo_ctx *ctx);

/* --- resctrl.c ---------------------------------------------------------------------------------- */

/* Where resctrl is mounted. */
struct place {
    char *path;
    bool named; /* by the administrator: of which type it is, is not asked */
};

void place_free(struct place *p);

/* By the setting, or where the kernel says: 0 and the place; -ENODEV: nowhere. */
int place_find(struct hozo_ctx *ctx, struct place *p);

/* A descriptor, or negative; -ENODEV: it is not mounted there. */
int place_open(const struct place *p);

/* Until the root is closed, no other that keeps to the rule changes the groups: 0 or negative. */
int resctrl_lock(int root);

/* Beneath the root, through no link and no mount: a descriptor, or negative. */
int resctrl_open(int root, const char *path, int flags);

/* Directories, as safely: 0 or negative. */
int resctrl_mkdir(int root, const char *path);
int resctrl_rmdir(int root, const char *path);

/* All of a file; NULL and errno. */
char *resctrl_read(int dir, const char *file);

/* One write(2): 0 or negative. */
int resctrl_write(int dir, const char *file, const char *text);

/* The error that the user reads, with what the kernel says of its last command. */
__attribute__((format(printf, 5, 6))) int resctrl_fail(struct hozo_ctx *ctx, int root, int errnum,
                                                       const char *path, const char *fmt, ...);

/* --- record.c ----------------------------------------------------------------------------------- */

struct record {
    struct place place;
    const char *class;
    bool made;           /* by hozo */
    const char *monitor; /* the group that only monitors, made by hozo; NULL: none */
};

int rdt_record_write(struct hozo_ctx *ctx, const struct record *r);

/* 1, or 0 without any. The strings are the host's, but for the place: place_free(). */
int rdt_record_read(struct hozo_ctx *ctx, struct record *r);

/* rdt_record_read() and the mount point's descriptor, or -1 with an error. */
int rdt_record_open(struct hozo_ctx *ctx, struct record *r);

/* --- write.c ------------------------------------------------------------------------------------ */

/* Lines that are written into one class, and what was there before. */
struct lines {
    struct hozo_ctx *ctx;
    int root, class; /* descriptors of the caller's */
    const char *name;
    char *before; /* all of schemata, before the first */
    char *undo;   /* the lines of it that were replaced; NULL: none */
};

int lines_write(struct lines *l, const struct hozo_work *work);
int lines_undo(struct lines *l);
void lines_end(struct lines *l);

/* --- entry.c ------------------------------------------------------------------------------------ */

/* Takes the descriptors, the lock on the first, and what would be put back. */
void rdt_entry_begin(struct lines *l);
void rdt_entry_end(void);

/* The lines as they were before prepare, where the container has not entered. */
void rdt_entry_undo(struct hozo_ctx *ctx, const char *name);

/* --- callbacks ---------------------------------------------------------------------------------- */

int rdt_prepare(struct hozo_ctx *ctx);
int rdt_attach(struct hozo_ctx *ctx);
int rdt_update_apply(struct hozo_ctx *ctx);
int rdt_update_undo(struct hozo_ctx *ctx);
int rdt_stats(struct hozo_ctx *ctx);
int rdt_cleanup(struct hozo_ctx *ctx);

#endif
