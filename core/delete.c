/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a container that exists, and ending it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "core/cgroup.h"
#include "core/hooks.h"
#include "core/lifecycle.h"

/* How long a killed process may take to go: it may be writing to a slow disk. */
#define KILL_MS 10000

int container_open(struct container *c, const char *root, const char *id, struct error *err)
{
    int r;

    c->root = root;
    c->dirfd = state_open(root, id, true, err);
    if (c->dirfd < 0)
        return -1;
    r = state_read(c->dirfd, id, &c->state, err);
    if (r == STATE_ABSENT)
        return fail(err, ENODATA, NULL, "container %s was never completely created", id);
    if (r < 0)
        return -1;
    return json_read(&c->config, c->dirfd, "config.json", err);
}

int container_reopen(struct container *c, struct error *err)
{
    auto_free char *id = steal_ptr(c->state.id);

    state_free(&c->state);
    c->state = (struct state){0};
    c->dirfd = state_open(c->root, id, true, err);
    return c->dirfd < 0 || state_read(c->dirfd, id, &c->state, err) < 0 ? -1 : 0;
}

static int end_init(struct container *c, struct error *err)
{
    auto_close int pidfd = state_pidfd(&c->state);
    struct pollfd p = {pidfd, POLLIN, 0};

    if (pidfd < 0)
        return 0;
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return fail(err, errno, NULL, "kill");
    if (poll(&p, 1, KILL_MS) != 1)
        return fail(err, 0, NULL, "the container's process does not end");
    return 0;
}

static int end_processes(struct container *c, struct error *err)
{
    struct error ignored;

    cgroup_thaw(&c->state.cgroup, &ignored);
    if (end_init(c, err) < 0)
        return -1;
    return cgroup_signal(&c->state.cgroup, SIGKILL, err);
}

/* Opens the plugins that the state names. With `force` one that is gone is passed over: its name and
 * value stay in the log, everything else is undone. */
static int open_plugins(struct container *c, bool force, struct error *err)
{
    for (size_t i = 0; i < c->state.n_plugins; i++)
        if (plugins_open_recorded(&c->plugins, c->state.plugins[i].as, err) < 0 && !force)
            return -1;
    return 0;
}

int container_destroy(struct container *c, bool force, struct error *err)
{
    struct error ignored;

    if (end_processes(c, err) < 0 || open_plugins(c, force, err) < 0 ||
        (plugins_cleanup(c, err) < 0 && !force) ||
        state_remove(c->root, c->state.id, c->dirfd, err) < 0)
        return -1;
    /* runtime.md: a poststop hook that fails is a warning, the container is gone. */
    hooks_run(c, "poststop", STATUS_STOPPED, &ignored);
    return 0;
}
