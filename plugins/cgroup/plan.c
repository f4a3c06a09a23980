/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: every directory, every value and every rule, decided here; apply.c only carries it out.
 */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#define DEVICES RESOURCES ".devices"

struct planning {
    struct hozo_ctx *ctx;
    struct hierarchies all;
    struct limits limits;
    struct device_rules devices;
};

static void planning_free(struct planning *p)
{
    hierarchies_free(&p->all);
    device_rules_free(&p->devices);
}

static int work(struct planning *p, uint32_t phase, const char *path, const char *what,
                const char *value, const void *data, size_t data_size)
{
    struct hozo_work w = {
        .size = sizeof(w),
        .phase = phase,
        .path = path,
        .what = what,
        .value = value,
        .data = data,
        .data_size = data_size,
    };

    return hozo_plan_work(p->ctx, &w);
}

static int assign(struct planning *p, uint32_t phase, const char *path, const char *what,
                  const char *file, const char *text)
{
    auto_free char *value = NULL;

    if (asprintf(&value, "%s=%s", file, text) < 0) {
        value = NULL;
        return hozo_error(p->ctx, ENOMEM, path, "%s", file);
    }
    return work(p, phase, path, what, value, NULL, 0);
}

/* --- limits -------------------------------------------------------------------------------------
 */

static int plan_limit(struct planning *p, const struct hierarchy *h, enum limit which,
                      uint32_t phase)
{
    const struct limit_row *row = &limit_rows[which];
    const char *file = h->unified ? row->v2 : row->v1, *value, *what = WORK_WRITE;
    char room[LIMIT_TEXT_MAX];

    if (which == CPU_PERIOD && h->unified && p->limits.at[CPU_QUOTA].set)
        return 0; /* one file for both */
    value = limit_value(&p->limits, which, h->unified, room);
    if (!value)
        return hozo_error(p->ctx, 0, row->path,
                          "needs %s: cgroup v2 limits swap without memory, the specification both "
                          "together",
                          limit_rows[MEMORY_LIMIT].path);
    /* A kernel without swap has no such file, and neither limit is missed there. */
    if (which == MEMORY_SWAP && h->unified && (!strcmp(value, "max") || !strcmp(value, "0")))
        what = WORK_WRITE_IF;
    return assign(p, phase, row->path, what, file, value);
}

static int plan_limits(struct planning *p, const struct hierarchy *h)
{
    const struct limits *l = &p->limits;

    /* memory.limit_in_bytes may not exceed memory.memsw.limit_in_bytes, of which a cgroup that was
     * there before may have a low one. */
    if (!h->unified && hierarchy_has(h, "memory") && l->at[MEMORY_LIMIT].set &&
        l->at[MEMORY_SWAP].set &&
        assign(p, HOZO_PHASE_PREPARE, limit_rows[MEMORY_SWAP].path, WORK_WRITE,
               limit_rows[MEMORY_SWAP].v1, "-1") < 0)
        return -1;
    for (enum limit i = 0; i < LIMIT_COUNT; i++)
        if (i != PIDS_LIMIT && l->at[i].set &&
            (p->all.v2 || hierarchy_has(h, limit_rows[i].controller)) &&
            plan_limit(p, h, i, HOZO_PHASE_PREPARE) < 0)
            return -1;
    return 0;
}

static const struct hierarchy *hierarchy_of(const struct planning *p, const char *controller)
{
    for (size_t i = 0; i < p->all.n; i++)
        if (p->all.v2 || hierarchy_has(&p->all.at[i], controller))
            return &p->all.at[i];
    return NULL;
}

/* The process that makes the container's first one lives in the cgroup, too, until that is there: a
 * limit of one task, set earlier, would forbid the container. */
static int plan_pids(struct planning *p)
{
    const struct hierarchy *h = hierarchy_of(p, "pids");

    if (!p->limits.at[PIDS_LIMIT].set)
        return 0;
    if (work(p, HOZO_PHASE_ATTACH, limit_rows[PIDS_LIMIT].path, WORK_AWAIT, "process", NULL, 0) ||
        work(p, HOZO_PHASE_ATTACH, limit_rows[PIDS_LIMIT].path, WORK_ENTER, h->directory, NULL, 0))
        return -1;
    return plan_limit(p, h, PIDS_LIMIT, HOZO_PHASE_ATTACH);
}

static int check_controllers(struct planning *p)
{
    for (enum limit i = 0; i < LIMIT_COUNT; i++)
        if (p->limits.at[i].set && !hierarchy_of(p, limit_rows[i].controller))
            return hozo_error(
                p->ctx, 0, limit_rows[i].path, "%s cgroup hierarchy with the controller \"%s\"",
                p->all.forbidden ? "no right to make a control group in a" : "the host has no",
                limit_rows[i].controller);
    return 0;
}

