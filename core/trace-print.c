/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace for people: one line a span, with a bar that shows when it was, below the process that it was in. Then
 * what each plugin has cost.
 */
#include <string.h>

#include "core/json.h"
#include "core/trace.h"

#define TRACKS (PROCESS_INSIDE + 2) /* they count from 1 */
#define DEPTH  64
#define BAR    30

struct row {
    const char *name, *category, *owner, *detail;
    uint64_t begin, end; /* nanoseconds */
    size_t number;       /* in the order of the file */
    unsigned track, depth;
};

/* Whose time it was. */
struct cost {
    const char *owner;
    uint64_t load, callbacks, operations;
};

struct table {
    struct row *rows;
    size_t n;
    struct {
        const char *name;
        size_t open[DEPTH];
        unsigned n_open;
    } tracks[TRACKS];
    uint64_t first, last;
};

/* --- reading -------------------------------------------------------------------------------------- */

static int no_trace(struct error *err)
{
    return fail(err, 0, NULL, "is no trace of hozo");
}

/* Microseconds with a fraction, up to thirty years. */
static int read_time(const struct json *doc, const cJSON *event, const char *name, uint64_t *ns)
{
    const cJSON *number = json_get(event, name);
    double us;

    if (!cJSON_IsNumber(number))
        return -1;
    us = strtod(doc->numbers[number->valueint], NULL);
    if (!(us >= 0) || us > 1e15)
        return -1;
    *ns = (uint64_t)(us * 1000 + 0.5);
    return 0;
}

static const char *first_of(const cJSON *args, const char *const *names)
{
    const char *found = NULL;

    for (; *names && !found; names++)
        found = json_string(args, *names, NULL);
    return found;
}

static void open_row(struct table *t, const cJSON *event, unsigned track, uint64_t begin)
{
    static const char *const owners[] = {"plugin", "owner", NULL};
    static const char *const details[] = {"file", "path", "phase", NULL};
    const cJSON *args = json_get(event, "args");

    t->rows[t->n] = (struct row){.number = t->n,
                                 .name = json_string(event, "name", "?"),
                                 .category = json_string(event, "cat", TRACE_CORE),
                                 .owner = first_of(args, owners),
                                 .track = track,
                                 .begin = begin,
                                 .end = UINT64_MAX};
    t->rows[t->n++].detail =
        json_get(args, "call") ? json_string(args, "path", NULL) : first_of(args, details);
}

static int close_row(struct table *t, const cJSON *event, unsigned track, uint64_t end)
{
    const char *plugin = json_string(json_get(event, "args"), "plugin", NULL);
    struct row *row;

    if (!t->tracks[track].n_open)
        return -1;
    row = &t->rows[t->tracks[track].open[--t->tracks[track].n_open]];
    row->end = end;
    row->owner = plugin ? plugin : row->owner;
    return 0;
}

static int read_event(struct table *t, const struct json *doc, const cJSON *event)
{
    const char *type = json_string(event, "ph", "");
    int64_t track;
    uint64_t when, duration = 0;

    if (json_i64(doc, json_get(event, "tid"), &track) < 0 || track < 1 || track >= TRACKS ||
        read_time(doc, event, "ts", &when) < 0)
        return -1;
    if (!strcmp(type, "M")) {
        if (!strcmp(json_string(event, "name", ""), "thread_name"))
            t->tracks[track].name = json_string(json_get(event, "args"), "name", NULL);
        return 0;
    }
    if (!strcmp(type, "X") && read_time(doc, event, "dur", &duration) < 0)
        return -1;
    t->first = when < t->first ? when : t->first;
    t->last = when + duration > t->last ? when + duration : t->last;
    if (!strcmp(type, "E"))
        return close_row(t, event, (unsigned)track, when);
    if (!strcmp(type, "X")) {
        open_row(t, event, (unsigned)track, when);
        t->rows[t->n - 1].end = when + duration;
        return 0;
    }
    if (strcmp(type, "B") || t->tracks[track].n_open == DEPTH)
        return -1;
    t->tracks[track].open[t->tracks[track].n_open++] = t->n;
    open_row(t, event, (unsigned)track, when);
    return 0;
}

/* What contains others comes before them. */
static int by_time(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->track != b->track)
        return a->track < b->track ? -1 : 1;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static void find_depths(struct table *t)
{
    const struct row *around[DEPTH];
    unsigned n = 0;

    for (size_t i = 0; i < t->n; i++) {
        struct row *row = &t->rows[i];

        while (n && (around[n - 1]->track != row->track || around[n - 1]->end < row->end))
            n--;
        row->depth = n;
        if (n < DEPTH)
            around[n++] = row;
    }
}

static int read_all(struct table *t, const struct json *doc, struct error *err)
{
    const cJSON *event;

    if (!cJSON_IsArray(doc->root))
        return no_trace(err);
    if (!(t->rows = calloc(json_length(doc->root) + 1, sizeof *t->rows)))
        return fail_memory(err);
    t->first = UINT64_MAX;
    cJSON_ArrayForEach (event, doc->root)
        if (read_event(t, doc, event) < 0)
            return no_trace(err);
    /* Of a process that was killed. */
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].end == UINT64_MAX)
            t->rows[i].end = t->last;
    if (t->n)
        qsort(t->rows, t->n, sizeof *t->rows, by_time);
    find_depths(t);
    return 0;
}

