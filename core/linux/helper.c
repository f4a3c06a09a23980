/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/linux/channel.h"
#include "core/linux/clone.h"
#include "core/linux/image.h"
#include "core/linux/launch.h"

#define SECONDS 60 /* network file systems may take their time */

static bool reads(const struct plan_header *plan, uint32_t slot)
{
    plan_for_each (op, plan)
        for (unsigned i = 0; op->phase == PHASE_SOURCES && i < PLAN_ARGS_MAX; i++)
            if (op->arg[i] == slot && plan_op_arg_type(op, i) == 'r')
                return true;
    return false;
}

/* The same plan, but of what hozo holds only what the helper reads, and nothing of the user's program. */
static struct plan_header *plan_of_helper(const struct plan_header *plan)
{
    struct plan_header *copy = malloc(plan->size);

    if (!copy)
        return NULL;
    memcpy(copy, plan, plan->size);
    copy->flags = PLAN_HELPER;
    copy->preserve_fds = 0;
    for (uint32_t i = 0; i < copy->n_slots; i++)
        if (!reads(plan, i))
            plan_slots(copy)[i].fd = -1;
    return copy;
}

static int pass_on(struct container *c, int helper, int sync, uint32_t slot, struct error *err)
{
    auto_close int fd = -1;
    struct sync_message m;
    int r;

    if (launch_wait(c, helper, SECONDS, err) < 0 ||
        (r = channel_receive(helper, &m, &fd, SECONDS, err)) < 0)
        return -1;
    if (r && m.type == SYNC_FAILED)
        return plan_fail(c->plan, m.value, m.errnum, m.step, err);
    if (!r || m.type != SYNC_SLOT || m.value != slot)
        return fail(err, 0, NULL, "hozo-init ended unexpectedly");
    return channel_send_slot(sync, slot, fd, err);
}

static int converse(struct container *c, int helper, int sync, struct error *err)
{
    plan_for_each (op, c->plan) {
        int64_t slot = op->phase == PHASE_SOURCES ? plan_op_fills(op) : -1;

        if (slot >= 0 && pass_on(c, helper, sync, (uint32_t)slot, err) < 0)
            return -1;
    }
    return 0;
}

int helper_run(struct container *c, int sync, struct error *err)
{
    auto_span struct trace *span UNUSED = span_phase(c->plugins.trace, PHASE_SOURCES);
    auto_times struct times times = {.fd = -1, .helper = true};
    auto_free struct plan_header *plan = plan_of_helper(c->plan);
    auto_close int image = init_image(err), memfd = -1, ours = -1, theirs = -1;
    struct spawn s;
    pid_t pid;
    int r;

    if (!plan)
        return fail_memory(err);
    if (image < 0 || (memfd = plan_memfd(plan, err)) < 0 || channel_open(&ours, &theirs, err) < 0 ||
        times_open(&times, plan, c->plugins.trace, err) < 0)
        return -1;
    s = (struct spawn){.image = image,
                       .plan_fd = memfd,
                       .sync = theirs,
                       .plan = plan,
                       .cgroup = -1,
                       .times = times.fd};
    if ((pid = spawn_stage(&s, err)) < 0)
        return -1;
    close(steal_fd(theirs));
    r = converse(c, ours, sync, err);
    if (r < 0)
        kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    times_tell(&times, plan, c->plugins.trace);
    return r;
}
