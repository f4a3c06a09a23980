/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli.h"
#include "core/lifecycle.h"

static const struct option options[] = {{0}};

int verb_pause(const struct globals *g, int argc, char **argv, struct error *err)
{
    auto_container struct container c;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("pause", argc, 1, 1, err) < 0 ||
        container_open(&c, g->root, argv[0], err) < 0)
        return -1;
    return container_pause(&c, err);
}

/* Without the lock: who holds it may be waiting for a process that is frozen. */
int verb_resume(const struct globals *g, int argc, char **argv, struct error *err)
{
    auto_container struct container c;
    enum status status;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    c.root = g->root;
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("resume", argc, 1, 1, err) < 0 ||
        (c.dirfd = state_open(g->root, argv[0], false, err)) < 0 ||
        state_look(c.dirfd, argv[0], &c.state, &status, err) < 0)
        return -1;
    return container_resume(&c, status, err);
}
