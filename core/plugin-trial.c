/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `plugin check` calls a plugin as a verb would: in a new process, with the state that the verb before has left, for
 * an example of a configuration. The host that the plugin gets counts the calls that can fail, and one of them
 * does, if that is asked for.
 */
#include "core/plugin-trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/compile.h"
#include "core/names.h"
#include "core/pidfd.h"
#include "core/plugin-subject.h"
#include "core/sandbox.h"
#include "core/sha256.h"

/* --- a host that fails ------------------------------------------------------------------------ */

/* Counts this call; true if it is the one that fails. */
static bool faulty(struct hozo_ctx *ctx, enum trial_kind kind, const char *name)
{
    struct call *k = call_of(ctx);
    struct trial *t = k->c->plugins.trial;

    if (!(t->armed >> k->stage & 1))
        return false;
    for (const char *c = name; *c; c++)
        t->signature = (t->signature ^ (unsigned char)*c) * UINT64_C(1099511628211); /* FNV-1a */
    if (++t->calls != t->fail_at)
        return false;
    t->kind = kind;
    snprintf(t->call, sizeof t->call, "%s", name);
    k->failed = true;
    fail(k->err, EIO, NULL, "%s fails for plugin check", name);
    return true;
}

/* The calls of the interface that can fail: kind, result, member, failure, name, parameters, arguments. What is left out
 * cannot, or fails without an error: values, the identity, options, the state as text, the cache. */
/* clang-format off */
#define FAULTS(F)                                                                                            \
    F(READ, int, find, -1, "hozo_find", (struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,      \
                      struct hozo_cursor *found), (ctx, at, path, found))                                    \
    F(READ, int, fact, -1, "hozo_fact", (struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,      \
                      struct hozo_cursor *found), (ctx, at, path, found))                                    \
    F(READ, int, setting, -1, "hozo_setting", (struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path, \
                      struct hozo_cursor *found), (ctx, at, path, found))                                    \
    F(READ, int, state_find, -1, "hozo_state_find", (struct hozo_ctx *ctx, const struct hozo_cursor *at,            \
                      const char *path, struct hozo_cursor *found), (ctx, at, path, found))                  \
    F(READ, int, changed, -1, "hozo_changed", (struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path, \
                      struct hozo_cursor *found), (ctx, at, path, found))                                    \
    F(READ, int, item, -1, "hozo_item", (struct hozo_ctx *ctx, const struct hozo_cursor *at, size_t i,              \
                      struct hozo_cursor *found, const char **key), (ctx, at, i, found, key))                \
    F(READ, int, annotation, -1, "hozo_annotation", (struct hozo_ctx *ctx, const char *key, const char **value),    \
                      (ctx, key, value))                                                                     \
    F(READ, int, annotation_item, -1, "hozo_annotation_item", (struct hozo_ctx *ctx, size_t i,                      \
                      struct hozo_cursor *found, const char **key), (ctx, i, found, key))                    \
    F(ACT, int, add_env, -1, "hozo_add_env", (struct hozo_ctx *ctx, const char *name, const char *value),          \
                      (ctx, name, value))                                                                    \
    F(ACT, int, add_device, -1, "hozo_add_device", (struct hozo_ctx *ctx, const struct hozo_device *d), (ctx, d))  \
    F(ACT, int, add_mount, -1, "hozo_add_mount", (struct hozo_ctx *ctx, const struct hozo_mount *m), (ctx, m))     \
    F(ACT, int, add_hook, -1, "hozo_add_hook", (struct hozo_ctx *ctx, const struct hozo_hook *h), (ctx, h))        \
    F(ACT, int, add_group, -1, "hozo_add_group", (struct hozo_ctx *ctx, uint32_t gid), (ctx, gid))                 \
    F(ACT, int, add_rlimit, -1, "hozo_add_rlimit", (struct hozo_ctx *ctx, const char *type, uint64_t soft,         \
                      uint64_t hard), (ctx, type, soft, hard))                                               \
    F(ACT, int, add_member, -1, "hozo_add_member", (struct hozo_ctx *ctx, const char *object, const char *member,  \
                      const char *json, size_t n), (ctx, object, member, json, n))                           \
    F(ACT, int, plan_work, -1, "hozo_plan_work", (struct hozo_ctx *ctx, const struct hozo_work *w), (ctx, w))      \
    F(ACT, int, plan_syscall, -1, "hozo_plan_syscall", (struct hozo_ctx *ctx, const struct hozo_syscall *c),       \
                      (ctx, c))                                                                              \
    F(ACT, int, plan_env, -1, "hozo_plan_env", (struct hozo_ctx *ctx, const struct hozo_env *e), (ctx, e))         \
    F(ACT, int, plan_bind, -1, "hozo_plan_bind", (struct hozo_ctx *ctx, const struct hozo_bind *b), (ctx, b))      \
    F(ACT, int, plan_seccomp, -1, "hozo_plan_seccomp", (struct hozo_ctx *ctx, const struct hozo_seccomp *s),       \
                      (ctx, s))                                                                              \
    F(ACT, int, plan_label, -1, "hozo_plan_label", (struct hozo_ctx *ctx, const struct hozo_label *l), (ctx, l))   \
    F(ACT, int, plan_machine, -1, "hozo_plan_machine", (struct hozo_ctx *ctx, const struct hozo_machine *m),       \
                      (ctx, m))                                                                              \
    F(ACT, int, cgroup, -1, "hozo_set_cgroup", (struct hozo_ctx *ctx, const struct hozo_cgroup *c), (ctx, c))      \
    F(ACT, int, late, -1, "hozo_late", (struct hozo_ctx *ctx, const char *name, uint32_t type), (ctx, name, type)) \
    F(READ, int, work, -1, "hozo_next_work", (struct hozo_ctx *ctx, size_t i, struct hozo_work *w), (ctx, i, w))    \
    F(ACT, int, late_set, -1, "hozo_late_set", (struct hozo_ctx *ctx, const char *name,                            \
                      const struct hozo_value *v), (ctx, name, v))                                           \
    F(ACT, int, process, -1, "hozo_process", (struct hozo_ctx *ctx, int32_t *pid, int *pidfd), (ctx, pid, pidfd))  \
    F(ACT, int, namespace_of, -1, "hozo_namespace", (struct hozo_ctx *ctx, const char *type), (ctx, type))         \
    F(ACT, int, run, -1, "hozo_run", (struct hozo_ctx *ctx, struct hozo_run *r), (ctx, r))                         \
    F(ACT, void *, dlopen, NULL, "hozo_dlopen", (struct hozo_ctx *ctx, const char *library), (ctx, library))       \
    F(ACT, int, state_set, -1, "hozo_state_set", (struct hozo_ctx *ctx, const char *json, size_t n),               \
                      (ctx, json, n))                                                                        \
    F(ACT, int, stats, -1, "hozo_stats", (struct hozo_ctx *ctx, const char *member, const char *json, size_t n),   \
                      (ctx, member, json, n))
