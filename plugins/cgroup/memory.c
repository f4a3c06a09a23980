/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.memory. */
#include "plugins/cgroup/resources.h"

#include <inttypes.h>
#include <string.h>

#define MEMORY RESOURCES ".memory"

enum {
    LIMIT,
    RESERVATION,
    SWAP,
    KERNEL,
    KERNEL_TCP,
    SWAPPINESS,
    OOM_KILLER,
    HIERARCHY,
    CHECK,
    COUNT
};

/* --- values as text -----------------------------------------------------------------------------
 */

static const char *bytes(const struct value *all, size_t own, enum version version, char *room)
{
    int64_t number = all[own].number;

    if (version == NOWHERE)
        return number < 0 ? "" : NULL;
    return version == V2 && number == -1 ? "max" : text_number(number, room);
}

/* v2 limits swap by itself, the specification both together. */
static const char *swap(const struct value *all, size_t own, enum version version, char *room)
{
    int64_t limit = all[LIMIT].number, both = all[own].number;

    if (version != V2 || both < 0)
        return bytes(all, own, version, room);
    return limit > 0 ? text_number(both - limit, room) : NULL;
}

/* Of v2 the limit of memory is one of the kernel's as well. */
static const char *kernel(const struct value *all, size_t own, enum version version, char *room)
{
    if (version == V1)
        return text_number(all[own].number, room);
    return all[own].number < 0 ? "" : NULL;
}

static const char *oom_killer(const struct value *all, size_t own, enum version version, char *room)
{
    if (version == V1)
        return text_number(all[own].number, room);
    return all[own].number ? NULL : "";
}

static const char *hierarchy(const struct value *all, size_t own, enum version version, char *room)
{
    if (version == V1)
        return text_number(all[own].number, room);
    return all[own].number ? "" : NULL;
}

static const char *nothing(const struct value *all, size_t own, enum version version, char *room)
{
    (void)all, (void)own, (void)version, (void)room;
    return "";
}

/* clang-format off */
static const struct resource rows[COUNT] = {
    [LIMIT]       = {MEMORY ".limit", HOZO_INT, "memory.limit_in_bytes", "memory.max", bytes,
                     "v2: -1 is `max`"},
    [RESERVATION] = {MEMORY ".reservation", HOZO_INT, "memory.soft_limit_in_bytes", "memory.low", bytes,
                     "v2: -1 is `max`"},
    [SWAP]        = {MEMORY ".swap", HOZO_INT, "memory.memsw.limit_in_bytes", "memory.swap.max", swap,
                     "v2: less `memory.limit`, which has to be set; -1 is `max`"},
    [KERNEL]      = {MEMORY ".kernel", HOZO_INT, "memory.kmem.limit_in_bytes", NULL, kernel,
                     "v1: read again, an error if the kernel does not keep it (Linux 5.16 and later); v2: -1 only"},
    [KERNEL_TCP]  = {MEMORY ".kernelTCP", HOZO_INT, "memory.kmem.tcp.limit_in_bytes", NULL, kernel,
                     "as `memory.kernel`"},
    [SWAPPINESS]  = {MEMORY ".swappiness", HOZO_UINT, "memory.swappiness", NULL, text_plain, "0 to 100"},
    [OOM_KILLER]  = {MEMORY ".disableOOMKiller", HOZO_BOOL, "memory.oom_control", NULL, oom_killer,
                     "v1: 0 or 1; v2: only false"},
    [HIERARCHY]   = {MEMORY ".useHierarchy", HOZO_BOOL, "memory.use_hierarchy", NULL, hierarchy,
                     "v1: 0 or 1, since Linux 5.11 only 1; v2: only true"},
    [CHECK]       = {MEMORY ".checkBeforeUpdate", HOZO_BOOL, "memory.usage_in_bytes", "memory.current", nothing,
                     "read, and a limit below it refused"},
};
/* clang-format on */

/* --- limit and swap -----------------------------------------------------------------------------
 */

