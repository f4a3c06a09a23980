/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.scheduler, ioPriority, execCPUAffinity.
 *
 * The runtime sets them on the process from outside, as its last work before the process becomes the user's
 * (phase limits), because
 * - the host's rights count: in a user namespace CAP_SYS_NICE permits no real-time policy;
 * - a process of SCHED_DEADLINE cannot fork, so the stage process could neither pass the policy on nor the
 *   inside process run hooks; and one with SCHED_FLAG_RESET_ON_FORK would lose what it passes on;
 * - hozo's own work and hooks other than startContainer keep the host's scheduling;
 * - by then the process is in its control group, to whose cpuset an affinity is cut.
 */
#include "core/compile.h"

#include <linux/sched.h>
#include <string.h>

#include "core/linux/cpu-list.h"

/* --- scheduler ---------------------------------------------------------------------------------- */

enum { NICE = 1, PRIORITY = 2, DEADLINE = 4, ALL = 7 };

/* clang-format off */
static const struct policy {
    const char *name;
    unsigned number, takes;
} policies[] = {
    {"SCHED_OTHER",    SCHED_NORMAL,   NICE},
    {"SCHED_FIFO",     SCHED_FIFO,     PRIORITY},
    {"SCHED_RR",       SCHED_RR,       PRIORITY},
    {"SCHED_BATCH",    SCHED_BATCH,    NICE},
    {"SCHED_IDLE",     SCHED_IDLE,     0},
    {"SCHED_DEADLINE", SCHED_DEADLINE, DEADLINE},
};

/* Who takes it and in which range: sched(7). One that is absent is 0, as the specification says. */
static const struct parameter {
    const char *name;
    unsigned of;
    int64_t min, max;
} parameters[] = {
    {"nice",     NICE,     -20,  19},
    {"priority", PRIORITY, 1,    99},
    {"runtime",  DEADLINE, 1024, INT64_MAX},
    {"deadline", DEADLINE, 1024, INT64_MAX},
    {"period",   DEADLINE, 0,    INT64_MAX},
};
enum { RUNTIME = 2, END, PERIOD, PARAMETERS };

/*
 * For the two clamps the specification has no member that holds their value. It is 0 then, as for all that
 * is not set: SCHED_FLAG_UTIL_CLAMP_MIN takes away the boost that real-time policies have by default, and
 * SCHED_FLAG_UTIL_CLAMP_MAX asks for the slowest CPUs.
 */
static const struct flag {
    const char *name;
    uint64_t bit;
    unsigned of;
} flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK",  SCHED_FLAG_RESET_ON_FORK,  ALL},
    {"SCHED_FLAG_RECLAIM",        SCHED_FLAG_RECLAIM,        DEADLINE},
    {"SCHED_FLAG_DL_OVERRUN",     SCHED_FLAG_DL_OVERRUN,     DEADLINE},
    {"SCHED_FLAG_KEEP_POLICY",    SCHED_FLAG_KEEP_POLICY,    ALL},
    {"SCHED_FLAG_KEEP_PARAMS",    SCHED_FLAG_KEEP_PARAMS,    ALL},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN, ALL},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX, ALL},
};
/* clang-format on */

static const struct policy *find_policy(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        if (!strcmp(name, policies[i].name))
            return &policies[i];
    return NULL;
}

/* The kernel would pass over a flag of another policy, and keeps whether it is reset with the policy. */
static int read_flags(const cJSON *list, const struct policy *policy, const char *at,
                      uint64_t *bits, struct error *err)
{
    const cJSON *name;
    unsigned index = 0;
    char path[64];

    *bits = 0;
    cJSON_ArrayForEach (name, list) {
        snprintf(path, sizeof path, "%s.flags[%u]", at, index++);
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
            if (strcmp(name->valuestring, flags[i].name))
                continue;
            if (flags[i].of != ALL && !(policy->takes & flags[i].of))
                return fail(err, 0, path, "%s has no meaning for %s", flags[i].name, policy->name);
            *bits |= flags[i].bit;
        }
    }
    if (*bits & SCHED_FLAG_KEEP_POLICY && *bits & SCHED_FLAG_RESET_ON_FORK)
        return fail(err, 0, at,
                    "SCHED_FLAG_RESET_ON_FORK has no meaning with SCHED_FLAG_KEEP_POLICY");
    return 0;
}

/* What is kept may be anything, so that nothing has to be given. */
static int read_parameter(const struct process_request *r, const struct policy *policy,
                          const struct parameter *parameter, bool kept, const char *at,
                          int64_t *value, struct error *err)
{
    const cJSON *number = json_get(json_get(r->process, "scheduler"), parameter->name);
    char path[64];

    snprintf(path, sizeof path, "%s.%s", at, parameter->name);
    *value = 0;
    if (number && json_i64(r->doc, number, value) < 0)
        return fail(err, 0, path, "must be at most %lld", (long long)parameter->max);
    if (!(policy->takes & parameter->of))
        return *value ? fail(err, 0, path, "has no meaning for %s", policy->name) : 0;
    if ((*value < parameter->min || *value > parameter->max) && !(kept && !*value))
        return fail(err, 0, path, "%s takes numbers from %lld to %lld", policy->name,
                    (long long)parameter->min, (long long)parameter->max);
    return 0;
}

