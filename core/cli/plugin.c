/* SPDX-License-Identifier: Apache-2.0 */
/* hozo plugin: what is installed, and what plugins have left behind. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "build-config.h"
#include "core/cli/cli.h"
#include "core/cli/create-options.h"
#include "core/cli/root.h"
#include "core/json.h"
#include "core/orphans.h"
#include "core/plugins.h"

static void list_free(struct option_list *list)
{
    free(list->at);
}

static int list(const struct globals *g, char **argv UNUSED, struct text *out, struct error *err)
{
    __attribute__((cleanup(plugins_free))) struct plugins plugins = {.dir = g->plugin_dir,
                                                                     .trace = g->trace};

    return plugins_list(&plugins, out, err);
}

static int info(const struct globals *g, char **argv, struct text *out, struct error *err)
{
    __attribute__((cleanup(plugins_free))) struct plugins plugins = {.dir = g->plugin_dir,
                                                                     .trace = g->trace};

    return plugins_info(&plugins, argv[0], out, err);
}

static int check(const struct globals *g, char **argv, struct text *out, struct error *err)
{
    __attribute__((cleanup(list_free))) struct option_list configs = {0}, libraries = {0};
    struct check_request request = {.plugin_dir = g->plugin_dir};
    const struct option options[] = {
        {"config", 'f', OPTION_LIST, &configs, "FILE", "a configuration for it to plan"},
        {"library", 0, OPTION_LIST, &libraries, "NAME", "a library that is meant to be linked in"},
        HOST_OPTION(request.host),
        {0},
    };
    const struct verb self = {.name = "plugin check",
                              .arguments = "[OPTIONS] FILE",
                              .help = "examine a plugin before it is installed"};
    int argc = 0;

    while (argv[argc])
        argc++;
    options_head(&self, argc, argv);
    if (options_parse(options, &argc, &argv, err) < 0)
        return -1;
    if (argc != 1)
        return fail(err, 0, NULL, "plugin check: say which file");
    request.file = argv[0];
    request.configs = configs.at;
    request.n_configs = configs.count;
    request.libraries = libraries.at;
    request.n_libraries = libraries.count;
    return plugin_check_file(&request, out, err);
}

/* For scripts that install plugins: the first directory is the distribution's. */
static int dir(const struct globals *g, char **argv, struct text *out, struct error *err)
{
    if (argv[0] && strcmp(argv[0], "--settings") != 0)
        return fail(err, 0, NULL, "plugin dir: unknown option %s", argv[0]);
    if (argv[0]) {
        text_add(out, "%s\n", HOZO_SETTINGS_DIR);
        return 0;
    }
    for (const char *s = g->plugin_dir ? g->plugin_dir : HOZO_PLUGIN_DIRS; *s;) {
        size_t n = g->plugin_dir ? strlen(s) : strcspn(s, ":");

        text_append(out, s, n);
        text_put(out, "\n");
        s += n + (s[n] == ':');
    }
    return 0;
}

static int clean(const struct globals *g, char **argv UNUSED, struct text *out, struct error *err)
{
    auto_free char *root = NULL;
    int left;

    if (root_choose(g->root, &root, err) < 0)
        return -1;
    left = orphans_clean(root, g->plugin_dir, g->logger, out, err);
    return left < 0 ? -1 : left > 0;
}

static const struct {
    const char *name;
    int least, most; /* arguments */
    int (*run)(const struct globals *g, char **argv, struct text *out, struct error *err);
} actions[] = {
    {"list", 0, 0, list}, {"info", 1, 1, info},   {"check", 1, INT_MAX, check},
    {"dir", 0, 1, dir},   {"clean", 0, 0, clean},
};

int verb_plugin(const struct globals *g, int argc, char **argv, struct error *err)
{
    static const struct option options[] = {{0}};
    auto_text struct text text = {0};

    if (options_parse(options, &argc, &argv, err))
        return -1;
    for (size_t i = 0; argc && i < ARRAY_SIZE(actions); i++) {
        int status;

        if (strcmp(argv[0], actions[i].name) || argc - 1 < actions[i].least ||
            argc - 1 > actions[i].most)
            continue;
        status = actions[i].run(g, argv + 1, &text, err);
        return status < 0 || output(&text, err) ? -1 : status;
    }
    return fail(err, 0, NULL,
                "plugin: say: hozo plugin list | info NAME | check [OPTIONS] FILE | dir "
                "[--settings] | clean");
}
