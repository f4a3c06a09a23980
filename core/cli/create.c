/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/create-options.h"
#include "core/lifecycle.h"

int verb_create(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct create_options o = {0};
    const struct option options[] = {CREATE_OPTIONS(o), {0}};
    auto_container struct container c;
    auto_close int console = -1;

    container_init(&c);
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("create", argc, 1, 1, err) < 0 ||
        create_load(g, &o, argv[0], &c, err) < 0 ||
        check_terminal(json_bool(json_get(c.config.root, "process"), "terminal", false),
                       o.delivery.console_socket, true, err) < 0 ||
        container_create(&c, &console, err) < 0)
        return -1;
    return create_deliver(&c, &o, &console, err);
}
