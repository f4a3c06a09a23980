/* SPDX-License-Identifier: Apache-2.0 */
/* The table of docs/cgroups.md: the rows by which the plugin cgroup serves linux.resources. */
#include "docs/resource-table.h"

#include <stdio.h>
#include <string.h>

#include "plugins/cgroup/resources.h"

/* "a|b" as the manual says it. */
static void print_file(const char *names)
{
    const char *bar = names ? strchr(names, '|') : NULL;

    if (!names)
        printf("–");
    else if (bar)
        printf("`%.*s`, else `%s`", (int)(bar - names), names, bar + 1);
    else
        printf("`%s`", names);
}

void resource_table(void)
{
    printf(
        "== resources\n| member | cgroup v1 | cgroup v2 | what is written |\n|---|---|---|---|\n");
    for (size_t i = 0; i < FAMILIES; i++)
        for (size_t k = 0; k < families[i]->n; k++) {
            const struct resource *row = &families[i]->rows[k];

            printf("| `%s` | ", row->path + strlen(RESOURCES "."));
            print_file(row->v1);
            printf(" | ");
            print_file(row->v2);
            printf(" | %s |\n", row->doc);
        }
}
