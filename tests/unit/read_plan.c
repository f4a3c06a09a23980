/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/read_plan.h"

#include <errno.h>
#include <string.h>

#include "core/init/interpreter.h"
#include "core/json.h"
#include "core/planner.h"

size_t read_plan(struct plan_header *plan)
{
    const struct interpreter in = {.plan = plan, .sync = -1, .result = -1, .blank = -1};
    auto_text struct text out = {0};
    size_t sum = 0;

    plan_for_each (op, plan)
        for (unsigned i = 0; i < PLAN_ARGS_MAX; i++) {
            char type = plan_arg_type(plan_op_info[op->kind].signature, i, NULL, NULL);
            const char *s = type == 's' || type == 't' ? plan_string(plan, op->arg[i]) : NULL;

            sum += s ? strlen(s) : 0;
            if (type == 't' && s) {
                auto_free char *expanded = expand(&in, s);

                sum += expanded ? strlen(expanded) : 0;
            }
            if (type == 'l' || type == 'T') {
                auto_free char **v = vector(&in, op->arg[i], false);
                const char *list;
                uint32_t n;

                list = plan_list(plan, op->arg[i], &n);
                for (uint32_t k = 0; k < n; k++) {
                    auto_free char *expanded = type == 'T' ? expand(&in, list) : NULL;

                    sum += expanded ? strlen(expanded) : strlen(v[k]);
                    list += strlen(list) + 1;
                }
            }
            if (type == 'b') {
                uint32_t n;
                const unsigned char *p = plan_bytes(plan, op->arg[i], &n);

                for (uint32_t k = 0; k < n; k++)
                    sum += p[k];
            }
            if (type == 'r' || type == 'w')
                sum += (size_t)plan_slots(plan)[op->arg[i]].fd;
        }
    if (plan->size < 1 << 16) {
        plan_print(plan, &out);
        plan_print_json(plan, &out);
    }
    for (uint32_t i = 0; i <= plan->n_ops; i++) {
        struct error err;

        sum += (size_t)plan_fail(plan, i, EPERM, STEP_NONE, &err);
    }
    return sum + out.length;
}
