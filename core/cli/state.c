/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state.h"

#include "core/cli/cli.h"
#include "core/foreign.h"

/* Without the lock: engines poll the state while another hozo works on the container. */
int verb_state(const struct globals *g, int argc, char **argv, struct error *err)
{
    static const struct option options[] = {{0}};
    auto_container struct container c;
    auto_text struct text text = {0};
    enum status status;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    if (options_parse(options, &argc, &argv, err) || arguments_expect("state", argc, 1, 1, err))
        return -1;
    if (container_look(&c, g->root, argv[0], &status, err) < 0)
        return -1;
    state_print_oci(&c.state, status, NULL, true, &text);
    text_add(&text, "\n");
    return output(&text, err);
}