/* clang-format on */

#define F(kind, type, member, failure, name, parameters, arguments)                                \
    static type try_##member parameters                                                            \
    {                                                                                              \
        return faulty(ctx, kind, name) ? failure : plugin_host.member arguments;                   \
    }
FAULTS(F)
#undef F

static void make_host(struct hozo_host *host)
{
    *host = plugin_host;
#define F(kind, type, member, failure, name, parameters, arguments) host->member = try_##member;
    FAULTS(F)
#undef F
}

struct trial *trial_new(const struct hozo_plugin *d)
{
    struct trial *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (t == MAP_FAILED)
        return NULL;
    t->d = d;
    make_host(&t->host);
    return t;
}

void trial_free(struct trial **t)
{
    if (*t)
        munmap(*t, sizeof **t);
}

/* --- the container ---------------------------------------------------------------------------- */

/* All that belongs to the subject becomes this process's, which ends by _exit(). */
static int make_container(const struct subject *s, const struct example *e, struct trial *t,
                          struct container *c, struct error *err)
{
    container_init(c);
    c->facts = s->facts;
    c->facts_given = true;
    c->config = e->config;
    c->callback_seconds = 10;
    c->cgroup_manager = "disabled";
    for (uint32_t i = 0; i < t->d->names.count; i++)
        if (!strncmp(table_string(&t->d->names, i), "+cgroup-manager.", 16))
            c->cgroup_manager = table_string(&t->d->names, i) + 16;
    c->state.id = strdup("plugin-check");
    c->state.bundle = strdup("/plugin-check");
    c->plugins.dir = s->request->plugin_dir;
    c->plugins.trial = t;
    if (!c->state.id || !c->state.bundle)
        return fail_memory(err);
    return plugins_put(&c->plugins, t->d, s->file, err);
}

static struct plugin *opened(const struct container *c, size_t *index)
{
    const struct hozo_plugin *d = c->plugins.trial->d;

