/* SPDX-License-Identifier: Apache-2.0 */
/* What a callback adds to the plan, and its own work in it. */
#include "core/plugin-parts.h"

#include <string.h>

/* --- structures that may grow ----------------------------------------------------------------- */

/* A newer plugin may hand over more than this host knows, as long as it says nothing there. */
int call_take(struct call *k, const char *what, const void *from, void *to, size_t size)
{
    uint32_t theirs;

    memcpy(&theirs, from, sizeof theirs);
    if (theirs < size)
        return call_refuse(k, "hands over a %s of %u bytes, %zu are needed", what, theirs, size);
    for (size_t i = size; i < theirs; i++)
        if (((const char *)from)[i])
            return call_refuse(k, "hands over a %s with members that this host does not know",
                               what);
    memcpy(to, from, size);
    return 0;
}

/* --- the plan --------------------------------------------------------------------------------- */

static const uint8_t phases[] = {
    [HOZO_PHASE_PREPARE] = PHASE_PREPARE,   [HOZO_PHASE_STAGE] = PHASE_STAGE,
    [HOZO_PHASE_ATTACH] = PHASE_ATTACH,     [HOZO_PHASE_MOUNTS] = PHASE_MOUNTS,
    [HOZO_PHASE_SYSTEM] = PHASE_SYSTEM,     [HOZO_PHASE_PROCESS] = PHASE_PROCESS,
    [HOZO_PHASE_IDENTITY] = PHASE_IDENTITY,
};

static int plan_phase(struct call *k, const char *what, uint32_t phase, bool of_runtime,
                      enum plan_phase *result)
{
    if (phase < ARRAY_SIZE(phases)) {
        *result = (enum plan_phase)phases[phase];
        if ((plan_phase_process[*result] == PROCESS_RUNTIME) == of_runtime)
            return 0;
    }
    return call_refuse(k, "plans a %s in a phase where there is none", what);
}

int plan_work(struct hozo_ctx *ctx, const struct hozo_work *theirs)
{
    struct call *k = call_of(ctx);
    struct hozo_work work = {0};
    enum plan_phase phase = PHASE_PREPARE;

    if (call_allowed(k, "hozo_plan_work", IN(PLAN) | IN(EXEC) | IN(UPDATE)) < 0 ||
        call_take(k, "struct hozo_work", theirs, &work, sizeof work) < 0 ||
        plan_phase(k, "work", work.phase, true, &phase) < 0)
        return -1;
    if (!work.what)
        return call_refuse(k, "plans work without saying what");
    if (k->stage == STAGE_EXEC && phase == PHASE_PREPARE)
        return call_refuse(k, "plans work for prepare, which an exec does not have");
    if (k->stage == STAGE_UPDATE && phase != PHASE_PREPARE)
        return call_refuse(k, "plans work for a process, which an update does not have");
    plan_op(k->c->builder, phase, WORK, work.path, STR(work.what), STR(work.value),
            BYTES(work.data, work.data_size));
    return 0;
}

/* A handle in args[i] becomes what the plan knows: a slot, or a late value. */
static int syscall_late(struct call *k, struct hozo_syscall *s, unsigned i, uint64_t *how)
{
    const struct late *late;

    if (i >= ARRAY_SIZE(s->args) || s->pointers >> i & 1)
        return call_refuse(k, "plans %s with a late value where there can be none", s->name);
    if (!(late = late_of(k, s->args[i])))
        return -1;
    s->args[i] = late->index;
    *how |= late->type == HOZO_LATE_DESCRIPTOR ? SYSCALL_SLOT(i)
            : late->type == HOZO_LATE_NUMBER   ? SYSCALL_NUMBER(i)
                                               : SYSCALL_STRING(i);
    return 0;
}

