/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "core/cgroup.h"
#include "core/cli/cli.h"
#include "core/foreign.h"
#include "core/linux/control.h"
#include "core/pidfd.h"
#include "core/signals.h"
#include "core/state.h"

/* Engines match these words. */
static int not_running(struct error *err)
{
    return fail(err, 0, NULL, "container not running: no such process");
}

/* The guest's, which only its own kernel can reach. A machine is ended like any process. */
static int signal_guest(int dirfd, const struct state *s, int number, bool all, bool awake,
                        struct error *err)
{
    auto_close int pidfd = state_pidfd(s);

    if (pidfd < 0)
        return errno == ESRCH ? (all ? 0 : not_running(err)) : fail(err, errno, NULL, "pidfd_open");
    return control_signal(dirfd, number, all, awake, err);
}

/* The process of the container, by a descriptor that can mean no other. */
static int signal_init(const struct state *s, int number, struct error *err)
{
    auto_close int pidfd = state_pidfd(s);

    if (pidfd < 0)
        return errno == ESRCH ? not_running(err) : fail(err, errno, NULL, "pidfd_open");
    if (pidfd_signal(pidfd, s->pid, number))
        return errno == ESRCH ? not_running(err) : fail(err, errno, NULL, "send signal %d", number);
    return 0;
}

static int send_one(const struct state *s, int number, struct error *err)
{
    if (signal_init(s, number, err))
        return -1;
    if (number != SIGKILL)
        return 0;
    /* No pid namespace dies with this process: what it has started would go on. */
    if (!s->own_pid_namespace)
        return cgroup_signal(&s->cgroup, number, err);
    return cgroup_thaw(&s->cgroup, err);
}

/* Also after the end of the container, for what it has left behind. */
static int send_all(const struct state *s, int number, struct error *err)
{
    auto_close int pidfd = state_pidfd(s);

    /* With a pid namespace of its own nothing is left behind, and who is in the cgroup now came later. */
    if (pidfd < 0 && errno == ESRCH && s->own_pid_namespace)
        return 0;
    if (s->pid && s->cgroup.list)
        return cgroup_signal(&s->cgroup, number, err);
    return pidfd < 0 && errno == ESRCH ? 0 : signal_init(s, number, err);
}

/* Without the lock: it must be possible to kill a container whose `start` hangs in a hook. */
int verb_kill(const struct globals *g, int argc, char **argv, struct error *err)
{
    bool all = false;
    const struct option options[] = {
        {"all", 'a', OPTION_FLAG, &all, NULL, "every process of the container"},
        {0},
    };
    auto_container struct container c;
    const struct state *state = &c.state;
    enum status status;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    if (options_parse(options, &argc, &argv, err) || arguments_expect("kill", argc, 1, 2, err))
        return -1;
    int number = argc > 1 ? signal_parse(argv[1]) : SIGTERM;
    if (number < 0)
        return fail(err, 0, NULL, "unknown signal \"%s\"", argv[1]);
    if (container_look(&c, g->root, argv[0], &status, err) < 0)
        return -1;
    if (status == STATUS_CREATING)
        return fail(err, 0, NULL, "the container is still being created");
    if (state->runner && status == STATUS_STOPPED && !all)
        return not_running(err);
    if (state->runner)
        return foreign_kill(&c, number, all, err);
    if (state->machine && number && number != SIGKILL)
        return signal_guest(c.dirfd, state, number, all, status != STATUS_PAUSED, err);
    return all ? send_all(state, number, err) : send_one(state, number, err);
}