    for (*index = 0; *index < c->plugins.n_opened; ++*index)
        if (c->plugins.opened[*index]->d == d)
            return c->plugins.opened[*index];
    return NULL;
}

/* A process to attach to, which ends with this one. */
static int make_process(struct container *c, struct error *err)
{
    int ends[2];
    char byte;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        return fail(err, errno, NULL, "fork");
    if (!pid) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    close(ends[0]);
    c->pid = c->state.pid = pid;
    c->pidfd = pidfd_of(pid);
    return c->pidfd < 0 ? fail(err, errno, NULL, "pidfd") : 0;
}

/* As a later execution finds it: opened by what the state says, which is all that it knows. */
static int open_later(struct container *c, const char *value, struct error *err)
{
    const struct hozo_plugin *d = c->plugins.trial->d;
    struct state_plugin *record;
    struct plugin *p;
    size_t index;

    if (plugins_open(&c->plugins, table_string(&d->names, 0), err) < 0 ||
        plugins_record(c, err) < 0)
        return -1;
    if (!(p = opened(c, &index)) || !c->state.n_plugins)
        return fail(err, 0, NULL, "cannot be opened");
    p->begun = true;
    c->state.complete = true;
    record = &c->state.plugins[0];
    if (*value && !(record->value = strdup(value)))
        return fail_memory(err);
    return 0;
}

/* --- the verbs -------------------------------------------------------------------------------- */

#define END STAGE_NONE /* behind the last */

static const struct {
    enum plugin_stage stages[4];
    bool process;
} verbs[TRIAL_VERBS] = {
    [TRIAL_PLAN] = {{END}, false},
    [TRIAL_CREATE] = {{STAGE_PROBE, STAGE_PREPARE, STAGE_ATTACH, END}, true},
    [TRIAL_START] = {{STAGE_STARTED, END}, true},
    [TRIAL_EXEC] = {{STAGE_EXEC, STAGE_EXEC_ATTACH, END}, true},
    [TRIAL_UPDATE] = {{STAGE_UPDATE, STAGE_UPDATE_APPLY, STAGE_UPDATE_UNDO, END}, false},
    [TRIAL_EVENTS] = {{STAGE_STATS, END}, false},
    [TRIAL_PAUSE] = {{STAGE_PAUSE, END}, false},
    [TRIAL_RESUME] = {{STAGE_RESUME, END}, false},
    [TRIAL_DELETE] = {{STAGE_STOPPED, STAGE_CLEANUP, END}, false},
};

/* What update_apply and exec_attach have to do stands in a plan of their own. */
static int new_plan(struct container *c, struct error *err)
{
    plan_builder_free(&c->builder);
    return (c->builder = plan_new()) ? 0 : fail_memory(err);
}

static int finish_plan(struct container *c, struct error *err)
{
    free(steal_ptr(c->plan));
    return plan_finish(c->builder, &c->plan, err);
}

static int begin_stage(struct container *c, enum plugin_stage stage, struct error *err)
{
    if (stage == STAGE_UPDATE &&
        json_parse(&c->changes, "update", c->config.text, c->config.size, err) < 0)
        return -1;
    if (stage == STAGE_STATS && json_parse(&c->stats, "statistics", "{}", 2, err) < 0)
        return -1;
    return stage == STAGE_EXEC || stage == STAGE_UPDATE ? new_plan(c, err) : 0;
}

/* A stage behind one that failed is left out, but for those that end a container. */
static int call_stages(struct container *c, struct trial *t, struct error *err)
{
    int result = 0;
    size_t index;

    if (!opened(c, &index))
        return 0;
    for (const enum plugin_stage *stage = verbs[t->verb].stages; *stage != END; stage++) {
        struct error own = {0};
        int r;

        if (!(t->armed & STAGES_HOST) && (unsigned)STAGES_HOST >> *stage & 1)
            break;
        r = begin_stage(c, *stage, &own);
        if (r == 0)
            r = plugins_call_one(c, index, *stage, &own);
        if (r == 0 && (*stage == STAGE_EXEC || *stage == STAGE_UPDATE))
            r = finish_plan(c, &own);
        if (r < 0 && !result)
            *err = own;
        result = r < 0 ? -1 : result;
        if (r < 0 && t->verb != TRIAL_DELETE)
            break;
    }
    return result;
}

void trial_returned(struct trial *t, enum plugin_stage stage, int result)
{
    if (t->judged)
        return;
    t->returned = result;
    snprintf(t->stage, sizeof t->stage, "%s", plugin_stage_name[stage]);
    t->judged = t->call[0];
}

