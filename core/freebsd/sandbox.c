/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sandbox.h"

/* A jail would need root, and capability mode refuses what plugins are tried with: paths. */
int sandbox_enter(struct error *err)
{
    return fail(err, 0, NULL, "FreeBSD has none for a process of any user");
}

/* jemalloc takes its options at the start of a program only. */
void sandbox_disturb_memory(void)
{
}
