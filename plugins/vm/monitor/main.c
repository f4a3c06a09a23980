/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-monitor machine | visit: plugins/vm/wire.h says which descriptors it has. */
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/visitor.h"

#define CLOSE_RANGE_CLOEXEC_ (1U << 2) /* Linux 5.11 */

/* Large: its buffers are part of it. */
static struct machine the_machine;

int main(int argc, char **argv)
{
    bool visits = argc == 2 && !strcmp(argv[1], "visit");
    unsigned last = visits ? MONITOR_CONTROL : MONITOR_INITRD;

    /* Children of the same user must not look into it. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (argc != 2 || (!visits && strcmp(argv[1], "machine")))
        return STATUS_BROKEN;
    if (syscall(SYS_close_range, MONITOR_SYNC, last, CLOSE_RANGE_CLOEXEC_) < 0 ||
        syscall(SYS_close_range, last + 1, ~0U, 0) < 0)
        return STATUS_BROKEN;
    return visits ? visit() : monitor(&the_machine);
}
