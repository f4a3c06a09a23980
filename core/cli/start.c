/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli.h"
#include "core/lifecycle.h"

int verb_start(const struct globals *g, int argc, char **argv, struct error *err)
{
    const struct option options[] = {{0}};
    auto_container struct container c;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("start", argc, 1, 1, err) < 0 ||
        container_open(&c, g->root, argv[0], err) < 0)
        return -1;
    if (container_start(&c, err) < 0)
        return -1;
    close(steal_fd(c.dirfd)); /* the lock: others may exec, kill and delete meanwhile */
    return notify_await(&c, err);
}
