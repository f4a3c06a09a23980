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
#include "core/log.h"

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
        fail(err, 0, NULL, "container %s does not exist: it was never completely created", id);
    if (r < 0)
        return r;
    return json_read(&c->config, c->dirfd, "config.json", err);
}

int container_reopen(struct container *c, struct error *err)
{
    auto_state struct state before = c->state;

    c->state = (struct state){0};
    c->dirfd = state_open(c->root, before.id, true, err);
    if (c->dirfd < 0 || state_read(c->dirfd, before.id, &c->state, err) < 0)
        return -1;
    if (c->state.pid != before.pid || c->state.start_time != before.start_time)
        return fail(err, 0, NULL, "container does not exist"); /* a new one has its id */
    return 0;
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

    /* A create that died before its process was there: who is in the cgroup is somebody else's. */
    if (!c->state.pid)
        return 0;
    cgroup_thaw(&c->state.cgroup, &ignored);
    if (end_init(c, err) < 0)
        return -1;
    return cgroup_signal(&c->state.cgroup, SIGKILL, err);
}

/* Opens the plugins that the state names. With `force` one that is gone is passed over, and said so:
 * what it did cannot be undone without it. Any other failure leaves the state, so that delete can be
 * repeated. */
static int open_plugins(struct container *c, bool force, struct error *err)
{
    for (size_t i = 0; i < c->state.n_plugins; i++) {
        int r = plugins_open_recorded(&c->plugins, c->state.plugins[i].as, err);

        if (r >= 0)
            continue;
        if (r != PLUGIN_ABSENT || !force)
            return -1;
        fail_prefix(err, "left behind for container %s", c->state.id);
        log_error(c->log, LOG_LEVEL_ERROR, err);
    }
    return 0;
}

int container_destroy(struct container *c, bool force, struct error *err)
{
    struct error failed;

    if (end_processes(c, err) < 0 || open_plugins(c, force, err) < 0 ||
        plugins_cleanup(c, err) < 0 || state_remove(c->root, c->state.id, c->dirfd, err) < 0)
        return -1;
    /* runtime.md: a poststop hook that fails is a warning, the container is gone. */
    if (hooks_run(c, "poststop", STATUS_STOPPED, &failed) < 0)
        log_error(c->log, LOG_LEVEL_WARNING, &failed);
    return 0;
}
