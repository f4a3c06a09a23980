/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/foreign.h"
#include "core/lifecycle.h"
#include "core/log.h"

/* Engines force-delete what may never have existed. */
static bool is_unknown(const struct error *err)
{
    return !strcmp(err->text, "container does not exist");
}

int verb_delete(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct option_list orphans = {0};
    const char *last_begun = NULL;
    bool force = false;
    const struct option options[] = {
        {"force", 'f', OPTION_FLAG, &force, NULL, "kill it first if it runs; unknown is no error"},
        {"orphan", 0, OPTION_LIST, &orphans, "PLUGIN",
         "hozo's own: leave what this plugin did to plugin clean"},
        {"last-begun", 0, OPTION_STRING, &last_begun, "PLUGIN",
         "hozo's own: no plugin behind this one has begun"},
        {0}};
    auto_container struct container c;
    enum status status;
    int opened;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("delete", argc, 1, 1, err) < 0)
        return -1;
    /* What is left behind is left by force. */
    if (!force && (orphans.count || last_begun))
        return fail(err, 0, NULL, "delete: --orphan and --last-begun need --force");
    opened = container_open(&c, g->root, argv[0], err);
    if (opened < 0) {
        if (force && c.dirfd < 0 && is_unknown(err))
            return 0;
        if (c.dirfd < 0 || (opened != STATE_ABSENT && !force))
            return -1;
        /* Never written, or rubbish. With the configuration only the hooks are lost. */
        if (!c.state.id && (opened == STATE_ABSENT || !err->errnum)) {
            log_error(g->logger, LOG_LEVEL_WARNING, err);
            return state_remove(g->root, argv[0], c.dirfd, err);
        }
        if (!c.state.id)
            return -1;
    }
    if (!force && container_status(&c, &status, err) < 0)
        return -1;
    if (!force && status != STATUS_STOPPED && status != STATUS_CREATED)
        return fail(err, 0, NULL, "cannot delete container %s that is not stopped: %s", argv[0],
                    status_name[status]);
    if (last_begun)
        container_last_begun(&c, last_begun);
    container_orphan(&c, orphans.at, orphans.count);
    free(orphans.at);
    return container_destroy(&c, force, err);
}
