/* SPDX-License-Identifier: Apache-2.0 */
/* run: create, start, and unless detached wait and delete. */
#include <string.h>

#include "core/cli/create-options.h"
#include "core/lifecycle.h"
#include "core/linux/terminal.h"
#include "core/log.h"

struct run_options {
    struct create_options create;
    bool detach, keep;
};

/* Somebody else may have deleted it in the meantime. */
static int remove_stopped(struct container *c, struct error *err)
{
    if (container_reopen(c, err) < 0)
        return strcmp(err->text, "container does not exist") ? -1 : 0;
    return container_destroy(c, false, err);
}

/* Leaves the container running, its lock released. */
static int begin(const struct globals *g, const struct run_options *o, const char *id,
                 struct container *c, int *console, struct error *err)
{
    if (create_load(g, &o->create, id, c, err) < 0 ||
        check_terminal(json_bool(json_get(c->config.root, "process"), "terminal", false),
                       o->create.delivery.console_socket, o->detach, err) < 0 ||
        container_create(c, console, err) < 0 || create_deliver(c, &o->create, console, err) < 0)
        return -1;
    if (container_start(c, err) < 0) {
        if (o->create.delivery.pid_file)
            unlink(o->create.delivery.pid_file);
        container_abort(c);
        return -1;
    }
    close(steal_fd(c->dirfd));
    return 0;
}

/* What cannot be told to the manager is no reason to end the program. */
static bool pass_ready_on(void *data)
{
    struct container *c = data;
    struct error err;

    if (!notify_read(&c->notify))
        return true;
    if (notify_ready(&c->notify, &err))
        log_error(c->log, LOG_LEVEL_WARNING, &err);
    notify_close(&c->notify);
    return false;
}

static int run(const struct globals *g, const struct run_options *o, const char *id,
               struct error *err)
{
    auto_foreground struct foreground fg = FOREGROUND_INIT;
    auto_container struct container c;
    auto_span struct trace *span = NULL;
    auto_close int console = -1;
    int status;

    container_init(&c);
    c.foreground = !o->detach;
    if (!o->detach && foreground_prepare(&fg, err) < 0)
        return -1;
    c.interrupt = fg.interrupt;
    if (begin(g, o, id, &c, &console, err) < 0)
        return -1;
    if (o->detach)
        return notify_await(&c, err);
    fg.watch = c.notify.inside;
    fg.watched = pass_ready_on;
    fg.data = &c;
    span = span_begin(c.plugins.trace, SPAN_WAIT, NULL);
    if (foreground_run(&fg, c.pidfd, c.pid, steal_fd(console), &status, err) < 0)
        return -1;
    span_end(&span);
    if (!o->keep && remove_stopped(&c, err) < 0)
        return -1;
    return status;
}

int verb_run(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct run_options o = {0};
    const struct option options[] = {
        {"detach", 'd', OPTION_FLAG, &o.detach, NULL, "return once the program runs"},
        {"keep", 0, OPTION_FLAG, &o.keep, NULL, "leave the container to a later delete"},
        CREATE_OPTIONS(o.create),
        {0},
    };

    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("run", argc, 1, 1, err) < 0)
        return -1;
    return run(g, &o, argv[0], err);
}
