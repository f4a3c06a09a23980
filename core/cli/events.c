/* SPDX-License-Identifier: Apache-2.0 */
/* events: what happens to a container, and what it uses. */
#include "core/events.h"

#include "core/cli/cli.h"
#include "core/duration.h"

int verb_events(const struct globals *g, int argc, char **argv, struct error *err)
{
    const char *interval = "5s";
    bool stats = false;
    const struct option options[] = {
        {"interval", 0, OPTION_STRING, &interval, "TIME", "between statistics, as 500ms or 1m30s"},
        {"stats", 0, OPTION_FLAG, &stats, NULL, "print statistics once"},
        {0},
    };
    auto_container struct container c;
    int64_t ns;

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    c.plugins.trace = g->trace;
    if (options_parse(options, &argc, &argv, err) || arguments_expect("events", argc, 1, 1, err))
        return -1;
    if ((ns = duration_parse(interval)) < 0)
        return fail(err, 0, NULL, "--interval: \"%s\" is no time above 0, as 5s, 500ms or 1m30s",
                    interval);
    if (events_open(&c, g->root, argv[0], err) < 0)
        return -1;
    return stats ? events_stats(&c, err) : events_follow(&c, ns, err);
}