/* --- devices ------------------------------------------------------------------------------------
 */

static void rule_path(const struct device_rule *rule, char room[64])
{
    if (rule->index == DEVICE_DEFAULT)
        snprintf(room, 64, "%s", DEVICES);
    else
        snprintf(room, 64, "%s[%u]", DEVICES, rule->index);
}

static int plan_devices_v1(struct planning *p)
{
    struct device_exceptions e;
    char path[64], text[DEVICE_TEXT_MAX];
    size_t culprit;
    int r = device_exceptions(&p->devices, &e, &culprit);

    if (r < 0 && !e.at)
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    if (r < 0) {
        rule_path(&p->devices.at[culprit], path);
        hozo_error(
            p->ctx, 0, path,
            "\"%s\" overrides only a part of an earlier rule, which cgroup v1 cannot express",
            device_text(&p->devices.at[culprit], text));
    } else {
        r = assign(p, HOZO_PHASE_PREPARE, DEVICES, WORK_WRITE,
                   e.allow ? "devices.allow" : "devices.deny", "a");
    }
    for (size_t i = 0; !r && i < e.n; i++) {
        rule_path(&e.at[i], path);
        r = assign(p, HOZO_PHASE_PREPARE, path, WORK_WRITE,
                   e.allow ? "devices.deny" : "devices.allow", device_text(&e.at[i], text));
    }
    free(e.at);
    return r;
}

/* "deny a *:* rwm, allow c 1:3 rwm" */
static char *describe(const struct device_rules *rules)
{
    char *text = NULL, room[DEVICE_TEXT_MAX];
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    for (size_t i = 0; i < rules->n; i++)
        fprintf(f, "%s%s %s", i ? ", " : "", rules->at[i].allow ? "allow" : "deny",
                device_text(&rules->at[i], room));
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static int plan_devices_v2(struct planning *p)
{
    auto_free struct bpf_insn *program = NULL;
    auto_free char *text = describe(&p->devices);
    size_t n;

    if (!text)
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    if (device_program(&p->devices, &program, &n) < 0)
        return hozo_error(p->ctx, errno, DEVICES, "%zu device rules", p->devices.n);
    if (!n)
        return 0;
    /* The kernel takes long to verify a program: it does so while hozo-init starts. */
    if (work(p, HOZO_PHASE_ATTACH, DEVICES, WORK_ENTER, p->all.at[0].directory, NULL, 0) < 0)
        return -1;
    return work(p, HOZO_PHASE_ATTACH, DEVICES, WORK_DEVICES, text, program, n * sizeof(*program));
}

/* The v1 controller if the host has it, else a program on the unified hierarchy. */
static int plan_devices(struct planning *p, const struct hierarchy *h)
{
    if (!p->devices.n)
        return 0;
    if (hierarchy_has(h, "devices"))
        return plan_devices_v1(p);
    if (!h->unified)
        return 0;
    for (size_t i = 0; i < p->all.n; i++)
        if (hierarchy_has(&p->all.at[i], "devices"))
            return 0;
    return plan_devices_v2(p);
}

static int check_devices(struct planning *p)
{
    if (p->devices.n && !p->all.at[0].unified && !hierarchy_of(p, "devices"))
        return hozo_error(p->ctx, 0, DEVICES,
                          "the host has no cgroup hierarchy with the controller \"devices\"");
    return 0;
}

/* --- what the core needs ------------------------------------------------------------------------
 */

#define NAMES_MAX (2 * HIERARCHIES_MAX + 5)

/* Strings that are freed together. */
struct names {
    char *at[NAMES_MAX];
    size_t n;
    bool failed;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->at[i]);
}

static const char *join(struct names *names, const char *a, const char *between, const char *b)
{
    char *text;

    if (names->n == NAMES_MAX || asprintf(&text, "%s%s%s", a, between, b) < 0) {
        names->failed = true;
        return NULL;
    }
    return names->at[names->n++] = text;
}

