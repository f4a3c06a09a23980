/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a callback: the table of functions, what is allowed in which stage, the calls.
 */
#include "core/linux/launch.h"
#include "core/plugin-parts.h"

#include <errno.h>
#include <string.h>

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

static const char *const stage_name[] = {
    [STAGE_VALIDATE] = "validate", [STAGE_PLAN] = "plan", [STAGE_PREPARE] = "prepare",
    [STAGE_ATTACH] = "attach",     [STAGE_EXEC] = "exec", [STAGE_CLEANUP] = "cleanup",
};

int call_allowed(struct call *k, const char *function, unsigned stages)
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

/* --- about the container ---------------------------------------------------------------------- */

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

    if (call_allowed(k, "hozo_process", IN(ATTACH)) < 0)
        return -1;
    if (launch_await(k->c, k->err) < 0) {
        k->failed = true;
        return -1;
    }
    *pid = k->c->pid;
    *pidfd = k->c->pidfd;
    return 0;
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

    if (call_allowed(k, "hozo_state_set", IN(PREPARE) | IN(ATTACH) | IN(CLEANUP)) < 0)
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

/* --- calling ---------------------------------------------------------------------------------- */

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
    .plan_work = plan_work,
    .plan_syscall = plan_syscall,
    .cgroup = plan_cgroup,
    .work = plan_next_work,
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
