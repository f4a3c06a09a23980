/* SPDX-License-Identifier: Apache-2.0 */
/* The families in their order, and the hierarchy of each. */
#include "plugins/cgroup/resources.h"

/* `unified` is the last word on what other fields set. */
const struct family *const families[FAMILIES] = {
    &memory_family,  &cpu_family,      &cpuset_family, &blkio_family, &hugetlb_family,
    &net_cls_family, &net_prio_family, &rdma_family,   &pids_family,  &unified_family,
};

/* A controller without a hierarchy of its own can only be in the unified one; but where there are some in which
 * an ordinary user may make nothing, it is more likely there. */
static const struct hierarchy *hierarchy_for(const struct planning *p, const struct family *f)
{
    for (size_t i = 0; i < p->all.n; i++)
        if (!p->all.at[i].unified && hierarchy_has(&p->all.at[i], f->controller))
            return &p->all.at[i];
    if (!p->all.n || !p->all.at[0].unified || (p->all.forbidden && *f->controller))
        return NULL;
    return &p->all.at[0];
}

static int plan_family(struct planning *p, const struct family *f, const struct hierarchy *h)
{
    struct hozo_cursor at;
    int found = resource_find(p, f->section, &at);

    if (found < 1)
        return found;
    p->family = f;
    p->h = h;
    return f->plan(p);
}

int resources_plan(struct planning *p, const struct hierarchy *h)
{
    p->pass = EARLY;
    for (size_t i = 0; i < FAMILIES; i++)
        if ((families[i]->passes & EARLY) && hierarchy_for(p, families[i]) == h &&
            plan_family(p, families[i], h) < 0)
            return -1;
    return 0;
}

int resources_plan_late(struct planning *p)
{
    p->pass = LATE;
    for (size_t i = 0; i < FAMILIES; i++)
        if ((families[i]->passes & LATE) && hierarchy_for(p, families[i]) &&
            plan_family(p, families[i], hierarchy_for(p, families[i])) < 0)
            return -1;
    return 0;
}

int resources_check(struct planning *p)
{
    p->pass = EARLY;
    for (size_t i = 0; i < FAMILIES; i++)
        if (!hierarchy_for(p, families[i]) && plan_family(p, families[i], NULL) < 0)
            return -1;
    return 0;
}

int resources_plan_update(struct planning *p)
{
    p->pass = EARLY;
    for (size_t i = 0; i < FAMILIES; i++)
        if (plan_family(p, families[i], hierarchy_for(p, families[i])) < 0)
            return -1;
    return 0;
}
