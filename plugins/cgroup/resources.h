/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as tables: which field is which file of the kernel, and as what text. A family is what one
 * controller of cgroup v1 serves, and has a file of its own. From its rows come the work of `create` and
 * of `update`, and the table of docs/cgroups.md.
 *
 *     resources.c   what the families have in common                                   pure
 *     families.c    their order, and where they lie                                    pure
 *     memory.c, cpu.c (with cpuset), pids.c, blkio.c, hugetlb.c, network.c, rdma.c,
 *     unified.c     the families                                                       pure
 *     weight.c      weights of v1 as those of v2                                       pure
 *     write.c       carries out what they append, with realtime.c and journal.c
 *     update.c      the callbacks of `update`
 */
#ifndef PLUGINS_CGROUP_RESOURCES_H
#define PLUGINS_CGROUP_RESOURCES_H

#include "plugins/cgroup/cgroup.h"

/* --- tables -------------------------------------------------------------------------------------
 */

enum version { NOWHERE, V1, V2 }; /* NOWHERE: no control group at all */

struct value {
    bool set;       /* in the configuration as it is, or will be */
    bool named;     /* of an update: by this update; of create: the same as `set` */
    int64_t number; /* also of a bool */
    const char *text;
};

#define TEXT_MAX 128

struct resource {
    const char *path; /* in config.json */
    uint32_t type;    /* enum hozo_type */
    const char *v1,
        *v2; /* the file; "a|b": b where the kernel has no a; SIZE: of a page; NULL: none is like it */
    /* What is written; "": nothing has to be; NULL: that version cannot express it. `all` are the values of the
     * family, `room` is TEXT_MAX long. No function: rows of a list, which the family reads itself. */
    const char *(*text)(const struct value *all, size_t own, enum version version, char *room);
    const char *doc; /* how the value becomes text, for the manual */
};

/* The passes of `create`: before there is a process, and once the container's is there. */
#define EARLY 1u
#define LATE  2u

struct planning;
struct family {
    const char *controller; /* of cgroup v1; "": only the unified hierarchy */
    const char *section;    /* without this member there is nothing to do */
    unsigned passes;
    const struct resource *rows;
    size_t n;
    /* For p->h; without one it must refuse what is set. */
    int (*plan)(struct planning *p);
};

extern const struct family memory_family, cpu_family, cpuset_family, pids_family, blkio_family,
    hugetlb_family, net_cls_family, net_prio_family, rdma_family, unified_family;
#define FAMILIES 10
extern const struct family *const families[FAMILIES]; /* in the order in which they are written */

/* --- planning -----------------------------------------------------------------------------------
 */

struct planning {
    struct hozo_ctx *ctx;
    struct hierarchies all;
    struct device_rules devices;
    bool update;
    unsigned pass;
    const char *why; /* why there is no control group at all */
    const struct family *family;
    const struct hierarchy *h;       /* in which the family lies; NULL: in none */
    const struct hierarchy *entered; /* by work of this phase */
    /* Who wants to know what would be written: called in place of all work. */
    int (*told)(struct planning *p, const char *path, const char *what, const char *file,
                const char *text);
    void *data; /* theirs */
};

int planning_work(struct planning *p, uint32_t phase, const char *path, const char *what,
                  const char *value, const void *data, size_t data_size);
/* "name=text"; of WORK_CHECK "name<=text" */
int planning_assign(struct planning *p, uint32_t phase, const char *path, const char *what,
                    const char *name, const char *text);

/* All families, before and once the container's process is there. */
int resources_plan(struct planning *p, const struct hierarchy *h);
int resources_plan_late(struct planning *p);
/* Refuses whatever is set and has no hierarchy. */
int resources_check(struct planning *p);
int resources_plan_update(struct planning *p);

/* --- for the families ---------------------------------------------------------------------------
 */

