/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state.h"

#include "core/cli/cli.h"

/* Without the lock: engines poll the state while another hozo works on the container. */
int verb_state(const struct globals *g, int argc, char **argv, struct error *err)
{
    static const struct option options[] = {{0}};
    auto_state struct state state = {0};
    auto_text struct text text = {0};
    enum status status;

    if (options_parse(options, &argc, &argv, err) || arguments_expect("state", argc, 1, 1, err))
        return -1;
    auto_close int dirfd = state_open(g->root, argv[0], false, err);
    if (dirfd < 0 || state_look(dirfd, argv[0], &state, &status, err))
        return -1;
    state_print_oci(&state, status, NULL, true, &text);
    text_add(&text, "\n");
    return output(&text, err);
}
