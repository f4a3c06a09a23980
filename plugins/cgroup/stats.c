/* SPDX-License-Identifier: Apache-2.0 */
/* What `events` asks: a section after the other. */
#include "plugins/cgroup/stats.h"

#include <errno.h>

/* clang-format off */
const struct stats_section stats_sections[] = {
    {"cpu",     stats_cpu},
    {"cpuset",  stats_cpuset},
    {"memory",  stats_memory},
    {"pids",    stats_pids},
    {"blkio",   stats_blkio},
    {"hugetlb", stats_hugetlb},
    {0},
};
/* clang-format on */

char *stats_print(struct stats *s, const struct stats_section *section, size_t *size)
{
    char *text = NULL;
    bool failed;

    if (!(s->out = open_memstream(&text, size))) {
        stats_fail(s, ENOMEM, "statistics");
        return NULL;
    }
    s->comma = false;
    stats_open(s, NULL, '{');
    section->print(s);
    stats_close(s, '}');
    failed = ferror(s->out);
    if (fclose(s->out) || failed)
        stats_fail(s, ENOMEM, "statistics");
    if (!s->errnum)
        return text;
    free(text);
    return NULL;
}

static int tell(struct hozo_ctx *ctx, struct stats *s)
{
    for (const struct stats_section *section = stats_sections; section->key; section++) {
        size_t size;
        auto_free char *text = stats_print(s, section, &size);

        if (!text || hozo_stats(ctx, section->key, text, size) < 0)
            return -1;
    }
    return 0;
}

int cgroup_stats(struct hozo_ctx *ctx)
{
    struct hierarchies all;
    struct stats s;
    int r = -1;

    if (hierarchies_recorded(ctx, &all) == 0) {
        r = stats_begin(&s, &all) ? tell(ctx, &s) : -1;
        if (s.errnum)
            r = hozo_error(ctx, s.errnum, NULL, "control group: read %s", s.failed);
        stats_end(&s);
    }
    hierarchies_free(&all);
    return r;
}
