/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compile.h"

#include <errno.h>
#include <sched.h>

#include "core/linux/user-namespace.h"

/* hozo's own procfs: opened before any namespace changes, never seen by the container. */
int compile_proc(struct compile *p)
{
    if (p->proc < 0) {
        p->proc = plan_slot(p->b, "proc");
        plan_op(p->b, PHASE_PREPARE, PROCFS, NULL, SLOT(p->proc));
    }
    return p->proc;
}

static void add_start(struct compile *p)
{
    p->start = plan_slot(p->b, "start");
    p->result = plan_slot(p->b, "result");
    plan_op(p->b, PHASE_PREPARE, FIFO, NULL, STR("start"), SLOT(p->start));
    plan_op(p->b, PHASE_PREPARE, FIFO, NULL, STR("result"), SLOT(p->result));
    /* From `report` on the process outlives the runtime: a later delete must know of it before. */
    plan_op0(p->b, PHASE_LIMITS, RECORD, NULL);
    plan_op0(p->b, PHASE_WAIT, REPORT, NULL);
    plan_op(p->b, PHASE_WAIT, WAIT_START, NULL, SLOT(p->start), SLOT(p->result));
}

static int compile_own_root(struct compile *p, struct error *err)
{
    return compile_root(p, err) < 0 || compile_mounts(p, err) < 0 || compile_devices(p, err) < 0
               ? -1
               : 0;
}

/* The sections in no particular order: the phases order what they add. */
static int compile_core(struct compile *p, struct error *err)
{
    struct process_request process = {
        .process = json_get(p->config, "process"),
        .doc = &p->c->config,
        .path = "process",
        .root = p->root,
    };

    add_start(p);
    if (compile_namespaces(p, err) < 0)
        return -1;
    process.joined = p->joins_mounts;
    if ((p->joins_mounts ? compile_joined_root(p, err) : compile_own_root(p, err)) < 0 ||
        compile_notify(p, err) < 0 || compile_system(p, err) < 0 ||
        (!p->joins_mounts && compile_root_attributes(p, err) < 0) || compile_hooks(p, err) < 0)
        return -1;
    return compile_process(p, &process, err);
}

static int begin(struct container *c, struct compile *p, struct error *err)
{
    if (!(c->builder = plan_new()))
        return fail_memory(err);
    *p = (struct compile){
        .c = c,
        .b = c->builder,
        .config = c->config.root,
        .linux_ = json_get(c->config.root, "linux"),
        .proc = -1,
    };
    plan_speaker(p->b, "core", 0);
    plan_preserve_fds(p->b, c->preserve_fds);
    p->root = plan_slot(p->b, "root");
    return 0;
}

/* What a plugin has added is shown as asked for by it, and fails in its name. */
static int compile_configuration(struct container *c, struct compile *p, struct error *err)
{
    const struct plugins *plugins = &c->plugins;

    if (plugins_for_config(c, err) < 0)
        return -1;
    for (size_t i = 0; i < plugins->n_additions; i++)
        plan_origin(c->builder, plugins->additions[i].path, plugins->additions[i].plugin);
    p->config = c->config.root;
    p->linux_ = json_get(c->config.root, "linux");
    user_namespace_look(p);
    compile_look_at_root(p);
    if (p->user_namespace && p->privileged && !p->joins_mounts)
        compile_helper(p);
    if (plugins_call(c, STAGE_VALIDATE, err) < 0 || plugins_call(c, STAGE_PLAN, err) < 0)
        return -1;
    return compile_core(p, err);
}

int compile_create(struct container *c, struct error *err)
{
    struct compile p = {0};
    int r;

    if (begin(c, &p, err) < 0)
        return -1;
    c->compile = &p;
    r = compile_configuration(c, &p, err);
    c->compile = NULL;
    if (r < 0) {
        plugins_blame(&c->plugins, err);
        return -1;
    }
    /* Where nobody can clone into the cgroup, the stage process is put there first: cgroup v1. */
    if (c->state.cgroup.procs)
        plan_flag(p.b, PLAN_ATTACH_STAGE);
    return plan_finish(c->builder, &c->plan, err);
}

int compile_exec(struct container *c, const struct exec_request *request, int *init,
                 struct error *err)
{
    struct compile p = {0};
    struct process_request process = {.process = request->process,
                                      .doc = request->doc,
                                      .path = "process",
                                      .exec = true,
                                      .joined = true};

    if (begin(c, &p, err) < 0)
        return -1;
    process.root = p.root;
    *init = plan_slot(p.b, "init");
    user_namespace_look(&p);
    p.user_namespace = request->namespaces & CLONE_NEWUSER;
    c->user_namespace |= p.user_namespace;
    if (p.user_namespace)
        user_namespace_setup_ids(&p);
    plan_op0(p.b, PHASE_ENTER, SESSION, NULL);
    if (plugins_call(c, STAGE_EXEC, err) < 0 || compile_process(&p, &process, err) < 0)
        return -1;
    /* Only the host may lower an OOM score, so that comes before the join; and no process of the
     * container may find the host's procfs in the new one (CVE-2016-9962). */
    if (p.proc >= 0)
        plan_op(p.b, PHASE_STAGE, CLOSE, NULL, SLOT(p.proc));
    plan_op(p.b, PHASE_STAGE, JOIN, NULL, NUM(request->namespaces), SLOT(*init), NUM(1));
    plan_op(p.b, PHASE_STAGE, CLOSE, NULL, SLOT(*init));
    plan_op(p.b, PHASE_CLONE, CLONE, NULL, NUM(0));
    plan_op0(p.b, PHASE_WAIT, REPORT, NULL);
    if (c->state.cgroup.procs)
        plan_flag(p.b, PLAN_ATTACH_STAGE);
    return plan_finish(c->builder, &c->plan, err);
}
