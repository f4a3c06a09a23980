/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compile.h"

#include "core/foreign.h"
#include "core/linux/namespaces.h"
#include "core/linux/user-namespace.h"
#include "core/machine.h"

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
int compile_container(struct compile *p, struct error *err)
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
static void say_origins(struct container *c, struct plan_builder *b)
{
    const struct plugins *plugins = &c->plugins;

    for (size_t i = 0; b && i < plugins->n_additions; i++)
        plan_origin(b, plugins->additions[i].path, plugins->additions[i].plugin);
}

/* A plugin may have asked for it, by an annotation. */
static int look_for_machine(struct container *c, struct error *err)
{
    if (!machine_wanted(c))
        return 0;
    if (!(c->guest_builder = plan_new()))
        return fail_memory(err);
    return machine_check(c, err);
}

static int compile_configuration(struct container *c, struct compile *p, struct error *err)
{
    if (plugins_for_config(c, err) < 0 || look_for_machine(c, err) < 0)
        return -1;
    say_origins(c, c->builder);
    say_origins(c, c->guest_builder);
    p->config = c->config.root;
    p->linux_ = json_get(c->config.root, "linux");
    user_namespace_look(p);
    compile_look_at_root(p);
    if (p->user_namespace && p->privileged && !p->joins_mounts)
        compile_helper(p);
    if (plugins_call(c, STAGE_VALIDATE, err) < 0 || plugins_call(c, STAGE_PLAN, err) < 0)
        return -1;
    /* What there is to do, only the plugin of that system knows. */
    if (config_is_foreign(p->config))
        return 0;
    return c->guest_builder ? machine_compile(p, err) : compile_container(p, err);
}

int compile_create(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_COMPILE, NULL);
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
    if (plan_finish(c->builder, &c->plan, err) < 0)
        return -1;
    return config_is_foreign(c->config.root) ? foreign_check_plan(c, err) : 0;
}

void compile_join(struct compile *p, uint64_t namespaces, int init)
{
    /* Only the host may lower an OOM score, so that comes before the join; and no process of the
     * container may find the host's procfs in the new one (CVE-2016-9962). */
    if (p->proc >= 0)
        plan_op(p->b, PHASE_STAGE, CLOSE, NULL, SLOT(p->proc));
    plan_op(p->b, PHASE_STAGE, JOIN, NULL, NUM(namespaces), SLOT(init), NUM(1));
    plan_op(p->b, PHASE_STAGE, CLOSE, NULL, SLOT(init));
    plan_op(p->b, PHASE_CLONE, CLONE, NULL, NUM(0));
}

int compile_joining(struct compile *p, const struct exec_request *request, uint64_t namespaces,
                    int init, struct error *err)
{
    const struct process_request process = {.process = request->process,
                                            .doc = request->doc,
                                            .path = "process",
                                            .root = p->root,
                                            .exec = true,
                                            .joined = true};

    plan_op0(p->b, PHASE_ENTER, SESSION, NULL);
    if (compile_process(p, &process, err) < 0)
        return -1;
    compile_join(p, namespaces, init);
    plan_op0(p->b, PHASE_WAIT, REPORT, NULL);
    return 0;
}

int compile_exec(struct container *c, const struct exec_request *request, int *init,
                 struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_COMPILE, NULL);
    struct compile p = {0};
    int r;

    if (begin(c, &p, err) < 0 || (c->state.machine && !(c->guest_builder = plan_new())))
        return -1;
    *init = plan_slot(p.b, "init");
    user_namespace_look(&p);
    p.user_namespace = namespaces_have_user(request->namespaces);
    c->user_namespace |= p.user_namespace;
    if (p.user_namespace)
        user_namespace_setup_ids(&p);
    if (plugins_call(c, STAGE_EXEC, err) < 0)
        return -1;
    r = c->state.machine ? machine_compile_exec(&p, request, *init, err)
                         : compile_joining(&p, request, request->namespaces, *init, err);
    if (r < 0)
        return -1;
    if (c->state.cgroup.procs)
        plan_flag(p.b, PLAN_ATTACH_STAGE);
    return plan_finish(c->builder, &c->plan, err);
}
