/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a container between two executions of hozo:
 *
 *     ROOT/ID/state.json    what this file describes; replaced by rename
 *            /config.json   the configuration, frozen at create
 *            /start         FIFO; exists while the container is created and not started
 *            /result        FIFO; how the start ended
 *            /notify/       if a service manager waits, see core/notify.h
 *
 * The lock is flock() on the directory ROOT/ID itself: it needs no file and dies with its holder.
 * The status is derived from the process and the FIFO, never believed from the file.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <sys/types.h>

#include "core/json.h"

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };
extern const char *const status_name[];

/* A plugin that has, or may have, done something for the container. */
struct state_plugin {
    char *name, *version;
    char *file;             /* the real file that was opened; "" in a static build */
    char *as;               /* the file name under which it was opened, without .so */
    char *callbacks;        /* that later verbs ask for: "exec cleanup" */
    char *value;            /* its own JSON value, or NULL */
    uint32_t state_version; /* of that value */
    bool orphan;            /* delete --force: what it did is left behind; not in the file */
    bool untouched;         /* its `prepare` was not called; not in the file */
};

/* See struct hozo_cgroup. Strings and NULL-terminated vectors are owned. */
struct state_cgroup {
    char *directory, *list, *freeze, *kill, *oom;
    char **procs, **mounts;
};

struct state {
    char *id, *bundle, *rootfs, *oci_version, *created;
    bool complete;       /* create has ended well */
    pid_t pid;           /* 0: none yet */
    uint64_t start_time; /* of that pid, in clock ticks since boot */
    uid_t owner;
    struct state_cgroup cgroup;
    struct state_plugin *plugins; /* in their order */
    size_t n_plugins;
    char *annotations;      /* JSON object text, or NULL if the configuration has none */
    char *runner;           /* the plugin that runs the container, see core/foreign.h; NULL: the core */
    char *notify_socket;    /* of the service manager that create was told of, or NULL */
    bool own_pid_namespace; /* its end ends all of the container's processes */
    bool machine;           /* the process stands for a virtual machine: see core/linux/control.h */
    uint64_t overhead;      /* … which takes so many bytes beside its limit of memory */
};

void state_plugin_free(struct state_plugin *p);
void state_free(struct state *s);
#define auto_state __attribute__((cleanup(state_free)))

/* [A-Za-z0-9_+.-], at most 1024 bytes, not "." or "..", nor a directory that is no container's: orphans, and what
 * plugins have worked out. */
#define ORPHANS ".orphans"
#define CACHE   ".cache"
int id_check(const char *id, struct error *err);

/* Makes ROOT (0700, missing parents 0711) and ROOT/ID, locks it, returns its descriptor.
 * An existing one: "container with given ID already exists". */
int state_create(const char *root, const char *id, struct error *err);

/* Opens and locks ROOT/ID. Unknown: errnum 0, text "container does not exist". */
int state_open(const char *root, const char *id, bool lock, struct error *err);

int state_write(int dirfd, const struct state *s, struct error *err);
/* A directory without state.json (create has just begun, or crashed): STATE_ABSENT, and the same text
 * as for an unknown container. `delete` removes such a directory. */
#define STATE_ABSENT (-2)
int state_read(int dirfd, const char *id, struct state *s, struct error *err);

/* Removes all files of ROOT/ID and the directory. */
int state_remove(const char *root, const char *id, int dirfd, struct error *err);

/* The recorded process, and only it (pid and start time agree), alive. Returns a pidfd, or -1 with errno: ESRCH if
 * it has ended, else why that cannot be told. */
int state_pidfd(const struct state *s);
enum status state_status(int dirfd, const struct state *s);
/* state_read() and state_status() for those who do not hold the lock: a create whose process is not there yet
 * is no container that has stopped, as long as that create lives. */
int state_look(int dirfd, const char *id, struct state *s, enum status *status, struct error *err);

/* The state as the specification prints it: compact for hooks, only its own members; indented for
 * `state`, with rootfs, created and owner, which engines read. A stopped container has pid 0.
 * `pid_text`, if not NULL, stands for the number (a late value). */
struct text;
void state_print_oci(const struct state *s, enum status status, const char *pid_text, bool pretty,
                     struct text *out);

/* For `list`: compact, all members; `owner` is the user's name. */
void state_print_list(const struct state *s, enum status status, const char *owner,
                      struct text *out);

#endif