enum version resource_version(const struct planning *p);
const char *resource_file(const struct planning *p, const struct resource *row);
/* What is written: of an update what it names. As hozo_find(). */
int resource_find(struct planning *p, const char *path, struct hozo_cursor *at);
/* The values of all rows with a function. */
int resource_values(struct planning *p, struct value *values);
/* By the row's own function, if the value is named. */
int resource_plan(struct planning *p, const struct value *values, size_t own, const char *what);
/* file=text */
int resource_put(struct planning *p, const char *path, const char *what, const char *file,
                 const char *text);
/* The error of a field that has no file. */
int resource_refuse(struct planning *p, const char *path);
/* Each element or member of a list. */
typedef int resource_entry(struct planning *p, const struct resource *row,
                           const struct hozo_cursor *entry, const char *key);
int resource_each(struct planning *p, const char *list, const struct resource *row,
                  resource_entry *entry);

/* For the rows: the number as it is. */
const char *text_number(int64_t number, char *room);
const char *text_plain(const struct value *all, size_t own, enum version version, char *room);

/* --- device-plan.c ------------------------------------------------------------------------------
 */

/* What this hierarchy has to be told of p->devices. */
int devices_plan(struct planning *p, const struct hierarchy *h);
/* Whether there is any that can be told. */
int devices_check(struct planning *p);

/* --- weight.c -----------------------------------------------------------------------------------
 */

/* cgroup v1's 2..262144 with 1024 in the middle to cgroup v2's 1..10000 with 100. */
unsigned weight_of_shares(uint64_t shares);
/* 10..1000 to 1..10000. */
unsigned weight_of_blkio(unsigned weight);

/* --- write.c, realtime.c ------------------------------------------------------------------------
 */

#define WORK_WRITE    "write"    /* file=text */
#define WORK_WRITE_IF "write-if" /* the same; a kernel without the file already behaves so */
#define WORK_WRITE_KEPT                                                                            \
    "write-kept" /* the same, and read again: kernels take limits they do not keep */
#define WORK_WRITE_EITHER                                                                          \
    "write-either" /* file=text|file=text: the first that the kernel and the device take */
#define WORK_WRITE_SWAP                                                                            \
    "write-swap" /* file=memory and swap; written without the limit of memory in force */
#define WORK_WRITE_PERIOD "write-period" /* file=period, behind the quota in force */
#define WORK_REALTIME                                                                              \
    "realtime"             /* "runtime=N period=N" of cgroup v1, for the groups above as well */
#define WORK_CHECK "check" /* file<=number */

#define REALTIME_RUNTIME RESOURCES ".cpu.realtimeRuntime"
#define REALTIME_PERIOD  RESOURCES ".cpu.realtimePeriod"

/* Writes into one cgroup. */
struct writing {
    struct hozo_ctx *ctx;
    int dir; /* -1: none */
    const char *directory;
    const char *refused;     /* controllers that could not be enabled, and why; or "" */
    struct journal *journal; /* of what was there before; NULL: nobody asks */
    int file;                /* of the last write: device rules are many writes to one file */
    char name[256];
};

void writing_begin(struct writing *w, struct hozo_ctx *ctx);
void writing_end(struct writing *w);
/* One piece of the work above; an error if it is none. */
int write_work(struct writing *w, const struct hozo_work *work);
/* Negative errno; -ENOENT: there is no such file. */
int write_file(struct writing *w, const char *name, const char *text);
int write_failed(struct writing *w, const char *path, const char *name, const char *text, int r);
int write_realtime(struct writing *w, const struct hozo_work *work);

/* --- journal.c ----------------------------------------------------------------------------------
 */

struct journal {
    struct journal_entry {
        char *directory, *name, *text;
    } * at;
    size_t n;
};

/* Keeps what `text` is about to replace. Negative errno. */
int journal_keep(struct journal *j, int dir, const char *directory, const char *name,
                 const char *text);
/* Forgets all but the first `n`. */
void journal_drop(struct journal *j, size_t n);
/* Writes all back, the last first, and forgets it. What fails is logged, the rest is still done; then -1. */
int journal_undo(struct journal *j, struct hozo_ctx *ctx);
/* The text that undoes the write of `text` to a file that shows `old`. NULL without memory. */
char *journal_text(const char *name, const char *old, const char *text);

#endif
