/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a container that exists, and ending it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cgroup.h"
#include "core/foreign.h"
#include "core/hooks.h"
#include "core/lifecycle.h"
#include "core/log.h"
#include "core/orphans.h"
#include "core/pidfd.h"
#include "core/plugin-parts.h"

/* How long a killed process may take to go: it may be writing to a slow disk. */
#define KILL_MS 10000
/* … before it is asked what keeps it. */
#define PATIENCE_MS 1000

int container_open(struct container *c, const char *root, const char *id, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_OPEN, NULL);
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

static bool is_empty(const struct container *c)
{
    return c->state.cgroup.list && !cgroup_populated(&c->state.cgroup);
}

/* `pidfd`: of the first process, or -1 if that has ended already. */
static int await_end(const struct container *c, int pidfd, struct error *err)
{
    struct pollfd p = {pidfd, POLLIN, 0};
    bool ended = pidfd < 0;

    for (int waited = 0, wait = 1; waited < KILL_MS;
         waited += wait, wait += wait < 200 ? wait : 0) {
        if (ended && (c->state.own_pid_namespace || !c->state.cgroup.list || is_empty(c)))
            return 0;
        if (waited > PATIENCE_MS && is_empty(c))
            return 0; /* it waits for somebody to ask for the status of one that had come by setns(2) */
        if (waited > PATIENCE_MS && cgroup_stalls(&c->state.cgroup))
            return fail(err, 0, NULL,
                        "the container's process does not end: a control group above its own is "
                        "frozen");
        ended |= poll(&p, 1, wait) == 1;
        p.fd = ended ? -1 : p.fd;
    }
    return fail(err, 0, NULL, "the container's process does not end");
}

/* A frozen cgroup is thawed when all in it have got their signal, so that none of them goes on. */
static int end_processes(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_END, NULL);
    auto_close int pidfd = -1;

    /* A create that died before its process was there: who is in the cgroup is somebody else's. */
    if (!c->state.pid)
        return 0;
    pidfd = state_pidfd(&c->state);
    if (pidfd < 0 && errno != ESRCH)
        return fail(err, errno, NULL, "pidfd_open");
    /* Its pid namespace has taken all of its processes along: who is in the cgroup now came later. */
    if (pidfd < 0 && c->state.own_pid_namespace) {
        c->processes_ended = true;
        return 0;
    }
    if (pidfd >= 0 && pidfd_signal(pidfd, c->state.pid, SIGKILL) < 0 && errno != ESRCH)
        return fail(err, errno, NULL, "kill");
    if (cgroup_signal(&c->state.cgroup, SIGKILL, err) < 0)
        return -1;
    return await_end(c, pidfd, err);
}

/* With `force` a runner that cannot be asked is passed over; its `cleanup` ends them as well. */
static int end_foreign(struct container *c, bool force, struct error *err)
{
    if (foreign_end(c, err) == 0)
        return 0;
    if (force)
        log_error(c->log, LOG_LEVEL_WARNING, err);
    return force ? 0 : -1;
}

/* --- plugins ---------------------------------------------------------------------------------- */

#define UNDO (IN(STOPPED) | IN(CLEANUP))

/* With `force` a delete always ends: what a plugin cannot undo now is kept, and said so in one line. */
static void leave(struct container *c, const char *plugin, const struct error *why)
{
    struct error line = *why;

    for (size_t i = 0; i < c->state.n_plugins; i++) {
        if (strcmp(c->state.plugins[i].name, plugin) || c->state.plugins[i].orphan)
            continue;
        c->state.plugins[i].orphan = true;
        fail_prefix(&line, "left behind for container %s by plugin %s, see hozo plugin clean",
                    c->state.id, plugin);
        log_error(c->log, LOG_LEVEL_ERROR, &line);
    }
}

/* Those with something to do, but what an execution before could not get beyond. */
static int open_plugins(struct container *c, bool force, struct error *err)
{
    for (size_t i = 0; i < c->state.n_plugins; i++) {
        const struct state_plugin *record = &c->state.plugins[i];

        if (record->orphan || record->untouched || !plugin_is_for(record, UNDO) ||
            plugins_open_recorded(&c->plugins, record, err) >= 0)
            continue;
        if (!force)
            return -1;
        leave(c, record->name, err);
    }
    return 0;
}

static int undo(struct container *c, bool force, struct error *err)
{
    plugin_failed *failed = force ? leave : NULL;
    struct error second;
    int r;

    if (settings_of_host(c, err) < 0) {
        if (!force)
            return -1;
        log_error(c->log, LOG_LEVEL_WARNING, err); /* the default limit has to do */
    }
    if (open_plugins(c, force, err) < 0)
        return -1;
    r = plugins_end(c, STAGE_STOPPED, failed, err);
    /* The first error is the one to tell. */
    if (plugins_end(c, STAGE_CLEANUP, failed, r < 0 ? &second : err) < 0)
        r = -1;
    return force ? 0 : r;
}

static bool has_orphans(const struct state *s)
{
    for (size_t i = 0; i < s->n_plugins; i++)
        if (s->plugins[i].orphan)
            return true;
    return false;
}

/* --- all of it -------------------------------------------------------------------------------- */

void container_orphan(struct container *c, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c->state.n_plugins; k++) {
            struct state_plugin *record = &c->state.plugins[k];

            record->orphan |= !strcmp(record->name, names[i]) || !strcmp(record->as, names[i]);
        }
}

void container_last_begun(struct container *c, const char *name)
{
    bool untouched = false;

    for (size_t i = 0; i < c->state.n_plugins; i++) {
        c->state.plugins[i].untouched = untouched;
        untouched |= !strcmp(c->state.plugins[i].name, name);
    }
}

/* A plugin that crashes in here is passed over by the next execution. */
static int prepare_rescue(struct container *c, bool force, struct error *err)
{
    auto_free const char **words = calloc(4 + 2 * c->state.n_plugins, sizeof *words);
    size_t n = 0;

    c->rescue.kind = RESCUE_NONE;
    if (!force)
        return 0;
    if (!words)
        return fail_memory(err);
    words[n++] = "delete";
    words[n++] = "--force";
    for (size_t i = 0; i < c->state.n_plugins; i++)
        if (c->state.plugins[i].orphan) {
            words[n++] = "--orphan";
            words[n++] = c->state.plugins[i].name;
        }
    words[n++] = c->state.id;
    return rescue_prepare(c, RESCUE_GO_ON, words, err);
}

static int forget(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_REMOVE, NULL);

    return has_orphans(&c->state) ? orphan_keep(c, err)
                                  : state_remove(c->root, c->state.id, c->dirfd, err);
}

int container_destroy(struct container *c, bool force, struct error *err)
{
    struct error failed;
    int r;

    if ((c->state.runner ? end_foreign(c, force, err) : end_processes(c, err)) < 0 ||
        prepare_rescue(c, force, err) < 0 || undo(c, force, err) < 0)
        return -1;
    r = forget(c, err);
    if (r < 0)
        return -1;
    /* runtime.md: a poststop hook that fails is a warning, the container is gone. Where no process has been,
     * nothing has stopped. */
    if ((c->state.pid || c->state.runner) && hooks_run(c, "poststop", STATUS_STOPPED, &failed) < 0)
        log_error(c->log, LOG_LEVEL_WARNING, &failed);
    return 0;
}
