/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the tables of the manual that are the tables of the code; tools/docs puts them where they belong. */
#include <stdio.h>

#include "core/plan.h"
#include "core/plugin-callbacks.h"
#include "core/plugin-check.h"
#include "core/trace.h"
#include "docs/resource-table.h"

static void phases(void)
{
    static const char *const process_name[] = {
        [PROCESS_RUNTIME] = "runtime",
        [PROCESS_STAGE] = "stage",
        [PROCESS_HELPER] = "helper",
        [PROCESS_INSIDE] = "inside",
    };

    printf("== phases\n| phase | process | what happens |\n|---|---|---|\n");
#define PHASE(id, name, process, what)                                                             \
    printf("| `%s` | `%s` | %s |\n", name, process_name[PROCESS_##process], what);
    PLAN_PHASES(PHASE)
#undef PHASE
}

static void callbacks(void)
{
    printf("== callbacks\n| callback | when | what it may do | |\n|---|---|---|---|\n");
#define PURE "pure"
#define HOST "on the host"
#define CB(id, member, purity, time, when, may)                                                    \
    printf("| `%s` | %s | %s | %s |\n", #member, when, may, purity);
    PLUGIN_CALLBACKS(CB)
#undef CB
#undef PURE
#undef HOST
}

static void spans(void)
{
    printf("== spans\n| span | argument | what happens |\n|---|---|---|\n");
#define SPAN(id, name, argument, what)                                                             \
    printf("| `%s` | %s | %s |\n", name, #argument[0] == 'N' ? "" : argument, what);
    TRACE_SPANS(SPAN)
#undef SPAN
}

static void points(void)
{
    int n = 1;

    printf("== points\n| | rule | why |\n|---|---|---|\n");
#define P(name, needs, gives, what, why) printf("| %d | %s | %s |\n", n++, what, why);
    PLUGIN_POINTS(P)
#undef P
}

int main(void)
{
    phases();
    spans();
    callbacks();
    points();
    resource_table();
    return ferror(stdout);
}