/* --- printing ------------------------------------------------------------------------------------- */

static void add_ms(struct text *out, int width, uint64_t ns)
{
    text_add(out, "%*llu.%03u", width, (unsigned long long)(ns / 1000000),
             (unsigned)(ns / 1000 % 1000));
}

/* A file may hold anything; a terminal obeys. */
static void add_plain(struct text *out, const char *s)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            text_json(out, s);
            return;
        }
    text_put(out, s);
}

static unsigned column(const struct table *t, uint64_t when)
{
    uint64_t whole = t->last - t->first;

    return whole ? (unsigned)((double)(when - t->first) / (double)whole * BAR) : 0;
}

/* Of a character at least, so that nothing is without one. */
static void add_bar(struct text *out, const struct table *t, const struct row *row)
{
    unsigned from = column(t, row->begin), to = column(t, row->end);

    if (from == BAR)
        from--;
    if (to <= from)
        to = from + 1;
    text_add(out, "  |%*s%.*s%*s|", (int)from, "", (int)(to - from),
             "##############################", (int)(BAR - to), "");
}

static void print_row(const struct table *t, const struct row *row, struct text *out)
{
    add_ms(out, 9, row->begin - t->first);
    add_ms(out, 9, row->end - row->begin);
    add_bar(out, t, row);
    text_add(out, " %*s", (int)(2 * row->depth), "");
    add_plain(out, row->name);
    if (row->detail) {
        text_add(out, " ");
        add_plain(out, row->detail);
    }
    if (row->owner && strcmp(row->category, TRACE_PLUGIN) != 0 && strcmp(row->owner, "core") != 0) {
        text_add(out, " (");
        add_plain(out, row->owner);
        text_add(out, ")");
    }
    text_add(out, "\n");
}

static void print_rows(const struct table *t, struct text *out)
{
    unsigned track = 0;

    text_add(out, "%13s%13s\n", "begin/ms", "time/ms");
    for (size_t i = 0; i < t->n; i++) {
        const struct row *row = &t->rows[i];

        if (row->track != track && t->tracks[row->track].name) {
            add_plain(out, t->tracks[row->track].name);
            text_add(out, "\n");
        }
        track = row->track;
        print_row(t, row, out);
    }
}

/* --- what each plugin costs ----------------------------------------------------------------------- */

static struct cost *cost_of(struct cost *costs, size_t *n, const char *owner)
{
    for (size_t i = 0; i < *n; i++)
        if (!strcmp(costs[i].owner, owner))
            return &costs[i];
    costs[*n] = (struct cost){.owner = owner};
    return &costs[(*n)++];
}

static uint64_t sum(const struct cost *c)
{
    return c->load + c->callbacks + c->operations;
}

static int by_sum(const void *left, const void *right)
{
    uint64_t a = sum(left), b = sum(right);

    return a == b ? 0 : a > b ? -1 : 1;
}

static void add_costs(const struct table *t, struct cost *costs, size_t *n)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct row *row = &t->rows[i];
        uint64_t time = row->end - row->begin;
        struct cost *cost;

        if (!row->owner || !strcmp(row->owner, "core"))
            continue;
        cost = cost_of(costs, n, row->owner);
        if (!strcmp(row->category, TRACE_PLUGIN))
            cost->callbacks += time;
        else if (!strcmp(row->category, TRACE_OPERATION))
            cost->operations += time;
        else
            cost->load += time;
    }
}

static int print_costs(const struct table *t, struct text *out, struct error *err)
{
    auto_free struct cost *costs = calloc(t->n + 1, sizeof *costs);
    size_t n = 0;

    if (!costs)
        return fail_memory(err);
    add_costs(t, costs, &n);
    if (!n)
        return 0;
    qsort(costs, n, sizeof *costs, by_sum);
    text_add(out, "\n%15s%15s%15s%15s  plugin\n", "load/ms", "callbacks/ms", "operations/ms",
             "sum/ms");
    for (size_t i = 0; i < n; i++) {
        add_ms(out, 11, costs[i].load);
        add_ms(out, 11, costs[i].callbacks);
        add_ms(out, 11, costs[i].operations);
        add_ms(out, 11, sum(&costs[i]));
        text_add(out, "  ");
        add_plain(out, costs[i].owner);
        text_add(out, "\n");
    }
    return 0;
}

int trace_print(const struct json *trace, struct text *out, struct error *err)
{
    auto_free struct table *t = calloc(1, sizeof *t);
    auto_free struct row *rows = NULL;
    int r;

    if (!t)
        return fail_memory(err);
    r = read_all(t, trace, err);
    rows = t->rows;
    if (r < 0)
        return -1;
    print_rows(t, out);
    return print_costs(t, out, err);
}