static int tell(struct planning *p)
{
    __attribute__((cleanup(names_free))) struct names names = {.n = 0};
    const char *procs[HIERARCHIES_MAX + 1] = {0}, *mounts[HIERARCHIES_MAX + 1] = {0};
    const struct hierarchy *unified = p->all.at[0].unified ? &p->all.at[0] : NULL;
    const struct hierarchy *freezer = hierarchy_of(p, "freezer"), *list = hierarchy_of(p, "pids");
    const struct hierarchy *memory = hierarchy_of(p, "memory");
    struct hozo_cgroup cgroup = {.size = sizeof(cgroup)};
    size_t n_mounts = 0;

    if (!list)
        list = hierarchy_of(p, "name=systemd");
    if (!list)
        list = &p->all.at[0];
    for (size_t i = 0; i < p->all.n; i++) {
        const struct hierarchy *h = &p->all.at[i];

        procs[i] = join(&names, h->directory, "/", "cgroup.procs");
        if (!h->unified)
            mounts[n_mounts++] = join(&names, h->controllers, "=", h->path);
    }
    cgroup.list = join(&names, list->directory, "/", "cgroup.procs");
    if (memory)
        cgroup.oom = join(&names, memory->directory, "/",
                          memory->unified ? "memory.events" : "memory.oom_control");
    if (unified)
        cgroup.kill = join(&names, unified->directory, "/", "cgroup.kill");
    if (p->all.v2 && unified) {
        cgroup.directory = unified->directory;
        cgroup.freeze = join(&names, unified->directory, "/", "cgroup.freeze");
    } else {
        cgroup.procs = procs;
        cgroup.mounts = mounts;
        if (freezer)
            cgroup.freeze = join(&names, freezer->directory, "/", "freezer.state");
    }
    if (names.failed)
        return hozo_error(p->ctx, ENOMEM, CGROUPS_PATH, "control groups");
    return hozo_set_cgroup(p->ctx, &cgroup);
}

/* --- whose it is --------------------------------------------------------------------------------
 */

/* With cgroup v1 a group that is given away is none that limits. */
static int plan_owner(struct planning *p)
{
    char uid[CGROUP_OWNER_MAX];

    if (!p->all.v2 || !cgroup_owner(p->ctx, uid))
        return 0;
    return work(p, HOZO_PHASE_PREPARE, "process.user.uid", WORK_OWNER, uid, NULL, 0);
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static int plan_hierarchy(struct planning *p, const struct hierarchy *h)
{
    const char *controllers = h->unified ? UNIFIED : h->controllers;

    if (assign(p, HOZO_PHASE_PREPARE, CGROUPS_PATH, WORK_HIERARCHY, controllers, h->mountpoint) <
            0 ||
        work(p, HOZO_PHASE_PREPARE, CGROUPS_PATH, WORK_MKDIR, h->directory, NULL, 0) < 0)
        return -1;
    if (plan_limits(p, h) < 0 || plan_owner(p) < 0)
        return -1;
    return plan_devices(p, h);
}

/* --cgroup-manager disabled: the caller looks after the control groups itself. */
static bool disabled(struct hozo_ctx *ctx)
{
    const char *manager = hozo_option(ctx, "cgroup-manager");

    return manager && !strcmp(manager, "disabled");
}

/* A limit would be missed; device rules are part of every engine's configuration, and the caller who
 * asked for no control group gets none for them either. */
static int plan_nothing(const struct planning *p, const char *why)
{
    for (enum limit i = 0; i < LIMIT_COUNT; i++)
        if (p->limits.at[i].set && p->limits.at[i].number >= 0)
            return hozo_error(p->ctx, 0, limit_rows[i].path, "cannot be applied %s", why);
    hozo_log(p->ctx, HOZO_LOG_DEBUG, "no control group and no device rules %s", why);
    return 0;
}

/* The kernel takes device rules from root of the host only; and nobody else can give a container a device
 * that is not there for the user as well. */
static bool may_rule_devices(struct hozo_ctx *ctx)
{
    struct hozo_cursor fact;

    if (hozo_fact(ctx, NULL, "euid", &fact) == 1 && hozo_as_int(ctx, &fact))
        return false;
    return hozo_fact(ctx, NULL, "userNamespace", &fact) != 1 || !hozo_as_bool(ctx, &fact);
}

int cgroup_plan(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(planning_free))) struct planning p = {.ctx = ctx};

    if (limits_read(ctx, &p.limits) < 0)
        return -1;
    if (disabled(ctx))
        return plan_nothing(&p, "with --cgroup-manager disabled");
    if (hierarchies_find(ctx, &p.all) < 0 || devices_read(ctx, &p.devices) < 0)
        return -1;
    if (!p.all.n)
        return plan_nothing(&p, "without the right to make control groups");
    if (p.devices.n && !may_rule_devices(ctx)) {
        hozo_log(ctx, HOZO_LOG_DEBUG, "no device rules: only root of the host may set them");
        device_rules_free(&p.devices);
    }
    if (check_controllers(&p) < 0 || check_devices(&p) < 0)
        return -1;
    for (size_t i = 0; i < p.all.n; i++)
        if (plan_hierarchy(&p, &p.all.at[i]) < 0)
            return -1;
    if (plan_pids(&p) < 0)
        return -1;
    return tell(&p);
}
