/* SPDX-License-Identifier: Apache-2.0 */
/* Processors: the time that was used, in nanoseconds, and which of them may be used. */
#include "plugins/cgroup/stats.h"

#include <string.h>

#define NS_PER_USEC 1000
#define NS_PER_TICK 10000000 /* of USER_HZ, which is 100 everywhere */

/* clang-format off */
static const struct stats_row usage[] = {
    {"total",  false, {"cpuacct.usage"},                        {"cpu.stat", "usage_usec", NS_PER_USEC}},
    {"kernel", true,  {"cpuacct.stat", "system", NS_PER_TICK},  {"cpu.stat", "system_usec", NS_PER_USEC}},
    {"user",   true,  {"cpuacct.stat", "user", NS_PER_TICK},    {"cpu.stat", "user_usec", NS_PER_USEC}},
};

static const struct stats_row throttling[] = {
    {"periods",          false, {"cpu.stat", "nr_periods"},     {"cpu.stat", "nr_periods"}},
    {"throttledPeriods", false, {"cpu.stat", "nr_throttled"},   {"cpu.stat", "nr_throttled"}},
    {"throttledTime",    false, {"cpu.stat", "throttled_time"}, {"cpu.stat", "throttled_usec", NS_PER_USEC}},
};

static const struct stats_row flags[] = {
    {"cpu_exclusive",      true, {"cpuset.cpu_exclusive"},      {0}},
    {"mem_hardwall",       true, {"cpuset.mem_hardwall"},       {0}},
    {"mem_exclusive",      true, {"cpuset.mem_exclusive"},      {0}},
    {"memory_migrate",     true, {"cpuset.memory_migrate"},     {0}},
    {"memory_spread_page", true, {"cpuset.memory_spread_page"}, {0}},
    {"memory_spread_slab", true, {"cpuset.memory_spread_slab"}, {0}},
    {"memory_pressure",    true, {"cpuset.memory_pressure"},    {0}},
    {"sched_load_balance", true, {"cpuset.sched_load_balance"}, {0}},
};
/* clang-format on */

/* A column of a table of numbers, as an array; column 0 is of a file that has no other. */
static void print_column(struct stats *s, const char *key, const char *text, unsigned column)
{
    bool some = false;

    for (; text && *text; text += strspn(text, " \n")) {
        const char *at = text;

        for (unsigned i = 0; i < column; i++)
            at += strcspn(at, " \n") + 1;
        if (*at >= '0' && *at <= '9') {
            if (!some)
                stats_open(s, key, '[');
            some = true;
            stats_number(s, NULL, strtoull(at, NULL, 10));
        }
        text += strcspn(text, column ? "\n" : " \n");
    }
    if (some)
        stats_close(s, ']');
}

/* Without its heading "cpu user system". */
static const char *usage_all(struct stats *s)
{
    const char *text = stats_text(s, "cpuacct.usage_all");
    const char *end = text ? strchr(text, '\n') : NULL;

    return end ? end + 1 : NULL;
}

void stats_cpu(struct stats *s)
{
    stats_enter(s, "cpuacct");
    stats_open(s, "usage", '{');
    STATS_ROWS(s, usage);
    if (!s->v2) {
        print_column(s, "percpu", stats_text(s, "cpuacct.usage_percpu"), 0);
        print_column(s, "percpu_kernel", usage_all(s), 2);
        print_column(s, "percpu_user", usage_all(s), 1);
    }
    stats_close(s, '}');
    stats_enter(s, "cpu");
    STATS_OBJECT(s, "throttling", throttling);
    stats_pressure(s, "cpu.pressure");
}

/* --- cpuset ------------------------------------------------------------------------------------- */

/* "0-3,7" as an array. */
static void print_list(struct stats *s, const char *key, const char *text)
{
    char *end;

    if (!text || *text < '0' || *text > '9')
        return;
    stats_open(s, key, '[');
    do {
        unsigned long first = strtoul(text, &end, 10), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last && first <= UINT16_MAX; first++)
            stats_number(s, NULL, first);
        text = end + 1;
    } while (*end == ',');
    stats_close(s, ']');
}

/* What is in effect on v2, as its own lists may be empty and mean those of the cgroup above; on v1 an empty one
 * holds no process. */
void stats_cpuset(struct stats *s)
{
    const char *level;

    stats_enter(s, "cpuset");
    print_list(s, "cpus", stats_text(s, s->v2 ? "cpuset.cpus.effective" : "cpuset.cpus"));
    print_list(s, "mems", stats_text(s, s->v2 ? "cpuset.mems.effective" : "cpuset.mems"));
    STATS_ROWS(s, flags);
    level = s->v2 ? NULL : stats_text(s, "cpuset.sched_relax_domain_level");
    stats_key(s, "sched_relax_domain_level");
    fprintf(s->out, "%ld", level ? strtol(level, NULL, 10) : 0);
}
