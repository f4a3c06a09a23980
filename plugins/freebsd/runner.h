/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: carries out what was compiled, by the calls of os.h and nothing else. What it does is written into
 * the record first, so that undo finds it, also in another process after a crash.
 *
 *     runner.c          what hozo asks for
 *     runner-create.c   the environment, in its order
 *     runner-undo.c     the contrary
 *     runner-process.c  what the container's processes do; start, kill, exec, state
 *     values.c          parameters as the kernel takes them
 *     record.c          the record as JSON
 *     posix-*.c         the calls that every system has
 *     os-freebsd.c      those of FreeBSD; os-none.c: there are none
 */
#ifndef PLUGINS_FREEBSD_RUNNER_H
#define PLUGINS_FREEBSD_RUNNER_H

#include "plugins/freebsd/freebsd.h"
#include "plugins/freebsd/os.h"

#define PARENTS_MAX   16
#define ADDRESSES_MAX 256
#define ROOT_MAX      1024 /* of FreeBSD's: MAXPATHLEN */

/* What has been begun, and is not undone. */
struct record {
    bool directory, fifos, root, jail;
    char path[ROOT_MAX];         /* of the jail's root, without links; "": not known yet */
    unsigned mounts, interfaces; /* the first so many of the configuration's */
    bool aliases[ADDRESSES_MAX]; /* added by hozo */
    int raised[PARENTS_MAX];     /* children.max as it was, and 1; from the outermost jail on */
    int jid;                     /* 0: not known */
    int pid;                     /* 0: none */
    uint64_t born;               /* of pid */
};

struct runner {
    const struct os *os;
    void *self; /* of the calls of os */
    struct jail *jail;
    struct record record;
    int (*save)(struct runner *r); /* the record is on disk when it returns; -1 with an error */
    /* For hooks, as JSON: enum hozo_status. */
    const char *(*describe)(struct runner *r, uint32_t status, int pid);
    void *data;        /* of those two */
    unsigned preserve; /* descriptors behind 2 that the program keeps */
};

/* All return 0, or -1 with an error. What a create that fails has made is in the record, for runner_undo(). *console:
 * the master of its terminal, or -1. */
int runner_create(struct runner *r, int *console);
int runner_start(struct runner *r);
int runner_status(struct runner *r, uint32_t *status);
int runner_kill(struct runner *r, int signal, bool all);
int runner_exec(struct runner *r, const struct process *process, int *pid, int *console);
/* Ends what is left of the processes, too. Goes on behind what fails; nothing to do is no failure. */
int runner_undo(struct runner *r);

/* The plugin's state has it: 0, or -1 with an error. Without a state the record is empty. */
int runner_record_write(struct hozo_ctx *ctx, const struct record *r);
void runner_record_read(struct hozo_ctx *ctx, struct record *r);

/* --- within the runner -------------------------------------------------------------------------- */

#define OS(r, call, ...) ((r)->os->call((r)->self, ##__VA_ARGS__))

/* All parameters: jail_keep() has them. NULL with an error. */
struct os_value *values_make(struct jail *j);

/* The name of the jail that is above the container's, the i-th from the outermost; NULL behind the last. */
const char *runner_parent(struct runner *r, size_t i);

const char *runner_directory(struct runner *r);
/* Where a mount of the container is, below the jail's root. */
const char *runner_place(struct runner *r, const char *destination);

int runner_spawn(struct runner *r, int *console);
int runner_hooks(struct runner *r, enum hook_kind kind, uint32_t status, int pid);

#endif
