/* SPDX-License-Identifier: Apache-2.0 */
/* What hozo-init has noted of its operations, as spans of its processes. */
#include <time.h>

#include "core/trace.h"

/* Between the two, as long as nobody sets the clock. */
static int64_t difference(void)
{
    uint64_t before = trace_now(), after;
    struct timespec real;

    clock_gettime(CLOCK_REALTIME, &real);
    after = trace_now();
    return (int64_t)real.tv_sec * 1000000000 + real.tv_nsec -
           (int64_t)(before + (after - before) / 2);
}

void times_begin(struct times *x, int fd)
{
    x->fd = fd;
    x->since = trace_now();
    x->ahead = difference();
}

/* --- one row -------------------------------------------------------------------------------------- */

struct span {
    uint64_t begin, end;
};

static uint64_t within(const struct times *x, uint64_t now, uint64_t real)
{
    uint64_t when = real - (uint64_t)x->ahead;

    return when < x->since ? x->since : when > now ? now : when;
}

/* As times of CLOCK_MONOTONIC; false: it has not begun, or is none. */
static bool read_row(const struct times *x, uint64_t now, const struct sync_time *row,
                     struct span *s)
{
    if (!row->begin)
        return false;
    s->begin = within(x, now, row->begin);
    s->end = row->end ? within(x, now, row->end) : now;
    return s->begin <= s->end;
}

static bool is_own(const struct times *x, unsigned phase)
{
    unsigned process = plan_phase_process[phase];

    return x->helper ? process == PROCESS_HELPER
                     : process == PROCESS_STAGE || process == PROCESS_INSIDE;
}

/* From its first operation to the last that was begun. The rows of a phase that is not hozo-init's are those of its
 * waiting for it, which it does at the first operation. */
static void tell_phase(const struct times *x, const struct plan_header *plan, struct trace *t,
                       uint64_t now, const struct plan_op *op, const struct sync_time *row,
                       uint32_t n)
{
    struct span phase, s;

    if (!read_row(x, now, row, &phase))
        return;
    if (!is_own(x, op->phase)) {
        if (op->phase > PHASE_ATTACH && !x->helper)
            trace_add_wait(t, plan_phase_name[op->phase], phase.begin, phase.end);
        return;
    }
    for (uint32_t i = 1; i < n; i++)
        if (read_row(x, now, row + i, &s))
            phase.end = s.end;
    trace_add_phase(t, op->phase, phase.begin, phase.end);
    for (uint32_t i = 0; i < n; i++)
        if (read_row(x, now, row + i, &s))
            trace_add_operation(t, plan, op + i, s.begin, s.end);
}

static void tell(const struct times *x, const struct plan_header *plan, struct trace *t,
                 const struct sync_time *rows)
{
    const struct plan_op *ops = plan_ops(plan);
    uint32_t n = plan->n_ops, next;
    uint64_t now = trace_now();
    struct span s;

    for (uint32_t i = 0; i < n; i = next) {
        for (next = i + 1; next < n && ops[next].phase == ops[i].phase; next++)
            ;
        tell_phase(x, plan, t, now, ops + i, rows + i, next - i);
    }
    if (read_row(x, now, rows + n, &s))
        trace_add_wait(t, plan_phase_name[PHASE_ATTACH], s.begin, s.end);
}

void times_tell(struct times *x, const struct plan_header *plan, struct trace *t)
{
    size_t size = x->fd < 0 ? 0 : SYNC_TIMES(plan->n_ops) * sizeof(struct sync_time);
    auto_free struct sync_time *rows = size ? malloc(size) : NULL;

    /* A copy, which nobody changes while it is looked at. */
    if (rows && t && pread(x->fd, rows, size, 0) == (ssize_t)size)
        tell(x, plan, t, rows);
    times_close(x);
}
