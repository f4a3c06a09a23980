/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure comes as three numbers from a process that the container may already have in its hands:
 * they choose among the plan's own texts and nothing else.
 */
#include "core/planner.h"

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

/* Of a program that ended, errnum is the status or the signal. */
int step_fail(const char *path, const char *what, int errnum, uint32_t step, struct error *err)
{
    if (step == STEP_NONE)
        return fail(err, errnum, path, "%s", what);
    if (step == STEP_EXIT_STATUS && errnum)
        return fail(err, 0, path, "%s: %s: status %d", what, plan_step_name[step], errnum);
    if (step == STEP_SIGNALED && errnum)
        return fail(err, 0, path, "%s: %s: %d", what, plan_step_name[step], errnum);
    return fail(err, errnum, path, "%s: %s", what, plan_step_name[step]);
}

int plan_fail(const struct plan_header *plan, uint32_t op, int errnum, uint32_t step,
              struct error *err)
{
    const struct plan_op *failed;
    const char *what, *path;

    if (op >= plan->n_ops || step >= STEP_COUNT || errnum < 0 || errnum > ERRNO_MAX)
        return fail(err, 0, NULL, "the container's process sent nonsense");
    failed = plan_ops(plan) + op;
    path = plan_string(plan, failed->path);
    what = plan_string(plan, failed->what);
    /* The text of a program that is not found is what engines show: it names no other step. */
    if (what && failed->kind == OP_FIND_EXEC && step != STEP_DIRECTORY)
        step = STEP_NONE;
    if (!what)
        what = plan_op_info[failed->kind].name;
    return step_fail(path, what, errnum, step, err);
}
