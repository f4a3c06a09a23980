/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the runner asks of the operating system: os-freebsd.c and posix-*.c do it, tests put a simulated kernel
 * behind it. Each call returns 0 or more, or a negative errno. Paths are the host's and absolute.
 */
#ifndef PLUGINS_FREEBSD_OS_H
#define PLUGINS_FREEBSD_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A parameter as jail_set(2) takes it; a flag has no bytes. */
struct os_value {
    const char *name;
    const void *bytes;
    size_t size;
};

/* An option as nmount(2) takes it; value NULL: a word. */
struct os_option {
    const char *name, *value;
};

struct os_hook {
    const char *program;
    const char *const *args, *const *env; /* NULL-terminated; args may be empty */
    const char *input;                    /* the container's state */
    const char *directory;                /* where it runs; NULL: where hozo does */
    unsigned timeout;                     /* seconds; 0: none */
};

/*
 * What a new process does, in two pieces. It waits before each: for proceed(), and for start(). A process
 * of an exec waits for proceed() only, and executes at once. Either returns a negative errno.
 */
struct os_child {
    int (*enter)(void *argument);
    int (*execute)(void *argument);
    void *argument;
    const char *fifos; /* the directory of those that start() opens; NULL: at once */
    unsigned preserve; /* so many descriptors behind 2 are the program's */
};

enum { OS_DISABLE, OS_NEW, OS_INHERIT }; /* values of FORM_SHARING, JAIL_SYS_* */

#define OS_ERROR_SIZE 256

struct os {
    /* jail(2). create: the new jail's jid; what the kernel says of an error goes into `message`. */
    int (*jail_create)(void *self, const struct os_value *values, size_t n, char *message);
    /* The jid by the name; and the path of its root, if `path` is not NULL. -ENOENT: there is none. */
    int (*jail_find)(void *self, const char *name, char *path, size_t size);
    int (*jail_children)(void *self, int jid, int *current, int *maximum);
    int (*jail_allow_children)(void *self, int jid, int maximum);
    int (*jail_attach)(void *self, int jid);
    int (*jail_remove)(void *self, int jid); /* -EINVAL: there is none */

    /* Files. */
    int (*make_directory)(void *self,
                          const char *path); /* with those above it; -EEXIST: it is there */
    int (*remove_directory)(void *self, const char *path);
    int (*is_directory)(void *self, const char *path); /* 1, or 0: another file */
    int (*real_path)(void *self, const char *path, char *real, size_t size);
    int (*make_fifos)(void *self, const char *directory);
    int (*remove_fifos)(void *self, const char *directory);
    /* Where something is mounted below the root, made where it is missing. -ELOOP: a link is on the way. */
    int (*make_place)(void *self, const char *root, const char *path, bool directory);
    /* `fspath` among the options is root and path together. After a failure nothing is mounted there. */
    int (*nmount)(void *self, const char *root, const char *path, const struct os_option *options,
                  size_t n);
    /* What was mounted there, by whatever way that is reached now. -EINVAL: nothing was. */
    int (*unmount)(void *self, const char *path);
    int (*devfs_rule)(void *self, const char *mountpoint, const char *node, int mode);

    /* Interfaces. has: 1, or 0. */
    int (*has_address)(void *self, const char *interface, const char *address, bool ip6);
    int (*add_address)(void *self, const char *interface, const char *address, bool ip6);
    int (*remove_address)(void *self, const char *interface, const char *address, bool ip6);
    int (*move_in)(void *self, const char *interface, int jid);
    int (*move_back)(void *self, const char *interface, int jid); /* -ENXIO: it is not there */

    /* Processes. */
    int (*spawn)(void *self, const struct os_child *child); /* the pid */
    /* What `enter` has returned; of an exec, whether the program runs. *console: the master of the terminal that it
     * has opened, or -1. */
    int (*proceed)(void *self, int pid, int *console);
    /* 0: the program runs. -ECANCELED: `execute` says so. -ESRCH: the process has ended. */
    int (*start)(void *self, const char *fifos);
    int (*waits)(void *self, const char *fifos);      /* 1: for start(), or it is about to run; 0 */
    int (*born)(void *self, int pid, uint64_t *when); /* -ESRCH: it has ended */
    int (*kill)(void *self, int pid, int signal);
    int (*kill_jail)(void *self, int jid, int signal);   /* all of its processes */
    int (*hook)(void *self, const struct os_hook *hook); /* its exit status */

    /* Of the calling process: in `enter` and `execute`. */
    int (*open_terminal)(void *self, uint64_t width, uint64_t height, uint32_t uid);
    int (*set_limit)(void *self, int resource, uint64_t soft, uint64_t hard);
    int (*change_directory)(void *self, const char *path);
    int (*set_umask)(void *self, int mask);
    int (*set_user)(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n);
    int (*no_new_privileges)(void *self);
    int (*execute)(void *self, const char *const *args, const char *const *env);
};

/* Those of this host, and *self; NULL: it has none. */
const struct os *os_here(void **self);

#endif
