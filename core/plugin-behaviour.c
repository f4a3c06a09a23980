/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a plugin does what its interface promises: it is called, in processes of their own. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "core/facts.h"
#include "core/json-edit.h"
#include "core/plugin-subject.h"
#include "core/plugin-trial.h"
#include "core/sandbox.h"

/* What a point may try, so that a plugin with hundreds of fields is checked in seconds. */
#define TRIALS_MAX 300
#define CALLED_MAX 16

/* The guard's line begins with the name, which is the point's own subject. */
static const char *without_name(const struct subject *s, const char *said)
{
    size_t n = strlen(s->d->name);

    if (!strncmp(said, "plugin ", 7) && !strncmp(said + 7, s->d->name, n) &&
        !strncmp(said + 7 + n, ": ", 2))
        return said + n + 9;
    return said;
}

/* The same once more tells nothing new. */
static bool known(struct subject *s, uint64_t signature)
{
    for (size_t i = 0; i < s->n_seen; i++)
        if (s->seen[i] == signature)
            return true;
    if (s->n_seen < ARRAY_SIZE(s->seen))
        s->seen[s->n_seen++] = signature;
    return false;
}

/* --- the plan --------------------------------------------------------------------------------- */

static size_t line_length(const char *line)
{
    return strcspn(line, "\n");
}

/* Says the first line that differs. */
static int fail_differs(const struct example *e, const char *a, const char *b, struct error *err)
{
    size_t n = line_length(a), m = line_length(b);

    while (*a && *b && n == m && !memcmp(a, b, n)) {
        a += n + (a[n] == '\n');
        b += m + (b[m] == '\n');
        n = line_length(a);
        m = line_length(b);
    }
    if (!n && !m)
        return fail(err, 0, NULL, "for %s: its bytes differ", e->name);
    return fail(err, 0, NULL, "for %s: once \"%.*s\", then \"%.*s\"", e->name,
                n > 300 ? 300 : (int)n, a, m > 300 ? 300 : (int)m, b);
}

static int plan_twice(struct subject *s, struct example *e, struct trial *a, struct trial *b,
                      struct error *err)
{
    b->elsewhere = true;
    a->armed = STAGES_PURE; /* for the signature */
    if (trial_run(s, e, a, err) < 0 || trial_run(s, e, b, err) < 0)
        return fail_prefix(err, "for %s", e->name);
    e->accepted = a->accepted && a->called;
    e->called = e->accepted && s->n_called < CALLED_MAX && (e->given || !known(s, a->signature));
    s->n_called += e->called;
    if (e->given && !a->accepted)
        return fail(err, 0, NULL, "for %s: %s", e->name, without_name(s, a->said));
    if (!a->ended || !b->ended)
        return fail(err, 0, NULL, "for %s: %s", e->name,
                    without_name(s, a->ended ? b->said : a->said));
    if (a->accepted != b->accepted || strcmp(a->said, b->said) != 0)
        return fail_differs(e, a->accepted ? "a plan" : a->said, b->accepted ? "a plan" : b->said,
                            err);
    return strcmp(a->digest, b->digest) ? fail_differs(e, a->plan, b->plan, err) : 0;
}

/* Plans are asked for as root would: who checks a plugin need not be who runs it. */
static int read_facts(struct subject *s, struct error *err)
{
    struct json *facts = &s->facts;

    if (s->request->host)
        return facts_read(facts, s->request->host, err);
    if (facts_collect(facts, err) < 0)
        return -1;
    cJSON_DeleteItemFromObjectCaseSensitive(facts->root, "capabilities");
    return json_insert(facts, facts->root, "euid", "0", 1, err) < 0
               ? -1
               : json_insert(facts, facts->root, "egid", "0", 1, err);
}

/* Nothing that was made of its rows suits it, or what it needs beside itself is not installed. */
static int skip_nothing(const struct subject *s, const struct trial *last, struct error *err)
{
    fail(err, 0, NULL,
         "none of %zu configurations made of its rows becomes a plan; give one with --config%s%s",
         s->n_examples, *last->said ? ": " : "", without_name(s, last->said));
    return SKIP;
}

