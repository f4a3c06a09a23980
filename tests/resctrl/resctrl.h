/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE file system that behaves like resctrl of Linux 6.18 on a machine that this one need not be: classes and
 * groups that monitor are made with mkdir and removed with rmdir, and files take, refuse and show what the kernel's
 * do, with its words in info/last_cmd_status.
 *
 *     groups.c     classes, groups, their tasks
 *     schemata.c   the schemata file
 *     files.c      the files of a group
 *     info.c       the directory info
 *     nodes.c      where a path leads
 *     main.c       the file system, and options that say what the machine has
 *
 * What it does otherwise: a process that was written nowhere is where its parent is now, not where that was when it
 * was forked. The modes of classes exclude nobody; pseudo-locksetup only refuses tasks and lines, which makes failures
 * that a test wants. Counters show numbers that depend on the group alone.
 */
#ifndef TESTS_RESCTRL_H
#define TESTS_RESCTRL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define DOMAINS_MAX 8
#define CLASSES_MAX 64
#define GROUPS_MAX  128
#define TASKS_MAX   4096

/* --- the machine -------------------------------------------------------------------------------- */

struct geometry {
    unsigned closids, rmids, domains;
    unsigned apart;  /* the numbers of the domains: 0, 60, 120 with 60 */
    unsigned l3, l2; /* bits of a mask; 0: no such resource */
    unsigned min_bits;
    unsigned mb;          /* 0: no MB */
    unsigned mon;         /* 0: no L3_MON */
    unsigned old;         /* schemata as Linux before 6.16 pads it */
    unsigned no_status;   /* no info/last_cmd_status, as before Linux 4.15 */
    unsigned unavailable; /* counters cannot be read now */
};

extern struct geometry geometry;

/* info/last_cmd_status: empty is "ok". */
void status_clear(void);
void status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- groups.c ----------------------------------------------------------------------------------- */

enum resource { L3, L2, MB, RESOURCES };

/* A class, or, with a parent, a group that monitors. */
struct group {
    bool used;
    struct group *parent;
    char name[256];
    unsigned closid, rmid;
    char mode[24];
    uint64_t cpus;
    uint32_t value[RESOURCES][DOMAINS_MAX];
};

extern struct group groups[GROUPS_MAX]; /* the first is the root */

void groups_init(void);
struct group *group_find(const struct group *parent, const char *name);
int group_make(struct group *parent, const char *name); /* 0 or a negative errno */
void group_remove(struct group *g);

int task_move(struct group *g, pid_t pid);
void tasks_show(const struct group *g, FILE *out);

/* --- schemata.c --------------------------------------------------------------------------------- */

bool resource_there(enum resource r);
bool resources_there(void); /* any: else the machine can only monitor */
const char *resource_name(enum resource r);
uint32_t resource_default(enum resource r);
void schemata_show(const struct group *g, FILE *out);
int schemata_write(struct group *g, char *text);

/* --- files.c, info.c ---------------------------------------------------------------------------- */

struct group_file {
    const char *name; /* NULL behind the last */
    bool monitors,
        writable; /* a group that only monitors has it as well, and a machine that only monitors */
};

#define COUNTERS 3
extern const struct group_file group_files[];
extern const char *const counters[COUNTERS + 1];

struct node;
bool group_has(const struct group *g, const struct group_file *f);
int group_show(const struct group *g, const char *name, FILE *out);
int group_write(struct group *g, const char *name,
                char *text); /* text ends with what was written */
void counter_show(const struct node *n, FILE *out);

/* Directories of info/; behind the last is info/last_cmd_status. */
#define INFOS 4
const char *info_name(unsigned i); /* NULL: the machine has not that */
const char *const *info_files(unsigned i);
void info_show(unsigned i, const char *name, FILE *out);

/* --- nodes.c ------------------------------------------------------------------------------------ */

/* Where a path leads. */
struct node {
    enum {
        GROUP,
        MON_GROUPS,
        MON_DATA,
        MON_DOMAIN,
        INFO,
        INFO_OF,
        FILE_OF_GROUP,
        COUNTER,
        INFO_FILE
    } kind;
    struct group *group;
    unsigned domain; /* MON_DOMAIN, COUNTER */
    unsigned info;   /* INFO_OF, INFO_FILE: which directory of info/ */
    char name[32];   /* of a file */
};

int node_find(const char *path, struct node *n); /* 0 or -ENOENT */
bool node_is_directory(const struct node *n);
bool node_writable(const struct node *n);
void node_list(const struct node *n, void (*each)(void *data, const char *name), void *data);
int node_show(const struct node *n, FILE *out);

#endif
