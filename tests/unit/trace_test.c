/* SPDX-License-Identifier: Apache-2.0 */
/* What hozo-init's table holds by the time that it is read, somebody else may have written. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "core/planner.h"
#include "core/trace.h"

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

/* One operation in each process, and two in the phase `mounts`. */
static struct plan_header *make_plan(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    struct plan_header *plan = NULL;
    struct error err;
    int root = plan_slot(b, "root");

    plan_op(b, PHASE_CLONE, CLONE, NULL, NUM(0));
    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("/b\x7f/\"rootfs\""), SLOT(root), NUM(0));
    plan_op(b, PHASE_MOUNTS, MKDIR, "a", SLOT(root), STR("/a"), NUM(0755));
    plan_op(b, PHASE_MOUNTS, MKDIR, "b", SLOT(root), STR("/b"), NUM(0755));
    plan_op0(b, PHASE_LIMITS, RECORD, NULL);
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    if (plan_finish(b, &plan, &err) < 0)
        exit(1);
    return plan;
}

struct told {
    unsigned operations, phases, waits;
    bool json, within;
};

static double number(const struct json *doc, const cJSON *event, const char *name)
{
    return strtod(doc->numbers[json_get(event, name)->valueint], NULL);
}

static void count(struct told *told, const struct json *doc, double since, double until)
{
    const cJSON *event;

    cJSON_ArrayForEach (event, doc->root) {
        const char *category = json_string(event, "cat", "");
        double begin;

        if (strcmp(json_string(event, "ph", ""), "X") != 0)
            continue;
        begin = number(doc, event, "ts");
        told->within &= begin >= since && begin + number(doc, event, "dur") <= until + 0.001;
        told->operations += !strcmp(category, TRACE_OPERATION);
        told->phases += !strcmp(category, TRACE_PHASE);
        told->waits += !strcmp(category, TRACE_CORE);
    }
}

/* The rows are made by `fill` from the time at which the table was. */
static struct told tell(void (*fill)(struct sync_time *rows, size_t n, uint64_t now), bool helper)
{
    auto_free struct plan_header *plan = make_plan();
    size_t n = SYNC_TIMES(plan->n_ops), size = n * sizeof(struct sync_time);
    auto_free struct sync_time *rows = calloc(1, size);
    auto_times struct times times = {.fd = -1, .helper = helper};
    auto_text struct text memory = {0};
    auto_json struct json doc = {0};
    struct told told = {.within = true};
    struct trace trace;
    struct error err;
    char name[] = "/tmp/hozo-trace-test-XXXXXX";
    uint64_t since = trace_now();

    trace_remember(&trace, &memory, "test");
    times_begin(&times, mkstemp(name));
    fill(rows, n, since + (uint64_t)times.ahead);
    if (write(times.fd, rows, size) != (ssize_t)size)
        exit(1);
    unlink(name);
    times_tell(&times, plan, &trace);
    trace_close(&trace, NULL);
    told.json = !json_parse(&doc, "trace", memory.at, memory.length, &err);
    count(&told, &doc, (double)since / 1000, (double)trace_now() / 1000);
    return told;
}

static void nothing(struct sync_time *rows, size_t n, uint64_t now)
{
    (void)rows, (void)n, (void)now;
}

static void sound(struct sync_time *rows, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct sync_time){now + i * 100, now + i * 100 + 50};
}

static void without_end(struct sync_time *rows, size_t n, uint64_t now)
{
    sound(rows, n, now);
    rows[n - 2].end = 0;
}

static void before(struct sync_time *rows, size_t n, uint64_t now)
{
    (void)now;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct sync_time){1 + i, 2 + i};
}

static void behind(struct sync_time *rows, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct sync_time){now + UINT32_MAX * UINT64_C(1000), UINT64_MAX};
}

static void backwards(struct sync_time *rows, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct sync_time){now + UINT64_C(1000000000000), now};
}

static void garbage(struct sync_time *rows, size_t n, uint64_t now)
{
    unsigned char *bytes = (unsigned char *)rows;

    (void)now;
    for (size_t i = 0; i < n * sizeof *rows; i++)
        bytes[i] = (unsigned char)(i * 167 + i * i * 13 + (i >> 3));
}

int main(void)
{
    struct told told = tell(nothing, false);

    check(told.json && !told.operations && !told.phases && !told.waits,
          "what was not begun is not told");
    told = tell(sound, false);
    check(told.json && told.operations == 5 && told.phases == 4 && told.waits == 2 && told.within,
          "each operation, each phase, and each wait for the runtime is told");
    told = tell(sound, true);
    check(told.json && !told.operations && !told.phases, "a helper has its own phase only");
    told = tell(without_end, false);
    check(told.json && told.operations == 5 && told.within, "what has no end ends now");
    told = tell(before, false);
    check(told.json && told.within, "nothing is before the process");
    told = tell(behind, false);
    check(told.json && told.within, "nothing is in the future");
    told = tell(backwards, false);
    check(told.json && !told.operations && told.within, "nothing ends before it begins");
    told = tell(garbage, false);
    check(told.json && told.within, "any other number is within the time that has gone by");
    printf("1..%d\n", tests);
    return failures != 0;
}