int point_same_plan(struct subject *s, struct error *err)
{
    auto_trial struct trial *a = trial_new(s->d), *b = trial_new(s->d);
    bool accepted = false;

    if (!a || !b)
        return fail_memory(err);
    if (read_facts(s, err) < 0 || examples_make(s, err) < 0)
        return -1;
    for (size_t i = 0; i < s->n_examples; i++) {
        if (plan_twice(s, &s->examples[i], a, b, err) < 0)
            return -1;
        accepted |= s->examples[i].accepted;
    }
    return accepted ? 0 : skip_nothing(s, a, err);
}

/* --- a host that fails ------------------------------------------------------------------------ */

/* What the fault in this trial came to. */
static int judge(const struct subject *s, const struct example *e, const struct trial *t,
                 struct error *err)
{
    if (!t->ended)
        return fail(err, 0, NULL, "for %s: %s%s%s", e->name, without_name(s, t->said),
                    *t->call ? " when this fails: " : "", t->call);
    if (!*t->call || t->kind == READ || t->returned == -1)
        return 0;
    return fail(err, 0, NULL, "for %s: %s returns %d although %s failed (call %u)", e->name,
                t->stage, t->returned, t->call, t->fail_at);
}

/* Each call of a verb in turn. `each`, if not NULL, is asked after each trial. */
typedef int after_trial(struct subject *s, const struct example *e, const struct trial *t,
                        struct error *err);
static int fail_in_turn(struct subject *s, const struct example *e, struct trial *t,
                        const char *state, after_trial *each, struct error *err)
{
    unsigned calls = 0;

    for (t->fail_at = 0; t->fail_at <= calls && s->n_trials < TRIALS_MAX; t->fail_at++) {
        s->n_trials++;
        snprintf(t->state, sizeof t->state, "%s", state);
        if (trial_run(s, e, t, err) < 0)
            return -1;
        if (!t->fail_at && !known(s, t->signature * 31 + t->verb))
            calls = t->calls;
        if (each ? each(s, e, t, err) < 0 : judge(s, e, t, err) < 0)
            return -1;
    }
    return 0;
}

static bool has_callback(const struct subject *s, unsigned stages)
{
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        if (stages >> stage & 1 && plugin_callback(s->d, stage))
            return true;
    return false;
}

static int skip(struct error *err, const char *why)
{
    fail(err, 0, NULL, "%s", why);
    return SKIP;
}

static bool some_accepted(const struct subject *s)
{
    for (size_t i = 0; i < s->n_examples; i++)
        if (s->examples[i].accepted)
            return true;
    return false;
}

