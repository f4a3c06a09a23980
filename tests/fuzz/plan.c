/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plan: refused, or read by everyone without a step outside. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tests/unit/read_plan.h"

void target(const char *bytes, size_t size)
{
    struct plan_header *plan = malloc(size + !size);
    const char *why = "";
    struct error err;

    must(plan);
    if (size)
        memcpy(plan, bytes, size);
    if (plan_check(plan, size, &why)) {
        must(why && *why);
    } else {
        must(!why);
        read_plan(plan);
        /* The runtime fills late values in a plan that is already checked: it stays sound. */
        must(!plan_late_set(&plan, plan->n_lates - 1, "value\1A", &err));
        must(!plan_check(plan, plan->size, NULL));
    }
    free(plan);
}
