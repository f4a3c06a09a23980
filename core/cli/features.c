/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli.h"
#include "core/json.h"
#include "core/plugins.h"

int verb_features(const struct globals *g, int argc, char **argv, struct error *err)
{
    static const struct option options[] = {{0}};
    __attribute__((cleanup(plugins_free))) struct plugins plugins = {.dir = g->plugin_dir, .trace = g->trace};
    auto_text struct text text = {0};

    if (options_parse(options, &argc, &argv, err) || arguments_expect("features", argc, 0, 0, err))
        return -1;
    if (features_print(&plugins, g->logger, &text, err))
        return -1;
    return output(&text, err);
}
