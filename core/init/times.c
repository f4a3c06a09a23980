/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "core/init/interpreter.h"

/* No system call where the kernel lets a program read the clock itself; a filter may refuse it elsewhere. */
static uint64_t now(void)
{
    int before = errno, r;
    struct timespec t;

    r = clock_gettime(CLOCK_REALTIME, &t);
    errno = before;
    return r < 0 ? 0 : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct sync_time *row(const struct interpreter *in, const struct plan_op *op)
{
    return in->times + (op ? (size_t)(op - plan_ops(in->plan)) : in->plan->n_ops);
}

void time_begin(const struct interpreter *in, const struct plan_op *op)
{
    if (in->times)
        row(in, op)->begin = now();
}

void time_end(const struct interpreter *in, const struct plan_op *op)
{
    if (in->times)
        row(in, op)->end = now();
}
