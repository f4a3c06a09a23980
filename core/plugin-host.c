/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a callback: the table of functions, what is allowed in which stage, the calls.
 */
#include "core/linux/launch.h"
#include "core/plugin-parts.h"
#include "core/plugin-trial.h"

#include <string.h>

#include "core/linux/namespaces.h"
#include "core/log.h"

/* --- errors ----------------------------------------------------------------------------------- */

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

const char *const plugin_stage_name[STAGE_COUNT + 1] = {
#define CB(id, member, purity, time, when, may) [STAGE_##id] = #member,
    PLUGIN_CALLBACKS(CB)
#undef CB
    [STAGE_NONE] = "no stage",
};

int call_allowed(struct call *k, const char *function, unsigned stages)
{
    if (stages & (1u << k->stage)) {
        k->plugin->acted = true; /* what is allowed in some stages only does something */
        return 0;
    }
    return call_refuse(k, "calls %s in %s", function, plugin_stage_name[k->stage]);
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

/* --- about the container ---------------------------------------------------------------------- */

static const char *host_id(struct hozo_ctx *ctx)
{
    return call_of(ctx)->c->state.id;
}

static const char *host_option(struct hozo_ctx *ctx, const char *name)
{
    struct call *k = call_of(ctx);
    const struct container *c = k->c;
    char number[16];

    if (!strcmp(name, "cgroup-manager"))
        return c->cgroup_manager;
    if (!strcmp(name, "no-pivot"))
        return c->no_pivot ? "true" : NULL;
    if (!strcmp(name, "rootfs"))
        return c->state.rootfs;
    if (!strcmp(name, "processes-ended"))
        return c->processes_ended ? "true" : NULL;
    if (!strcmp(name, "callback-seconds") || !strcmp(name, "preserve-fds")) {
        int n = snprintf(number, sizeof number, "%u",
                         *name == 'c' ? guard_seconds(c) : c->preserve_fds);

        return scrap_copy(k, number, (size_t)n);
    }
    return NULL;
}

/* --- a container that the plugin runs ------------------------------------------------------------ */

static struct hozo_task *host_task(struct hozo_ctx *ctx)
{
    struct call *k = call_of(ctx);

    return call_allowed(k, "hozo_task", IN(RUNNER)) < 0 ? NULL : k->c->task;
}

static const char *host_describe(struct hozo_ctx *ctx, uint32_t status, int32_t pid)
{
    static const enum status statuses[] = {[HOZO_CREATING] = STATUS_CREATING,
                                           [HOZO_CREATED] = STATUS_CREATED,
                                           [HOZO_RUNNING] = STATUS_RUNNING,
                                           [HOZO_STOPPED] = STATUS_STOPPED};
    struct call *k = call_of(ctx);
    auto_text struct text text = {0};
    char number[16];

    if (call_allowed(k, "hozo_describe", IN(RUNNER)) < 0)
        return NULL;
    if (status >= ARRAY_SIZE(statuses)) {
        call_refuse(k, "knows a status of which hozo does not");
        return NULL;
    }
    snprintf(number, sizeof number, "%d", (int)pid);
    state_print_oci(&k->c->state, statuses[status], number, false, &text);
    if (text.failed) {
        call_refuse(k, "out of memory");
        return NULL;
    }
    return scrap_copy(k, text.at, text.length);
}

/* The process's own time is not the plugin's. */
static int await(struct call *k)
{
    unsigned left;
    int r;

    left = guard_stop();
    r = launch_await(k->c, k->err);
    guard_go(left);
    if (r < 0)
        k->failed = true;
    return r;
}

#define WITH_PROCESS (IN(ATTACH) | IN(EXEC_ATTACH) | IN(STARTED))

static int host_process(struct hozo_ctx *ctx, int32_t *pid, int *pidfd)
{
    struct call *k = call_of(ctx);

    if (call_allowed(k, "hozo_process", WITH_PROCESS) < 0 || await(k) < 0)
        return -1;
    *pid = k->c->pid ? k->c->pid : k->c->state.pid;
    *pidfd = k->c->pidfd;
    return 0;
}

/* The process is held by its descriptor, or is our own child: its pid is its own. */
static int host_namespace(struct hozo_ctx *ctx, const char *type)
{
    struct call *k = call_of(ctx);
    const struct namespace_kind *kind = namespace_kinds;
    int32_t pid;
    int pidfd, fd;

    while (kind->type && strcmp(kind->type, type))
        kind++;
    if (!kind->type)
        return call_refuse(k, "asks for a namespace of unknown type %s", type);
    if (k->n_namespaces == ARRAY_SIZE(k->namespaces))
        return call_refuse(k, "asks for too many namespaces");
    if (call_allowed(k, "hozo_namespace", WITH_PROCESS) < 0 || host_process(ctx, &pid, &pidfd) < 0)
        return -1;
    fd = namespace_open(pid, kind, k->err);
    if (fd < 0) {
        k->failed = true;
        return -1;
    }
    return k->namespaces[k->n_namespaces++] = fd;
}

/* --- state ------------------------------------------------------------------------------------ */

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

    if (call_allowed(k, "hozo_state_set", STAGES_HOST & ~IN(PROBE)) < 0)
        return -1;
    if (!state)
        return call_refuse(k, "is not named in the container's state");
    if (json_parse(&doc, "its state", json, size, &err) < 0)
        return call_refuse(k, "keeps what is not JSON: %s", err.text);
    if (!(value = malloc(size + 1))) /* not strndup: no NUL ends what plugins give */
        return call_refuse(k, "out of memory");
    memcpy(value, json, size);
    value[size] = '\0';
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

/* --- calling ---------------------------------------------------------------------------------- */

const struct hozo_host plugin_host = {
    .size = sizeof plugin_host,
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
    .setting = read_setting,
    .add_env = add_env,
    .add_device = add_device,
    .add_mount = add_mount,
    .add_hook = add_hook,
    .add_group = add_group,
    .add_rlimit = add_rlimit,
    .add_member = add_member,
    .plan_work = plan_work,
    .plan_syscall = plan_syscall,
    .plan_env = late_env,
    .plan_bind = late_bind,
    .cgroup = plan_cgroup,
    .late = late_announce,
    .work = plan_next_work,
    .late_set = late_fill,
    .process = host_process,
    .namespace_of = host_namespace,
    .run = run_program,
    .dlopen = run_dlopen,
    .state_set = host_state_set,
    .state_get = host_state_get,
    .state_find = read_state,
    .changed = read_changed,
    .plan_seccomp = plan_seccomp,
    .plan_label = plan_label,
    .cache_get = cache_get,
    .cache_put = cache_put,
    .plan_machine = plan_machine,
    .task = host_task,
    .describe = host_describe,
    .stats = stats_tell,
    .annotation_item = read_annotation_item,
};

hozo_callback plugin_callback(const struct hozo_plugin *d, enum plugin_stage stage)
{
    switch (stage) {
#define CB(id, member, purity, time, when, may)                                                    \
    case STAGE_##id:                                                                               \
        return d->member;
        PLUGIN_CALLBACKS(CB)
#undef CB
    case STAGE_NONE:
        break;
    }
    return NULL;
}

static void call_free(struct call *k)
{
    scraps_free(k);
    json_free(&k->state);
    text_free(&k->output);
    while (k->n_namespaces)
        close(k->namespaces[--k->n_namespaces]);
}

/* 1: it does not want to hear of this container again. That is a watcher's right alone: who serves a
 * section applies it. */
static int judge(struct call *k, struct plugin *p, int r)
{
    if (k->failed)
        return -1;
    if (r == 1 && p->watches && (1u << k->stage) & STAGES_PURE) {
        if (p->acted)
            return fail(k->err, 0, NULL,
                        "plugin %s: %s returned 1, \"not my concern\", after it has added to it",
                        p->d->name, plugin_stage_name[k->stage]);
        p->aside = true;
        return 0;
    }
    if (!r)
        return 0;
    return r < 0 ? fail(k->err, 0, NULL, "plugin %s: %s failed and does not say why", p->d->name,
                        plugin_stage_name[k->stage])
                 : fail(k->err, 0, NULL, "plugin %s: %s returned %d", p->d->name,
                        plugin_stage_name[k->stage], r);
}

static void speak(struct container *c, const char *owner, unsigned rank)
{
    plan_speaker(c->builder, owner, rank);
    if (c->guest_builder)
        plan_speaker(c->guest_builder, owner, rank);
}

/* An error fails the callback even if the plugin overlooks it. */
int plugins_call_one(struct container *c, size_t index, enum plugin_stage stage, struct error *err)
{
    struct plugin *p = c->plugins.opened[index];
    struct trial *trial = c->plugins.trial && c->plugins.trial->d == p->d ? c->plugins.trial : NULL;
    struct call k = {.public = {trial ? &trial->host : &plugin_host},
                     .c = c,
                     .plugin = p,
                     .stage = stage,
                     .err = err};
    hozo_callback function = plugin_callback(p->d, stage);
    struct trace *span;
    bool planning = c->builder && ((IN(PLAN) | IN(EXEC) | IN(UPDATE)) & (1u << stage));
    int r;

    if (stage == STAGE_PREPARE && !p->aside)
        p->begun = true;
    if (!function || p->aside || (stage == STAGE_CLEANUP && !p->begun))
        return 0;
    if (planning)
        speak(c, p->d->name, (unsigned)index + 1);
    span = span_callback(c->plugins.trace, p->d->name, plugin_stage_name[stage]);
    guard_enter(c, p->d->name, plugin_stage_name[stage]);
    /* Hooks and the program take the time that they take. */
    if (stage == STAGE_RUNNER)
        guard_stop();
    r = function(&k.public);
    guard_leave();
    span_end(&span);
    if (trial)
        trial_returned(trial, stage, r);
    if ((1u << stage) & STAGES_HOST)
        guard_restore();
    if (planning)
        speak(c, "core", 0);
    r = judge(&k, p, r);
    call_free(&k);
    return r;
}

int plugins_call(struct container *c, enum plugin_stage stage, struct error *err)
{
    for (size_t i = 0; i < c->plugins.n_opened; i++) {
        struct plugin *p = c->plugins.opened[i];

        /* What it adds may open more plugins, and bring all into another order. */
        if (stage == STAGE_ADJUST && p->adjusted)
            continue;
        p->adjusted |= stage == STAGE_ADJUST;
        if (plugins_call_one(c, i, stage, err) < 0)
            return -1;
    }
    return 0;
}

int plugins_end(struct container *c, enum plugin_stage stage, plugin_failed *failed,
                struct error *err)
{
    int result = 0;

    /* What was never complete has never been anything that could stop. */
    if (stage == STAGE_STOPPED && !c->state.complete)
        return 0;
    for (size_t i = c->plugins.n_opened; i-- > 0;) {
        struct error own = {0};

        if (plugins_call_one(c, i, stage, &own) == 0)
            continue;
        if (failed)
            failed(c, c->plugins.opened[i]->d->name, &own);
        if (!result)
            *err = own;
        result = -1;
    }
    return result;
}