int plan_syscall(struct hozo_ctx *ctx, const struct hozo_syscall *theirs)
{
    struct call *k = call_of(ctx);
    struct hozo_syscall s = {0};
    enum plan_phase phase = PHASE_PREPARE;
    uint64_t how;

    if (call_allowed(k, "hozo_plan_syscall", IN(PLAN) | IN(EXEC)) < 0 ||
        call_take(k, "struct hozo_syscall", theirs, &s, sizeof s) < 0 ||
        plan_phase(k, "system call", s.phase, false, &phase) < 0)
        return -1;
    if (call_is_outside(k) && plan_phase_process[phase] == PROCESS_INSIDE)
        return call_refuse(k, NOT_CARRIED, s.name ? s.name : "a system call");
    if (!s.name)
        return call_refuse(k, "plans a system call without a name");
    for (unsigned i = 0; i < 64; i++)
        if (s.pointers >> i & 1 && (i >= ARRAY_SIZE(s.args) || s.args[i] >= s.memory_size))
            return call_refuse(k, "plans %s with an argument that points outside its memory",
                               s.name);
    how = s.pointers;
    for (unsigned i = 0; i < 64; i++)
        if (s.lates >> i & 1 && syscall_late(k, &s, i, &how) < 0)
            return -1;
    plan_op(call_builder(k), phase, SYSCALL, s.path, STR(s.name), NUM(s.number), NUM(how),
            BYTES(s.memory, s.memory_size), NUM(s.args[0]), NUM(s.args[1]), NUM(s.args[2]),
            NUM(s.args[3]), NUM(s.args[4]), NUM(s.args[5]));
    plan_what(call_builder(k), "%s", s.name);
    return 0;
}

/* The plugin's own work of the phase that is running: 1, or 0 behind the last. */
int plan_next_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *work)
{
    struct call *k = call_of(ctx);
    const struct plan_header *plan = k->c->plan;
    unsigned prepares = IN(PREPARE) | IN(UPDATE_APPLY) | IN(UPDATE_UNDO);
    enum plan_phase phase = prepares >> k->stage & 1 ? PHASE_PREPARE : PHASE_ATTACH;

    if (call_allowed(k, "hozo_next_work", prepares | IN(ATTACH) | IN(EXEC_ATTACH)) < 0)
        return -1;
    if (work->size < sizeof *work)
        return call_refuse(k, "asks for work in %u bytes, %zu are needed", work->size,
                           sizeof *work);
    if (!plan)
        return 0;
    plan_for_each (op, plan) {
        uint32_t size;

        if (op->kind != OP_WORK || op->phase != phase ||
            strcmp(plan_string(plan, op->owner), k->plugin->d->name) || index--)
            continue;
        *work = (struct hozo_work){
            .size = work->size,
            .phase = phase == PHASE_PREPARE ? HOZO_PHASE_PREPARE : HOZO_PHASE_ATTACH,
            .path = plan_string(plan, op->path),
            .what = plan_string(plan, op->arg[0]),
            .value = plan_string(plan, op->arg[1]),
            .data = plan_bytes(plan, op->arg[2], &size),
        };
        work->data_size = size;
        return 1;
    }
    return 0;
}

/* --- the control group ------------------------------------------------------------------------ */

static bool copy_path(char **to, const char *from, bool *sound)
{
    *sound = *sound && (!from || from[0] == '/');
    return !from || (*to = strdup(from));
}

static bool copy_paths(char ***to, const char *const *from, bool named, bool *sound)
{
    size_t n = 0;

    if (!from)
        return true;
    while (from[n])
        n++;
    if (!(*to = calloc(n + 1, sizeof(char *))))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *path = named ? strrchr(from[i], '=') : from[i];

        *sound = *sound && path && path[named] == '/';
        if (!((*to)[i] = strdup(from[i])))
            return false;
    }
    return true;
}

int plan_cgroup(struct hozo_ctx *ctx, const struct hozo_cgroup *theirs)
{
    struct call *k = call_of(ctx);
    struct state_cgroup *to = &k->c->state.cgroup;
    struct hozo_cgroup from = {0};
    bool sound = true;

    if (call_allowed(k, "hozo_set_cgroup", IN(PLAN)) < 0 ||
        call_take(k, "struct hozo_cgroup", theirs, &from, sizeof from) < 0)
        return -1;
    if (to->list)
        return call_refuse(k, "manages the control group, which another plugin does as well");
    if (!from.list || (!from.directory && !from.procs))
        return call_refuse(k, "names no control group");
    if (!copy_path(&to->directory, from.directory, &sound) ||
        !copy_path(&to->list, from.list, &sound) || !copy_path(&to->freeze, from.freeze, &sound) ||
        !copy_path(&to->kill, from.kill, &sound) || !copy_path(&to->oom, from.oom, &sound) ||
        !copy_paths(&to->procs, from.procs, false, &sound) ||
        !copy_paths(&to->mounts, from.mounts, true, &sound))
        return call_refuse(k, "out of memory");
    return sound ? 0 : call_refuse(k, "names a control group by a path that is not absolute");
}
