/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hooks.h"

#include <string.h>
#include <sys/wait.h>

#include "core/compile.h"
#include "core/program.h"

int hook_run(const struct hook *hook, const char *state, struct error *err)
{
    const struct program program = {
        .path = hook->path,
        .args = hook->args,
        .env = hook->env,
        .input = state,
        .input_size = strlen(state),
        .timeout = hook->timeout * INT64_C(1000),
        .interrupt = hook->interrupt,
    };
    struct program_end end;

    if (program_run(&program, &end, err) < 0)
        return -1;
    if (end.how != PROGRAM_ENDED)
        return fail(err, 0, NULL, end.how == PROGRAM_TIMED_OUT ? "timed out" : "interrupted");
    if (WIFSIGNALED(end.status))
        return fail(err, 0, NULL, "killed by signal %d", WTERMSIG(end.status));
    if (WEXITSTATUS(end.status))
        return fail(err, 0, NULL, "exited with status %d", WEXITSTATUS(end.status));
    return 0;
}

/* --- from the configuration ---------------------------------------------------------------------- */

static int hook_check(const cJSON *hook, const struct json *doc, const char *path,
                      struct error *err)
{
    const char *file = json_string(hook, "path", "");

    if (file[0] != '/')
        return fail(err, 0, path, "path \"%s\" is not absolute", file);
    if (json_get(hook, "timeout") && json_int(doc, hook, "timeout", 0) <= 0)
        return fail(err, 0, path, "timeout must be greater than zero");
    return 0;
}

static const struct {
    const char *kind;
    int phase; /* -1: not in the plan */
    enum status status;
} kinds[] = {
    {"prestart", PHASE_CREATE_RUNTIME, STATUS_CREATING},
    {"createRuntime", PHASE_CREATE_RUNTIME, STATUS_CREATING},
    {"createContainer", PHASE_CREATE_CONTAINER, STATUS_CREATING},
    {"startContainer", PHASE_START_CONTAINER, STATUS_CREATED},
    {"poststart", -1, STATUS_RUNNING},
    {"poststop", -1, STATUS_STOPPED},
};

static int add_hook(struct compile *p, const cJSON *hook, const char *path, int phase,
                    enum status status, struct error *err)
{
    auto_free const char **args = json_strings(json_get(hook, "args"));
    auto_free const char **env = json_strings(json_get(hook, "env"));
    auto_text struct text state = {0};

    if (!args || !env)
        return fail_memory(err);
    state_print_oci(&p->c->state, status, LATE_TEXT_PID, false, &state);
    if (state.failed)
        return fail_memory(err);
    plan_op(p->b, phase, HOOK, path, STR(json_string(hook, "path", NULL)), LIST(args), LIST(env),
            NUM(json_int(&p->c->config, hook, "timeout", 0)), TEMPLATE(state.at));
    plan_what(p->b, "hook %s", json_string(hook, "path", ""));
    return 0;
}

int compile_hooks(struct compile *p, struct error *err)
{
    const cJSON *hooks = json_get(p->config, "hooks"), *hook;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        unsigned index = 0;

        cJSON_ArrayForEach (hook, json_get(hooks, kinds[i].kind)) {
            char path[64];

            snprintf(path, sizeof path, "hooks.%s[%u]", kinds[i].kind, index++);
            if (hook_check(hook, &p->c->config, path, err) < 0)
                return -1;
            if (kinds[i].phase >= 0 &&
                add_hook(p, hook, path, kinds[i].phase, kinds[i].status, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int run_one(struct container *c, const cJSON *hook, const char *state, struct error *err)
{
    auto_free const char **args = json_strings(json_get(hook, "args"));
    auto_free const char **env = json_strings(json_get(hook, "env"));
    auto_span struct trace *span UNUSED =
        span_begin(c->plugins.trace, SPAN_HOOK, json_string(hook, "path", ""));
    const struct hook h = {
        .path = json_string(hook, "path", ""),
        .args = args,
        .env = env,
        .timeout = (unsigned)json_int(&c->config, hook, "timeout", 0),
        .interrupt = c->interrupt,
    };

    return hook_run(&h, state, err);
}

int hooks_run(struct container *c, const char *kind, enum status status, struct error *err)
{
    const cJSON *hooks = json_at(c->config.root, "hooks", kind, NULL), *hook;
    auto_text struct text state = {0};
    unsigned index = 0;
    int result = 0;

    if (!hooks)
        return 0;
    state_print_oci(&c->state, status, NULL, false, &state);
    if (state.failed)
        return fail_memory(err);
    cJSON_ArrayForEach (hook, hooks) {
        struct error own;
        char path[64];

        snprintf(path, sizeof path, "hooks.%s[%u]", kind, index++);
        if (!run_one(c, hook, state.at, &own))
            continue;
        if (!result)
            fail(err, own.errnum, path, "hook %s: %s", json_string(hook, "path", ""), own.text);
        result = -1;
        if (status != STATUS_STOPPED)
            break;
    }
    return result;
}