int point_pure_faults(struct subject *s, struct error *err)
{
    static const enum trial_verb verbs[] = {TRIAL_PLAN, TRIAL_EXEC, TRIAL_UPDATE};
    auto_trial struct trial *t = trial_new(s->d);

    if (!t)
        return fail_memory(err);
    if (!has_callback(s, STAGES_PURE))
        return skip(err, "it has none");
    if (!some_accepted(s))
        return skip(err, "no configuration to call them with");
    t->armed = STAGES_PURE;
    for (size_t i = 0; i < s->n_examples; i++) {
        for (size_t v = 0; v < ARRAY_SIZE(verbs) && s->examples[i].called; v++) {
            t->verb = verbs[v];
            if (fail_in_turn(s, &s->examples[i], t, "", NULL, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* --- what acts on the host -------------------------------------------------------------------- */

/* What a sandbox says of it. */
struct verdict {
    int result;
    struct error err;
};

typedef int in_sandbox(struct subject *s, struct error *err);

static _Noreturn void judge_inside(struct subject *s, in_sandbox *point, struct verdict *v)
{
    struct error why = {0};

    if (sandbox_enter(&why) < 0) {
        fail(&v->err, 0, NULL, "there can be no sandbox here: %s", why.text);
        v->result = SKIP;
    } else {
        v->result = point(s, &v->err);
    }
    _exit(0);
}

static int ask(struct subject *s, in_sandbox *point, struct verdict *v, struct error *err)
{
    pid_t pid = fork();
    int status;

    if (!pid)
        judge_inside(s, point, v);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return fail(err, errno, NULL, "fork");
    if (status)
        return fail(err, 0, NULL, "the sandbox ended with status %d", status);
    *err = v->err;
    return v->result;
}

/* One sandbox for all trials of a point: nothing in it can be changed by one of them. */
static int judge_in_sandbox(struct subject *s, unsigned stages, in_sandbox *point,
                            struct error *err)
{
    struct verdict *v;
    int r;

    if (!has_callback(s, stages))
        return skip(err, "it has none");
    if (!some_accepted(s))
        return skip(err, "no configuration to call them with");
    v = mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (v == MAP_FAILED)
        return fail_memory(err);
    r = ask(s, point, v, err);
    munmap(v, sizeof *v);
    return r;
}

/* The state that a create without a fault has left. */
static int try_verbs(struct subject *s, const struct example *e, struct trial *t, struct error *err)
{
    auto_free char *state = NULL;

    t->verb = TRIAL_CREATE;
    if (fail_in_turn(s, e, t, "", NULL, err) < 0)
        return -1;
    t->fail_at = 0;
    t->state[0] = '\0';
    if (trial_run(s, e, t, err) < 0)
        return -1;
    if (!(state = strdup(t->state)))
        return fail_memory(err);
    for (t->verb = TRIAL_START; t->verb < TRIAL_VERBS; t->verb++)
        if (fail_in_turn(s, e, t, state, NULL, err) < 0)
            return -1;
    return 0;
}

static int host_faults(struct subject *s, struct error *err)
{
    auto_trial struct trial *t = trial_new(s->d);

    if (!t)
        return fail_memory(err);
    t->armed = STAGES_HOST;
    for (size_t i = 0; i < s->n_examples; i++)
        if (s->examples[i].called && try_verbs(s, &s->examples[i], t, err) < 0)
            return -1;
    return 0;
}

int point_host_faults(struct subject *s, struct error *err)
{
    return judge_in_sandbox(s, STAGES_HOST, host_faults, err);
}

/* --- cleanup ---------------------------------------------------------------------------------- */

/* After what came to this state. */
static int clean_twice(struct subject *s, const struct example *e, struct trial *t,
                       const char *after, struct error *err)
{
    for (int time = 1; time <= 2; time++, s->n_trials++) {
        if (trial_run(s, e, t, err) < 0)
            return -1;
        if (!t->accepted)
            return fail(err, 0, NULL, "for %s%s%s: %s%s: %s", e->name,
                        *after ? ", when this fails: " : "", after, t->stage,
                        time > 1 ? ", the second time" : "", without_name(s, t->said));
    }
    return 0;
}

static uint64_t state_signature(const char *state)
{
    uint64_t signature = 0;

    for (; *state; state++)
        signature = signature * 31 + (unsigned char)*state;
    return signature ^ UINT64_MAX;
}

static int clean_after(struct subject *s, const struct example *e, const struct trial *create,
                       struct error *err)
{
    auto_trial struct trial *t = NULL;

    if (known(s, state_signature(create->state)))
        return 0;
    if (!(t = trial_new(s->d)))
        return fail_memory(err);
    t->verb = TRIAL_DELETE;
    t->armed = STAGES_HOST;
    memcpy(t->state, create->state, sizeof t->state);
    return clean_twice(s, e, t, create->call, err);
}

/* After no create at all, and after each that fails somewhere. */
static int clean_example(struct subject *s, const struct example *e, struct trial *t,
                         struct error *err)
{
    t->verb = TRIAL_DELETE;
    t->fail_at = 0;
    t->state[0] = '\0';
    if (clean_twice(s, e, t, "", err) < 0)
        return -1;
    t->verb = TRIAL_CREATE;
    return fail_in_turn(s, e, t, "", clean_after, err);
}

static int clean_examples(struct subject *s, struct error *err)
{
    auto_trial struct trial *t = trial_new(s->d);

    if (!t)
        return fail_memory(err);
    t->armed = STAGES_HOST;
    for (size_t i = 0; i < s->n_examples; i++)
        if (s->examples[i].called && clean_example(s, &s->examples[i], t, err) < 0)
            return -1;
    return 0;
}

int point_cleanup(struct subject *s, struct error *err)
{
    return judge_in_sandbox(s, IN(CLEANUP) | IN(STOPPED), clean_examples, err);
}
