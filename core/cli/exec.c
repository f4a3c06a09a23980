/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/cli/create-options.h"
#include "core/exec.h"
#include "core/lifecycle.h"
#include "core/linux/handover.h"
#include "core/linux/launch.h"
#include "core/linux/terminal.h"

/* What an exec returns that failed before its program ran: no program of the container can be confused
 * with it more easily than any other value, and engines expect it. */
#define EXEC_FAILED (-255)

struct exec_options {
    struct exec_overrides o;
    struct option_list env, gids, caps, cgroups;
    struct delivery delivery;
    unsigned preserve_fds;
    bool detach;
};

static int start(const struct globals *g, struct container *c, struct exec_options *x,
                 const char *id, int *console, struct error *err)
{
    auto_json struct json process = {0};

    if (container_open(c, g->root, id, err) < 0 ||
        create_count_fds(g, c, x->preserve_fds, err) < 0 ||
        exec_process(c, &x->o, &process, err) < 0 ||
        check_terminal(json_bool(process.root, "terminal", false), x->delivery.console_socket,
                       x->detach, err) < 0 ||
        container_exec(c, &process, &x->o, console, err) < 0)
        return -1;
    if (!deliver(c, &x->delivery, PIDFD_EXEC, *console, err))
        return 0;
    launch_kill(c); /* who is told of a failure expects no process */
    return -1;
}

static int run(const struct globals *g, int argc, char **argv, struct exec_options *x,
               struct error *err)
{
    auto_foreground struct foreground fg = FOREGROUND_INIT;
    auto_container struct container c;
    auto_span struct trace *span UNUSED = NULL;
    auto_close int console = -1;
    int status;

    container_init(&c);
    c.foreground = !x->detach;
    c.failure = -EXEC_FAILED;
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    if (!x->o.process_file && argc < 2)
        return fail(err, 0, NULL, "process args cannot be empty");
    x->o.args = (const char *const *)argv + 1;
    x->o.env = x->env.at, x->o.n_env = x->env.count;
    x->o.gids = x->gids.at, x->o.n_gids = x->gids.count;
    x->o.capabilities = x->caps.at, x->o.n_capabilities = x->caps.count;
    x->o.cgroups = x->cgroups.at, x->o.n_cgroups = x->cgroups.count;
    if (!x->detach && foreground_prepare(&fg, err) < 0)
        return -1;
    c.interrupt = fg.interrupt;
    if (start(g, &c, x, argv[0], &console, err) < 0)
        return -1;
    if (x->detach)
        return 0;
    close(steal_fd(c.dirfd)); /* the lock: others may exec, kill and delete meanwhile */
    span = span_begin(c.plugins.trace, SPAN_WAIT, NULL);
    if (foreground_run(&fg, c.pidfd, c.pid, steal_fd(console), &status, err) < 0)
        return -1;
    return status;
}

int verb_exec(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct exec_options x = {0};
    const struct option options[] = {
        {"process", 'p', OPTION_STRING, &x.o.process_file, "FILE", "the process as JSON"},
        {"detach", 'd', OPTION_FLAG, &x.detach, NULL, "return once the program runs"},
        DELIVERY_OPTIONS(x.delivery),
        {"tty", 't', OPTION_FLAG, &x.o.tty, NULL, "give it a terminal"},
        {"cwd", 0, OPTION_STRING, &x.o.cwd, "DIR", "working directory in the container"},
        {"env", 'e', OPTION_LIST, &x.env, "NAME=VALUE", "add to the environment"},
        {"user", 'u', OPTION_STRING, &x.o.user, "UID[:GID]", "who runs it"},
        {"additional-gids", 'g', OPTION_LIST, &x.gids, "GID", "a further group"},
        {"cap", 'c', OPTION_LIST, &x.caps, "CAP_NAME", "a further capability"},
        {"no-new-privs", 0, OPTION_FLAG, &x.o.no_new_privs, NULL, "set no_new_privs"},
        {"apparmor", 0, OPTION_STRING, &x.o.apparmor, "PROFILE", "under this profile of AppArmor"},
        {"process-label", 0, OPTION_STRING, &x.o.label, "LABEL", "in this context of SELinux"},
        {"preserve-fds", 0, OPTION_NUMBER, &x.preserve_fds, "N", "pass descriptors 3 .. N+2 on"},
        {"cgroup", 0, OPTION_LIST, &x.cgroups, "[CTRL,...:]PATH",
         "in this group below the container's"},
        {"ignore-paused", 0, OPTION_FLAG, &x.o.ignore_paused, NULL, "even in a paused container"},
        {0},
    };
    int r;

    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("exec", argc, 1, INT32_MAX, err) < 0)
        return -1;
    r = run(g, argc, argv, &x, err);
    free(x.env.at);
    free(x.gids.at);
    free(x.caps.at);
    free(x.cgroups.at);
    if (r >= 0)
        return r;
    fail_prefix(err, "exec failed");
    return EXEC_FAILED;
}