/* --- the process ------------------------------------------------------------------------------ */

static int carry_out(const struct subject *s, const struct example *e, struct trial *t,
                     struct container *c, struct error *err)
{
    bool first = t->verb == TRIAL_PLAN || t->verb == TRIAL_CREATE;

    if (make_container(s, e, t, c, err) < 0 || (verbs[t->verb].process && make_process(c, err) < 0))
        return -1;
    t->begun = true;
    if (config_check(c, err) < 0 ||
        (first ? compile_create(c, err) : open_later(c, t->state, err)) < 0)
        return -1;
    if (t->verb == TRIAL_CREATE && plugins_record(c, err) < 0)
        return -1;
    return call_stages(c, t, err);
}

static void tell(const struct container *c, struct trial *t)
{
    auto_text struct text text = {0}, json = {0};
    size_t index;

    if (t->verb == TRIAL_PLAN && c->plan) {
        plan_print(c->plan, &text);
        plan_print_json(c->plan, &json);
        if (c->guest) {
            plan_print(c->guest, &text);
            plan_print_json(c->guest, &json);
        }
        snprintf(t->plan, sizeof t->plan, "%s", text.at ? text.at : "");
        sha256_hex(json.at, json.length, t->digest);
    }
    t->called = opened(c, &index);
    t->state[0] = '\0';
    for (size_t i = 0; i < c->state.n_plugins; i++)
        if (!strcmp(c->state.plugins[i].name, t->d->name) && c->state.plugins[i].value)
            snprintf(t->state, sizeof t->state, "%s", c->state.plugins[i].value);
}

/* What is fresh holds something else than before, so that who reads it is found out. */
static void go_elsewhere(void)
{
    unsetenv("HOME");
    unsetenv("PATH");
    unsetenv("LANG");
    setenv("TZ", "Pacific/Kiritimati", 1);
    setenv("LC_ALL", "C", 1);
    umask(0);
    if (chdir("/") < 0)
        _exit(1);
    sandbox_disturb_memory();
}

static _Noreturn void child(const struct subject *s, const struct example *e, struct trial *t,
                            int said)
{
    const struct rlimit none = {0};
    struct error err = {0};
    struct container c;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), r;

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    setrlimit(RLIMIT_CORE, &none);
    if (t->elsewhere)
        go_elsewhere();
    r = carry_out(s, e, t, &c, &err);
    tell(&c, t);
    t->accepted = r == 0;
    if (r < 0)
        error_format(&err, t->said, sizeof t->said);
    t->ended = true;
    _exit(0);
}

/* The last line is the guard's: "hozo: plugin NAME: CALLBACK: crashed (SIGSEGV)". */
static void read_last_words(struct trial *t, int said, int status)
{
    char text[1 << 16];
    ssize_t n = read(said, text, sizeof text - 1);
    char *line;

    text[n > 0 ? n : 0] = '\0';
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = '\0';
    line = (line = strrchr(text, '\n')) ? line + 1 : text;
    if (!strncmp(line, "hozo: ", 6))
        line += 6;
    if (WIFSIGNALED(status))
        snprintf(t->said, sizeof t->said, "is ended by SIG%s",
                 signal_name(WTERMSIG(status)) ? signal_name(WTERMSIG(status)) : "?");
    else
        snprintf(t->said, sizeof t->said, "%.1400s", *line ? line : "ends the process");
}

static void forget(struct trial *t)
{
    t->begun = t->ended = t->accepted = t->called = t->judged = false;
    t->calls = 0;
    t->signature = 0;
    t->returned = 0;
    t->call[0] = t->stage[0] = t->digest[0] = t->said[0] = t->plan[0] = '\0';
}

int trial_run(const struct subject *s, const struct example *e, struct trial *t, struct error *err)
{
    auto_close int reader = -1, writer = -1;
    int ends[2], status;
    pid_t pid;

    forget(t);
    /* Whoever says more than there is room for is not waited for. */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail(err, errno, NULL, "pipe");
    reader = ends[0];
    writer = ends[1];
    if ((pid = fork()) < 0)
        return fail(err, errno, NULL, "fork");
    if (!pid)
        child(s, e, t, writer);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(err, errno, NULL, "wait");
    if (!t->ended)
        read_last_words(t, reader, status);
    return t->begun ? 0 : fail(err, 0, NULL, "%s", t->said);
}
