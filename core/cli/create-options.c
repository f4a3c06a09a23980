/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/create-options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"
#include "core/lifecycle.h"
#include "core/linux/handover.h"
#include "core/pidfile.h"
#include "core/utf8.h"

/* A service manager that waits for the program. An engine that has its own way names that in the
 * environment of the process. */
static int take_notify_socket(struct container *c, struct error *err)
{
    const char *address = getenv("NOTIFY_SOCKET");
    const cJSON *entry;

    if (!address || !*address)
        return 0;
    cJSON_ArrayForEach (entry, json_at(c->config.root, "process", "env", NULL))
        if (!strncmp(entry->valuestring, "NOTIFY_SOCKET=", strlen("NOTIFY_SOCKET=")))
            return 0;
    if (notify_check(address, err) < 0)
        return -1;
    c->state.notify_socket = strdup(address);
    return c->state.notify_socket ? 0 : fail_memory(err);
}

int create_load(const struct globals *g, const struct create_options *o, const char *id,
                struct container *c, struct error *err)
{
    const char *bundle = o->bundle ? o->bundle : ".";
    auto_close int dirfd = -1;

    if (id_check(id, err) < 0)
        return -1;
    c->root = g->root;
    c->log = g->logger;
    c->plugins.dir = g->plugin_dir;
    c->plugins.trace = g->trace;
    c->cgroup_manager = g->cgroup_manager;
    c->no_pivot = o->no_pivot;
    c->no_new_keyring = o->no_new_keyring;
    c->state.id = strdup(id);
    c->state.bundle = realpath(bundle, NULL);
    if (!c->state.id)
        return fail_memory(err);
    if (!c->state.bundle || (dirfd = open(c->state.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return fail(err, errno, NULL, "bundle %s", bundle);
    /* Hooks and engines read its name in the state, which is JSON. */
    if (!utf8_valid(c->state.bundle))
        return fail(err, 0, NULL, "bundle %s: the name is not UTF-8", bundle);
    if (create_count_fds(g, c, o->preserve_fds, err) < 0)
        return -1;
    if (config_load(c, o->config ? AT_FDCWD : dirfd, o->config ? o->config : "config.json", err) <
            0 ||
        take_notify_socket(c, err) < 0)
        return -1;
    return c->facts.root ? 0 : container_facts(c, err);
}

int compile_load(const struct globals *g, const struct create_options *o, const char *host,
                 const char *id, struct container *c, struct error *err)
{
    c->facts_given = host;
    if (host && facts_read(&c->facts, host, err) < 0)
        return -1;
    return create_load(g, o, id, c, err);
}

int create_count_fds(const struct globals *g, struct container *c, unsigned preserve,
                     struct error *err)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    /* Meant for this process, not for one that merely left it in the environment. */
    if (pid && count && strtol(pid, NULL, 10) == getpid()) {
        long n = strtol(count, NULL, 10);

        if (n > 0 && n < 1024)
            c->listen_fds = (unsigned)n;
    }
    if (preserve > 65536)
        return fail(err, 0, NULL, "--preserve-fds: %u is too many", preserve);
    c->preserve_fds = c->listen_fds + preserve;
    /* What is open there by now may be hozo's own, even a directory of the host. */
    if (c->preserve_fds > g->inherited)
        return fail(err, EBADF, NULL, "descriptor %u is to be passed on, but", 3 + g->inherited);
    return 0;
}

int check_terminal(bool terminal, const char *console_socket, bool detach, struct error *err)
{
    if (terminal && detach && !console_socket)
        return fail(err, 0, "process.terminal",
                    "cannot allocate tty if hozo will detach without setting console socket");
    if (console_socket && (!terminal || !detach))
        return fail(err, 0, "process.terminal",
                    "a console socket needs a terminal and a detached process");
    return 0;
}

int deliver(const struct container *c, const struct delivery *d, const char *kind, int console,
            struct error *err)
{
    if (d->console_socket && console_send(d->console_socket, console, err) < 0)
        return -1;
    if (d->pidfd_socket && pidfd_send(d->pidfd_socket, kind, c->pidfd, err) < 0)
        return -1;
    /* Engines wait for this file: it comes last. */
    return d->pid_file ? pidfile_write(d->pid_file, c->pid, err) : 0;
}

int create_deliver(struct container *c, const struct create_options *o, int *console,
                   struct error *err)
{
    if (!deliver(c, &o->delivery, PIDFD_INIT, *console, err))
        return 0;
    container_abort(c);
    cleanup_close(console);
    *console = -1;
    return -1;
}
