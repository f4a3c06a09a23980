/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a callback: the table of functions, what is allowed in which stage, the calls. */
#include "core/plugin-parts.h"

#include <errno.h>
#include <string.h>

#include "core/log.h"

/* --- errors --------------------------------------------------------------------------------------- */

int call_refuse(struct call *k, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (k->refused)
        return -1;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    k->failed = k->refused = true;
    return fail(k->err, 0, NULL, "plugin %s %s", k->plugin->d->name, text);
}

static const char *const stage_name[] = {
    [STAGE_VALIDATE] = "validate", [STAGE_PLAN] = "plan", [STAGE_PREPARE] = "prepare",
    [STAGE_ATTACH] = "attach",     [STAGE_EXEC] = "exec", [STAGE_CLEANUP] = "cleanup",
};

#define IN(stage) (1u << STAGE_##stage)

static int allowed(struct call *k, const char *function, unsigned stages)
{
    if (stages & (1u << k->stage))
        return 0;
    return call_refuse(k, "calls %s in %s", function, stage_name[k->stage]);
}

static int host_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap) PRINTF(4, 0);
static int host_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap)
{
    struct call *k = call_of(ctx);

    if (k->refused)
        return -1;
    k->failed = true;
    return vfail(k->err, errnum, path, fmt, ap);
}

/* Never of level error: that is the one line of a command that fails. */
static void host_log(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap) PRINTF(3, 0);
static void host_log(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap)
{
    struct call *k = call_of(ctx);
    char text[1024], line[1200];
    enum log_level to = level == HOZO_LOG_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;

    if (!k->c->log)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    snprintf(line, sizeof line, "plugin %s: %s", k->plugin->d->name, text);
    log_line(k->c->log, to, line);
}

/* --- about the container -------------------------------------------------------------------------- */

static const char *host_id(struct hozo_ctx *ctx)
{
    return call_of(ctx)->c->state.id;
}

static const char *host_option(struct hozo_ctx *ctx, const char *name)
{
    const struct container *c = call_of(ctx)->c;

    if (!strcmp(name, "cgroup-manager"))
        return c->cgroup_manager;
    if (!strcmp(name, "no-pivot"))
        return c->no_pivot ? "true" : NULL;
    return NULL;
}

static int host_process(struct hozo_ctx *ctx, int32_t *pid, int *pidfd)
{
    struct call *k = call_of(ctx);

    if (allowed(k, "hozo_process", IN(ATTACH)) < 0)
        return -1;
    *pid = k->c->pid;
    *pidfd = k->c->pidfd;
    return 0;
}

/* --- structures that may grow --------------------------------------------------------------------- */

/* A newer plugin may hand over more than this host knows, as long as it says nothing there. */
static int take(struct call *k, const char *what, const void *from, void *to, size_t size)
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

/* --- the plan ------------------------------------------------------------------------------------- */

