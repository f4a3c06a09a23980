/* SPDX-License-Identifier: Apache-2.0 */
#include "core/container.h"

#include "core/facts.h"
#include "core/machine.h"

void container_init(struct container *c)
{
    *c = (struct container){.dirfd = -1,
                            .pidfd = -1,
                            .interrupt = -1,
                            .notify = NOTIFY_INIT,
                            .times = TIMES_INIT,
                            .cgroup_manager = "cgroupfs"};
    c->plugins.container = c;
}

int container_facts(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_FACTS, NULL);

    return facts_collect(&c->facts, err);
}

void container_free(struct container *c)
{
    times_tell(&c->times, c->plan, c->plugins.trace);
    cleanup_close(&c->dirfd);
    cleanup_close(&c->pidfd);
    notify_close(&c->notify);
    json_free(&c->config);
    json_free(&c->changes);
    json_free(&c->stats);
    json_free(&c->facts);
    state_free(&c->state);
    plugins_free(&c->plugins);
    plan_builder_free(&c->builder);
    free(c->plan);
    machine_forget(&c->machine);
    plan_builder_free(&c->guest_builder);
    free(c->guest);
    free(c->rescue.args);
}
