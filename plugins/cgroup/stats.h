/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics: what the kernel's files of a container's cgroups say, as the JSON of `events`.
 *
 *     stats.c         the callback: a section after the other
 *     stats-read.c    the files, and the JSON that is made of them
 *     stats-cpu.c     cpu, cpuset
 *     stats-memory.c  memory, hugetlb
 *     stats-tasks.c   pids, blkio
 *
 * A file that is not there is a feature that this kernel, or this cgroup, has not: its numbers are 0.
 */
#ifndef PLUGINS_CGROUP_STATS_H
#define PLUGINS_CGROUP_STATS_H

#include <stdio.h>

#include "plugins/cgroup/cgroup.h"

struct stats {
    const struct hierarchies *all;
    int dirs[HIERARCHIES_MAX]; /* … and their directories; -1: it is gone */
    FILE *out;
    bool comma; /* one is due before the next member */
    /* The cgroup that is read, and the file that was read last: one text for all that is in it. */
    int dir;
    bool v2;
    char *text, file[64];
    int text_dir;
    size_t room;
    int errnum; /* the first file that could not be read */
    char failed[256];
};

/* --- stats-read.c: reading ---------------------------------------------------------------------- */

/* Opens the cgroups; false with s->errnum, if one is there and cannot be opened. */
bool stats_begin(struct stats *s, const struct hierarchies *all);
void stats_end(struct stats *s);

/* The first failure is the one to tell; all that is read behind it is 0. */
void stats_fail(struct stats *s, int errnum, const char *file);

/* What follows is read where this controller is, whichever hierarchy has it; with UNIFIED in cgroup v2. */
void stats_enter(struct stats *s, const char *controller);

/* A file's text until another one is read, or NULL. */
const char *stats_text(struct stats *s, const char *file);
/* The number that is all of a file (`word` NULL), or that stands behind this word: 0 if there is none,
 * UINT64_MAX for "max". */
uint64_t stats_read(struct stats *s, const char *file, const char *word);

/* --- stats-read.c: JSON ------------------------------------------------------------------------- */

void stats_key(struct stats *s, const char *key); /* NULL: of an element */
void stats_open(struct stats *s, const char *key, char bracket);
void stats_close(struct stats *s, char bracket);
void stats_number(struct stats *s, const char *key, uint64_t number);
void stats_unless_0(struct stats *s, const char *key, uint64_t number);

/* A number of a section, and where it is on both versions. */
struct stats_place {
    const char *file, *word;
    uint64_t factor; /* 0: 1 */
};

struct stats_row {
    const char *key;
    bool always; /* also if it is 0 */
    struct stats_place v1, v2;
};

void stats_rows(struct stats *s, const struct stats_row *rows, size_t n);
#define STATS_ROWS(s, rows) stats_rows(s, rows, sizeof(rows) / sizeof(*(rows)))

/* An object of such rows, as a member. */
void stats_object(struct stats *s, const char *key, const struct stats_row *rows, size_t n);
#define STATS_OBJECT(s, key, rows) stats_object(s, key, rows, sizeof(rows) / sizeof(*(rows)))

/* The member `psi`, if the kernel measures the pressure of cgroups: only those of version 2 have it. */
void stats_pressure(struct stats *s, const char *file);

/* --- the sections ------------------------------------------------------------------------------- */

void stats_cpu(struct stats *s);
void stats_cpuset(struct stats *s);
void stats_memory(struct stats *s);
void stats_pids(struct stats *s);
void stats_blkio(struct stats *s);
void stats_hugetlb(struct stats *s);

/* A member of the data of `events`; ended by a row of zeros. */
extern const struct stats_section {
    const char *key;
    void (*print)(struct stats *s);
} stats_sections[];

/* The object of one section; malloc'ed. NULL: s->errnum. */
char *stats_print(struct stats *s, const struct stats_section *section, size_t *size);

int cgroup_stats(struct hozo_ctx *ctx);

#endif