static const uint8_t phases[] = {
    [HOZO_PHASE_PREPARE] = PHASE_PREPARE, [HOZO_PHASE_STAGE] = PHASE_STAGE,
    [HOZO_PHASE_ATTACH] = PHASE_ATTACH,   [HOZO_PHASE_MOUNTS] = PHASE_MOUNTS,
    [HOZO_PHASE_SYSTEM] = PHASE_SYSTEM,   [HOZO_PHASE_PROCESS] = PHASE_PROCESS,
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

static int host_plan_work(struct hozo_ctx *ctx, const struct hozo_work *theirs)
{
    struct call *k = call_of(ctx);
    struct hozo_work work;
    enum plan_phase phase = PHASE_PREPARE;

    if (allowed(k, "hozo_plan_work", IN(PLAN) | IN(EXEC)) < 0 ||
        take(k, "struct hozo_work", theirs, &work, sizeof work) < 0 ||
        plan_phase(k, "work", work.phase, true, &phase) < 0)
        return -1;
    if (!work.what)
        return call_refuse(k, "plans work without saying what");
    plan_op(k->c->builder, phase, WORK, work.path, STR(work.what), STR(work.value),
            BYTES(work.data, work.data_size));
    return 0;
}

static int host_plan_syscall(struct hozo_ctx *ctx, const struct hozo_syscall *theirs)
{
    struct call *k = call_of(ctx);
    struct hozo_syscall s;
    enum plan_phase phase = PHASE_PREPARE;

    if (allowed(k, "hozo_plan_syscall", IN(PLAN) | IN(EXEC)) < 0 ||
        take(k, "struct hozo_syscall", theirs, &s, sizeof s) < 0 ||
        plan_phase(k, "system call", s.phase, false, &phase) < 0)
        return -1;
    if (!s.name)
        return call_refuse(k, "plans a system call without a name");
    for (unsigned i = 0; i < 64; i++)
        if (s.pointers >> i & 1 && (i >= ARRAY_SIZE(s.args) || s.args[i] >= s.memory_size))
            return call_refuse(k, "plans %s with an argument that points outside its memory",
                               s.name);
    plan_op(k->c->builder, phase, SYSCALL, s.path, STR(s.name), NUM(s.number), NUM(s.pointers),
            BYTES(s.memory, s.memory_size), NUM(s.args[0]), NUM(s.args[1]), NUM(s.args[2]),
            NUM(s.args[3]), NUM(s.args[4]), NUM(s.args[5]));
    plan_what(k->c->builder, "%s", s.name);
    return 0;
}

/* The plugin's own work of the phase that is running: 1, or 0 behind the last. */
static int host_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *work)
{
    struct call *k = call_of(ctx);
    const struct plan_header *plan = k->c->plan;
    enum plan_phase phase = k->stage == STAGE_PREPARE ? PHASE_PREPARE : PHASE_ATTACH;

    if (allowed(k, "hozo_next_work", IN(PREPARE) | IN(ATTACH)) < 0)
        return -1;
    if (work->size < sizeof *work)
        return call_refuse(k, "asks for work in %u bytes, %zu are needed", work->size,
                           sizeof *work);
    if (!plan)
        return 0;
    plan_for_each(op, plan)
    {
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

/* --- the control group ---------------------------------------------------------------------------- */

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

static int host_cgroup(struct hozo_ctx *ctx, const struct hozo_cgroup *theirs)
{
    struct call *k = call_of(ctx);
    struct state_cgroup *to = &k->c->state.cgroup;
    struct hozo_cgroup from;
    bool sound = true;

    if (allowed(k, "hozo_set_cgroup", IN(PLAN)) < 0 ||
        take(k, "struct hozo_cgroup", theirs, &from, sizeof from) < 0)
        return -1;
    if (to->list)
        return call_refuse(k, "manages the control group, which another plugin does as well");
    if (!from.list || (!from.directory && !from.procs))
        return call_refuse(k, "names no control group");
    if (!copy_path(&to->directory, from.directory, &sound) ||
        !copy_path(&to->list, from.list, &sound) || !copy_path(&to->freeze, from.freeze, &sound) ||
        !copy_path(&to->kill, from.kill, &sound) ||
        !copy_paths(&to->procs, from.procs, false, &sound) ||
        !copy_paths(&to->mounts, from.mounts, true, &sound))
        return call_refuse(k, "out of memory");
    return sound ? 0 : call_refuse(k, "names a control group by a path that is not absolute");
}

/* --- state ---------------------------------------------------------------------------------------- */

struct state_plugin *call_state(const struct call *k)
{
    struct state *s = &k->c->state;

    for (size_t i = 0; i < s->n_plugins; i++)
        if (!strcmp(s->plugins[i].name, k->plugin->d->name))
            return &s->plugins[i];
    return NULL;
}

static int host_state_set(struct hozo_ctx *ctx, const char *json, size_t size)
{
    auto_json struct json doc = {0};
    struct call *k = call_of(ctx);
    struct state_plugin *state = call_state(k);
    struct error err = {0};
    char *value;

    if (allowed(k, "hozo_state_set", IN(PREPARE) | IN(ATTACH) | IN(CLEANUP)) < 0)
        return -1;
    if (!state)
        return call_refuse(k, "is not named in the container's state");
    if (json_parse(&doc, "its state", json, size, &err) < 0)
        return call_refuse(k, "keeps what is not JSON: %s", err.text);
    if (!(value = strndup(json, size)))
        return call_refuse(k, "out of memory");
    free(state->value);
    state->value = value;
    /* Cursors into the value before are gone. */
    json_free(&k->state);
    k->last.container = NULL;
    if (k->c->dirfd >= 0 && state_write(k->c->dirfd, &k->c->state, k->err) < 0) {
        k->failed = k->refused = true;
        return -1;
    }
    return 0;
}

static const char *host_state_get(struct hozo_ctx *ctx, size_t *size)
{
    const struct state_plugin *state = call_state(call_of(ctx));
    const char *value = state ? state->value : NULL;

    if (size)
        *size = value ? strlen(value) : 0;
    return value;
}

/* --- calling -------------------------------------------------------------------------------------- */

static const struct hozo_host host = {
    .size = sizeof host,
    .minor = HOZO_ABI_MINOR,
    .error = host_error,
    .log = host_log,
    .id = host_id,
    .option = host_option,
    .find = read_find,
    .fact = read_fact,
    .item = read_item,
    .as_string = read_string,
    .as_int = read_int,
    .as_uint = read_uint,
    .as_bool = read_bool,
    .annotation = read_annotation,
    .plan_work = host_plan_work,
    .plan_syscall = host_plan_syscall,
    .cgroup = host_cgroup,
    .work = host_work,
    .process = host_process,
    .state_set = host_state_set,
    .state_get = host_state_get,
    .state_find = read_state,
};

static hozo_callback callback(const struct hozo_plugin *d, enum plugin_stage stage)
{
    switch (stage) {
    case STAGE_VALIDATE:
        return d->validate;
    case STAGE_PLAN:
        return d->plan;
    case STAGE_PREPARE:
        return d->prepare;
    case STAGE_ATTACH:
        return d->attach;
    case STAGE_EXEC:
        return d->exec;
    case STAGE_CLEANUP:
        return d->cleanup;
    }
    return NULL;
}

/* An error fails the callback even if the plugin overlooks it. */
static int call(struct container *c, size_t index, enum plugin_stage stage, struct error *err)
{
    const struct plugin *p = c->plugins.opened[index];
    struct call k = {.public = {&host}, .c = c, .plugin = p, .stage = stage, .err = err};
    hozo_callback function = callback(p->d, stage);
    bool planning = c->builder && (stage == STAGE_PLAN || stage == STAGE_EXEC);
    int r;

    if (!function)
        return 0;
    if (planning)
        plan_speaker(c->builder, p->d->name, (unsigned)index + 1);
    r = function(&k.public);
    if (planning)
        plan_speaker(c->builder, "core", 0);
    scraps_free(&k);
    json_free(&k.state);
    if (k.failed)
        return -1;
    return r < 0 ? fail(err, 0, NULL, "plugin %s: callback failed", p->d->name) : 0;
}

int plugins_call(struct container *c, enum plugin_stage stage, struct error *err)
{
    for (size_t i = 0; i < c->plugins.n_opened; i++)
        if (call(c, i, stage, err) < 0)
            return -1;
    return 0;
}

int plugins_cleanup(struct container *c, struct error *err)
{
    int result = 0;

    for (size_t i = c->plugins.n_opened; i-- > 0;) {
        struct error own = {0};

        if (call(c, i, STAGE_CLEANUP, &own) < 0 && !result) {
            *err = own;
            result = -1;
        }
    }
    return result;
}
