/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: every directory, every value and every rule, decided here; apply.c only carries it out.
 */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugins/cgroup/unit.h"

static void planning_free(struct planning *p)
{
    hierarchies_free(&p->all);
    device_rules_free(&p->devices);
}

static const struct hierarchy *hierarchy_of(const struct planning *p, const char *controller)
{
    for (size_t i = 0; i < p->all.n; i++)
        if (p->all.v2 || hierarchy_has(&p->all.at[i], controller))
            return &p->all.at[i];
    return NULL;
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
    return planning_work(p, HOZO_PHASE_PREPARE, "process.user.uid", WORK_OWNER, uid, NULL, 0);
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static int plan_hierarchy(struct planning *p, const struct hierarchy *h)
{
    const char *controllers = h->unified ? UNIFIED : h->controllers;

    if (planning_assign(p, HOZO_PHASE_PREPARE, CGROUPS_PATH, WORK_HIERARCHY, controllers,
                        h->mountpoint) < 0 ||
        planning_work(p, HOZO_PHASE_PREPARE, CGROUPS_PATH,
                      unit_wanted(p->ctx) ? WORK_UNIT : WORK_MKDIR, h->directory, NULL, 0) < 0)
        return -1;
    if (resources_plan(p, h) < 0 || plan_owner(p) < 0)
        return -1;
    return devices_plan(p, h);
}

/* --cgroup-manager disabled: the caller looks after the control groups itself. */
static bool disabled(struct hozo_ctx *ctx)
{
    const char *manager = hozo_option(ctx, "cgroup-manager");

    return manager && !strcmp(manager, "disabled");
}

/* A limit would be missed; device rules are part of every engine's configuration, and the caller who
 * asked for no control group gets none for them either. */
static int plan_nothing(struct planning *p, const char *why)
{
    p->why = why;
    if (resources_check(p) < 0)
        return -1;
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
    if (resources_check(&p) < 0 || devices_check(&p) < 0)
        return -1;
    for (size_t i = 0; i < p.all.n; i++)
        if (plan_hierarchy(&p, &p.all.at[i]) < 0)
            return -1;
    if (resources_plan_late(&p) < 0)
        return -1;
    return tell(&p);
}