static int read_parameters(const struct process_request *r, const struct policy *policy, bool kept,
                           const char *at, int64_t values[PARAMETERS], struct error *err)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        if (read_parameter(r, policy, &parameters[i], kept, at, &values[i], err) < 0)
            return -1;
    if (values[RUNTIME] > values[END])
        return fail(err, 0, at, "runtime is longer than deadline");
    if (values[PERIOD] && values[END] > values[PERIOD])
        return fail(err, 0, at, "deadline is longer than period");
    return 0;
}

static int add_scheduler(struct compile *p, const struct process_request *r, struct error *err)
{
    const cJSON *scheduler = json_get(r->process, "scheduler");
    const char *name = json_string(scheduler, "policy", "");
    const struct policy *policy = find_policy(name);
    int64_t v[PARAMETERS];
    uint64_t bits;
    char at[40], path[64];

    _Static_assert(ARRAY_SIZE(parameters) == PARAMETERS, "the enumeration names their places");
    if (!scheduler)
        return 0;
    snprintf(at, sizeof at, "%s.scheduler", r->path);
    snprintf(path, sizeof path, "%s.policy", at);
    /* The specification lists one whose number Linux has reserved, and never used. */
    if (!policy)
        return fail(err, 0, path, "Linux has no policy %s", name);
    if (read_flags(json_get(scheduler, "flags"), policy, at, &bits, err) < 0 ||
        read_parameters(r, policy, bits & (SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS), at, v,
                        err) < 0)
        return -1;
    if (policy->takes & DEADLINE && !(bits & SCHED_FLAG_RESET_ON_FORK) && !r->exec &&
        json_length(json_at(p->config, "hooks", "startContainer", NULL)))
        return fail(err, 0, path,
                    "%s without SCHED_FLAG_RESET_ON_FORK cannot fork, so that no hook "
                    "startContainer could run",
                    name);
    plan_op(p->b, PHASE_LIMITS, SCHEDULER, at, STR(name), NUM(policy->number), NUM(bits), NUM(v[0]),
            NUM(v[1]), NUM(v[RUNTIME]), NUM(v[END]), NUM(v[PERIOD]));
    plan_what(p->b, "set %s", name);
    return 0;
}

/* --- I/O priority ------------------------------------------------------------------------------- */

static int add_io_priority(struct compile *p, const struct process_request *r, struct error *err)
{
    /* In the order of their numbers, the first being 1. */
    static const char *const classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
                                          "IOPRIO_CLASS_IDLE"};
    const cJSON *priority = json_get(r->process, "ioPriority");
    const char *class = json_string(priority, "class", "");
    int64_t level = json_int(r->doc, priority, "priority", 0);
    char path[40], level_path[64];

    snprintf(path, sizeof path, "%s.ioPriority", r->path);
    snprintf(level_path, sizeof level_path, "%s.priority", path);
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (strcmp(class, classes[i]))
            continue;
        if (level < 0 || level > 7)
            return fail(err, 0, level_path, "must be from 0 to 7");
        plan_op(p->b, PHASE_LIMITS, IO_PRIORITY, path, STR(class), NUM(i + 1), NUM(level));
        plan_what(p->b, "set %s", class);
    }
    return 0;
}

/* --- CPU affinity ------------------------------------------------------------------------------- */

static int add_affinity(struct compile *p, const struct process_request *r, enum plan_phase phase,
                        const char *member, struct error *err)
{
    const char *cpus = json_string(json_get(r->process, "execCPUAffinity"), member, ""), *why;
    struct cpu_list list;
    char path[64];

    if (!*cpus)
        return 0;
    snprintf(path, sizeof path, "%s.execCPUAffinity.%s", r->path, member);
    if ((why = cpu_list_parse(cpus, &list)))
        return fail(err, 0, path, "\"%s\" %s", cpus, why);
    if (!r->exec) /* not for the container's first process, but for those that inherit it */
        return 0;
    plan_op(p->b, phase, AFFINITY, path, STR(cpus), BYTES(list.mask, list.size));
    plan_what(p->b, "set CPU affinity %s", cpus);
    return 0;
}

int compile_scheduling(struct compile *p, const struct process_request *r, struct error *err)
{
    /* Since SCHED_DEADLINE forbids any other affinity than its root domain's, that comes first. `initial`
     * has to hold before the control group does, and may name CPUs that it has not: so the runtime sets it
     * on itself, and the process is born with it. Without `final` the kernel decides what becomes of it. */
    if (add_affinity(p, r, PHASE_PREPARE, "initial", err) < 0 ||
        add_affinity(p, r, PHASE_LIMITS, "final", err) < 0 || add_scheduler(p, r, err) < 0)
        return -1;
    return add_io_priority(p, r, err);
}
