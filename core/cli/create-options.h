/* SPDX-License-Identifier: Apache-2.0 */
/* What create and run have in common. */
#ifndef CORE_CLI_CREATE_OPTIONS_H
#define CORE_CLI_CREATE_OPTIONS_H

#include "core/cli/cli.h"
#include "core/container.h"

/* What the caller is handed of the process that was made; NULL: not asked for. For exec as well. */
struct delivery {
    const char *pid_file, *console_socket, *pidfd_socket;
};

#define DELIVERY_OPTIONS(d)                                                                        \
    {"pid-file", 0, OPTION_STRING, &(d).pid_file, "FILE", "write the process's pid there"},        \
    {"console-socket", 0, OPTION_STRING, &(d).console_socket, "SOCKET", "send the terminal there"},\
    {"pidfd-socket", 0, OPTION_STRING, &(d).pidfd_socket, "SOCKET", "send a pidfd of the process there"}

struct create_options {
    const char *bundle, *config;
    struct delivery delivery;
    bool no_pivot, no_new_keyring;
    unsigned preserve_fds;
};

/* Rows for an option table; `o` is a struct create_options. */
#define CREATE_OPTIONS(o)                                                                          \
    {"bundle", 'b', OPTION_STRING, &(o).bundle, "DIR", "directory of the bundle; default: here"},  \
    {"config", 'f', OPTION_STRING, &(o).config, "FILE", "configuration instead of config.json"},   \
    DELIVERY_OPTIONS((o).delivery),                                                                \
    {"no-pivot", 0, OPTION_FLAG, &(o).no_pivot, NULL, "move the root instead of pivot_root(2)"},   \
    {"no-new-keyring", 0, OPTION_FLAG, &(o).no_new_keyring, NULL, "keep the caller's session keyring"}, \
    {"preserve-fds", 0, OPTION_NUMBER, &(o).preserve_fds, "N", "pass descriptors 3 .. N+2 on"},    \
    {"no-subreaper", 0, OPTION_FLAG, NULL, NULL, "accepted for compatibility"}

/* Bundle, configuration, host facts and options into *c; nothing is created yet. */
int create_load(const struct globals *g, const struct create_options *o, const char *id,
                struct container *c, struct error *err);

/* The same for verbs that only compile: with `host` the facts come from that file, and nothing of this host is
 * looked at. */
#define HOST_OPTION(host)                                                                          \
    {"host", 0, OPTION_STRING, &(host), "FILE", "host facts instead of this host's"}
int compile_load(const struct globals *g, const struct create_options *o, const char *host,
                 const char *id, struct container *c, struct error *err);

/* What only makes sense with or without a terminal; for exec as well. */
int check_terminal(bool terminal, const char *console_socket, bool detach, struct error *err);

/* Sends console and pidfd, writes the pid file; for exec as well. `kind` as pidfd_send() takes it. */
int deliver(const struct container *c, const struct delivery *d, const char *kind, int console,
            struct error *err);

/* deliver(); on failure the container is undone. */
int create_deliver(struct container *c, const struct create_options *o, int *console,
                   struct error *err);

/* Counts what is passed on: LISTEN_FDS of socket activation, then --preserve-fds. */
int create_count_fds(const struct globals *g, struct container *c, unsigned preserve,
                     struct error *err);

#endif
