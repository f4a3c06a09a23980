/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/cli/cli.h"
#include "core/json.h"
#include "core/plugins.h"

int verb_plugin(const struct globals *g, int argc, char **argv, struct error *err)
{
    static const struct option options[] = {{0}};
    __attribute__((cleanup(plugins_free))) struct plugins plugins = {.dir = g->plugin_dir};
    auto_text struct text text = {0};

    if (options_parse(options, &argc, &argv, err))
        return -1;
    if (argc != 1 || strcmp(argv[0], "list"))
        return fail(err, 0, NULL, "plugin: say: hozo plugin list");
    if (plugins_scan(&plugins, err))
        return -1;
    int broken = plugins_list(&plugins, &text, err);
    if (broken < 0 || output(&text, err))
        return -1;
    return broken;
}
