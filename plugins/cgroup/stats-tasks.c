/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, and what they read from and write to block devices. */
#include "plugins/cgroup/stats.h"

#include <string.h>

/* Without a limit none is named. */
void stats_pids(struct stats *s)
{
    uint64_t limit;

    stats_enter(s, "pids");
    stats_unless_0(s, "current", stats_read(s, "pids.current", NULL));
    limit = stats_read(s, "pids.max", NULL);
    stats_unless_0(s, "limit", limit == UINT64_MAX ? 0 : limit);
}

/* --- block devices ------------------------------------------------------------------------------ */

#define FILES 3

/* v1: the first of these files that knows a device: bfq counts those that it schedules, throttling all. v2:
 * words of io.stat, and what v1 calls them. */
/* clang-format off */
static const struct {
    const char *key, *v1[FILES];
    struct { const char *word, *op; } v2[3];
} tables[] = {
    {"ioServiceBytesRecursive",
     {"blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive",
      "blkio.throttle.io_service_bytes"},
     {{"rbytes", "Read"}, {"wbytes", "Write"}, {"dbytes", "Discard"}}},
    {"ioServicedRecursive",
     {"blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive",
      "blkio.throttle.io_serviced"},
     {{"rios", "Read"}, {"wios", "Write"}, {"dios", "Discard"}}},
    {"ioQueueRecursive", {"blkio.bfq.io_queued_recursive"}, {{0}}},
    {"ioServiceTimeRecursive", {"blkio.bfq.io_service_time_recursive"}, {{0}}},
    {"ioWaitTimeRecursive", {"blkio.bfq.io_wait_time_recursive"}, {{0}}},
    {"ioMergedRecursive", {"blkio.bfq.io_merged_recursive"}, {{0}}},
    {"ioTimeRecursive", {"blkio.bfq.time_recursive"}, {{0}}},
    {"sectorsRecursive", {"blkio.bfq.sectors_recursive"}, {{0}}},
};
/* clang-format on */

struct entry {
    unsigned long long major, minor, value;
    char op[16];
};

/* *some: the array has begun. */
static void print_entry(struct stats *s, const char *key, bool *some, const struct entry *e)
{
    if (!*some)
        stats_open(s, key, '[');
    *some = true;
    stats_open(s, NULL, '{');
    stats_unless_0(s, "major", e->major);
    stats_unless_0(s, "minor", e->minor);
    if (*e->op) {
        stats_key(s, "op");
        fprintf(s->out, "\"%s\"", e->op);
    }
    stats_unless_0(s, "value", e->value);
    stats_close(s, '}');
}

/* "8:0 Read 4096", or without the word; the line with the total of all devices is none. */
static void print_v1(struct stats *s, const char *key, const char *text, bool *some)
{
    for (; *text; text += *text == '\n') {
        struct entry e = {0};

        if (sscanf(text, "%llu:%llu %15[A-Za-z] %llu", &e.major, &e.minor, e.op, &e.value) == 4 ||
            sscanf(text, "%llu:%llu %llu", &e.major, &e.minor, &e.value) == 3)
            print_entry(s, key, some, &e);
        text += strcspn(text, "\n");
    }
}

/* The value of " word=4096" on this line. */
static bool find_word(const char *line, const char *word, unsigned long long *value)
{
    const char *end = line + strcspn(line, "\n"), *at = line;
    size_t length = strlen(word);

    while ((at = memchr(at, ' ', (size_t)(end - at)))) {
        at++;
        if (!strncmp(at, word, length) && at[length] == '=') {
            *value = strtoull(at + length + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

/* "8:0 rbytes=4096 wbytes=0 …" */
static void print_v2(struct stats *s, size_t table, const char *text, bool *some)
{
    for (; *text; text += *text == '\n') {
        struct entry e = {0};

        if (sscanf(text, "%llu:%llu ", &e.major, &e.minor) == 2)
            for (size_t i = 0; i < 3 && tables[table].v2[i].word; i++)
                if (find_word(text, tables[table].v2[i].word, &e.value)) {
                    snprintf(e.op, sizeof(e.op), "%s", tables[table].v2[i].op);
                    print_entry(s, tables[table].key, some, &e);
                }
        text += strcspn(text, "\n");
    }
}

void stats_blkio(struct stats *s)
{
    stats_enter(s, "blkio");
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        const char *text = s->v2 ? stats_text(s, "io.stat") : NULL;
        bool some = false;

        if (text)
            print_v2(s, i, text, &some);
        for (size_t k = 0; !s->v2 && !some && k < FILES && tables[i].v1[k]; k++)
            if ((text = stats_text(s, tables[i].v1[k])))
                print_v1(s, tables[i].key, text, &some);
        if (some)
            stats_close(s, ']');
    }
    stats_pressure(s, "io.pressure");
}
