/* SPDX-License-Identifier: Apache-2.0 */
/* What the process of a virtual machine is given: the guest's half of the plan, and who visits it, the way there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/linux/clone.h"
#include "core/linux/control.h"
#include "core/machine.h"

static int slot_of(const struct plan_header *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_slots; i++)
        if (!strcmp(plan_string(plan, plan_slots((struct plan_header *)plan)[i].name), name))
            return (int)i;
    return -1;
}

static int fill(struct container *c, const char *name, int fd)
{
    int slot = slot_of(c->plan, name);

    if (slot < 0 || fd < 0) {
        cleanup_close(&fd);
        return -1;
    }
    plan_slots(c->plan)[slot].fd = fd;
    return 0;
}

int machine_hand_over(struct container *c, struct error *err)
{
    return c->guest ? fill(c, MACHINE_GUEST_SLOT, plan_memfd(c->guest, err)) : 0;
}

/* The program is a sealed file that only the process itself still has. */
static int open_monitor(const struct container *c, struct error *err)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/proc/%d/exe", (int)c->state.pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? fail(err, errno, NULL, "open %s", path) : fd;
}

int machine_visit(struct container *c, struct error *err)
{
    if (!c->guest)
        return 0;
    return fill(c, MACHINE_MONITOR_SLOT, open_monitor(c, err)) < 0 ||
                   fill(c, MACHINE_CONTROL_SLOT, control_connect(c->dirfd, err)) < 0
               ? -1
               : machine_hand_over(c, err);
}