static int validate(struct planning *p, const struct value *v)
{
    int64_t limit = v[LIMIT].number, both = v[SWAP].number;

    if (limit > 0 && both > 0 && both < limit)
        return hozo_error(p->ctx, 0, rows[SWAP].path,
                          "%" PRIi64 " is less than %s, %" PRIi64
                          ": it is memory and swap together",
                          both, rows[LIMIT].path, limit);
    return 0;
}

/* What one of them is depends on the other: both are written if one is named. Without a limit there is none
 * of swap either, unless it is named. */
static void join(const struct planning *p, struct value *v)
{
    if (p->update && v[LIMIT].named && v[LIMIT].number == -1 && !v[SWAP].named)
        v[SWAP] = (struct value){.set = true, .number = -1};
    if (v[LIMIT].named && v[SWAP].set)
        v[SWAP].named = true;
}

static int plan_check(struct planning *p, const struct value *v)
{
    char room[TEXT_MAX];

    if (!p->h || !v[CHECK].number || !v[LIMIT].named || v[LIMIT].number < 0)
        return 0;
    return resource_put(p, rows[LIMIT].path, WORK_CHECK, resource_file(p, &rows[CHECK]),
                        text_number(v[LIMIT].number, room));
}

/* A kernel without swap has no such file, and neither limit is missed there. */
static const char *swap_work(const struct planning *p, const struct value *v)
{
    bool none = resource_version(p) == V2 && v[SWAP].number == v[LIMIT].number;

    return v[SWAP].number < 0 || none ? WORK_WRITE_IF : WORK_WRITE;
}

static int plan_swap(struct planning *p, const struct value *v)
{
    char room[TEXT_MAX];

    if (!v[SWAP].named)
        return 0;
    if (resource_version(p) == V2 && v[SWAP].number >= 0) {
        if (p->update && !v[LIMIT].named)
            return resource_put(p, rows[SWAP].path, WORK_WRITE_SWAP, rows[SWAP].v2,
                                text_number(v[SWAP].number, room));
        if (v[LIMIT].number <= 0)
            return hozo_error(p->ctx, 0, rows[SWAP].path,
                              "needs %s: cgroup v2 limits swap without memory, the specification "
                              "both together",
                              rows[LIMIT].path);
    }
    return resource_plan(p, v, SWAP, swap_work(p, v));
}

static int plan_limits(struct planning *p, const struct value *v)
{
    /* memory.limit_in_bytes may not exceed memory.memsw.limit_in_bytes, of which a cgroup that was
     * there before may have a low one. */
    if (resource_version(p) == V1 && v[LIMIT].named && v[SWAP].named &&
        resource_put(p, rows[SWAP].path, swap_work(p, v), rows[SWAP].v1, "-1") < 0)
        return -1;
    if (plan_check(p, v) < 0 || resource_plan(p, v, LIMIT, WORK_WRITE) < 0 ||
        resource_plan(p, v, RESERVATION, WORK_WRITE) < 0)
        return -1;
    return plan_swap(p, v);
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* Since Linux 5.16 a limit of kernel memory is refused or, later, taken and not kept. */
static const char *kernel_work(const struct value *v)
{
    return v->number < 0 ? WORK_WRITE_IF : WORK_WRITE_KEPT;
}

static int plan(struct planning *p)
{
    struct value v[COUNT];

    if (resource_values(p, v) < 0)
        return -1;
    join(p, v);
    if (validate(p, v) < 0 || plan_limits(p, v) < 0 ||
        resource_plan(p, v, KERNEL, kernel_work(&v[KERNEL])) < 0 ||
        resource_plan(p, v, KERNEL_TCP, kernel_work(&v[KERNEL_TCP])) < 0 ||
        resource_plan(p, v, SWAPPINESS, WORK_WRITE) < 0 ||
        resource_plan(p, v, OOM_KILLER, WORK_WRITE) < 0)
        return -1;
    return resource_plan(p, v, HIERARCHY, WORK_WRITE);
}

const struct family memory_family = {"memory", MEMORY, EARLY, rows, COUNT, plan};
