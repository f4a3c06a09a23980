/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.cpu, which two controllers share. */
#include "plugins/cgroup/resources.h"

#include <inttypes.h>
#include <stdio.h>

#define CPU RESOURCES ".cpu"

enum { SHARES, IDLE, PERIOD, QUOTA, BURST, RT_PERIOD, RT_RUNTIME, COUNT };

#define PERIOD_DEFAULT 100000 /* of the kernel, microseconds */

/* --- values as text -----------------------------------------------------------------------------
 */

static const char *weight(const struct value *all, size_t own, enum version version, char *room)
{
    if (version != V2)
        return text_plain(all, own, version, room);
    return text_number(weight_of_shares((uint64_t)all[own].number), room);
}

/* Of v2 one file for both: "quota period". */
static const char *bandwidth(const struct value *all, size_t own, enum version version, char *room)
{
    int64_t quota = all[QUOTA].number, period = all[PERIOD].number;

    if (version == NOWHERE)
        return all[own].number < 0 ? "" : NULL;
    if (version == V1)
        return text_number(all[own].number, room);
    if (!period)
        period = PERIOD_DEFAULT;
    if (quota > 0)
        snprintf(room, TEXT_MAX, "%" PRIi64 " %" PRIi64, quota, period);
    else
        snprintf(room, TEXT_MAX, "max %" PRIi64, period);
    return room;
}

static const char *realtime(const struct value *all, size_t own, enum version version, char *room)
{
    return version == V1 ? text_number(all[own].number, room) : NULL;
}

/* clang-format off */
static const struct resource rows[COUNT] = {
    [SHARES]     = {CPU ".shares", HOZO_UINT, "cpu.shares", "cpu.weight", weight,
                    "v2: 2, 1024, 262144 are 1, 100, 10000, and between them 10^((l² + 125 l) / 612 - 7/34), "
                    "l = log2(shares), rounded up"},
    [IDLE]       = {CPU ".idle", HOZO_INT, "cpu.idle", "cpu.idle", text_plain, "0 or 1"},
    [PERIOD]     = {CPU ".period", HOZO_UINT, "cpu.cfs_period_us", "cpu.max", bandwidth,
                    "v2: the second word"},
    [QUOTA]      = {CPU ".quota", HOZO_INT, "cpu.cfs_quota_us", "cpu.max", bandwidth,
                    "v2: the first word; negative is `max`"},
    [BURST]      = {CPU ".burst", HOZO_UINT, "cpu.cfs_burst_us", "cpu.max.burst", text_plain, ""},
    [RT_PERIOD]  = {REALTIME_PERIOD, HOZO_UINT, "cpu.rt_period_us", NULL, realtime, ""},
    [RT_RUNTIME] = {REALTIME_RUNTIME, HOZO_INT, "cpu.rt_runtime_us", NULL, realtime,
                    "groups above that have none are given as much"},
};
/* clang-format on */

/* --- weight -------------------------------------------------------------------------------------
 */

/* An idle group takes no weight, and one that has been idle has forgotten it: an update of either wakes the group,
 * and says both again. */
static int plan_weight(struct planning *p, struct value *v)
{
    bool idle = v[IDLE].number, again = p->update && v[IDLE].set && v[SHARES].set;

    if (again && (v[IDLE].named || (idle && v[SHARES].named)))
        v[IDLE].named = v[SHARES].named = true;
    /* A kernel before 5.15 knows no idle group. */
    if (v[IDLE].named && p->h && (!idle || again) &&
        resource_put(p, rows[IDLE].path, WORK_WRITE_IF, rows[IDLE].v1, "0") < 0)
        return -1;
    if (resource_plan(p, v, SHARES, WORK_WRITE) < 0)
        return -1;
    return idle ? resource_plan(p, v, IDLE, WORK_WRITE) : 0;
}

/* --- bandwidth ----------------------------------------------------------------------------------
 */

/* Both orders of period and quota, or of quota and burst, may pass through a pair that the kernel refuses: so
 * an update that names two first takes the one away. */
static int clear(struct planning *p, const struct value *v, size_t row, size_t before,
                 const char *text)
{
    const char *file = p->h ? resource_file(p, &rows[row]) : NULL;

    if (!p->update || !file || !v[row].named || !v[before].named)
        return 0;
    return resource_put(p, rows[row].path, WORK_WRITE, file, text);
}

static int plan_bandwidth_v1(struct planning *p, const struct value *v)
{
    if (clear(p, v, QUOTA, PERIOD, "-1") < 0 || resource_plan(p, v, PERIOD, WORK_WRITE) < 0)
        return -1;
    return resource_plan(p, v, QUOTA, WORK_WRITE);
}

static int plan_bandwidth_v2(struct planning *p, const struct value *v)
{
    size_t own = v[QUOTA].named ? QUOTA : PERIOD;
    char room[TEXT_MAX];

    if (p->update && v[QUOTA].named && !v[PERIOD].named)
        return resource_put(p, rows[QUOTA].path, WORK_WRITE, rows[QUOTA].v2,
                            v[QUOTA].number < 0 ? "max" : text_number(v[QUOTA].number, room));
    if (p->update && v[PERIOD].named && !v[QUOTA].named)
        return resource_put(p, rows[PERIOD].path, WORK_WRITE_PERIOD, rows[PERIOD].v2,
                            text_number(v[PERIOD].number, room));
    return resource_plan(p, v, own, WORK_WRITE);
}

static int plan_bandwidth(struct planning *p, const struct value *v)
{
    int64_t quota = v[QUOTA].number;

    if (quota > 0 && v[BURST].number > quota)
        return hozo_error(p->ctx, 0, rows[BURST].path, "%" PRIi64 " is more than %s, %" PRIi64,
                          v[BURST].number, rows[QUOTA].path, quota);
    if (clear(p, v, BURST, QUOTA, "0") < 0)
        return -1;
    if ((resource_version(p) == V2 ? plan_bandwidth_v2(p, v) : plan_bandwidth_v1(p, v)) < 0)
        return -1;
    return resource_plan(p, v, BURST, WORK_WRITE);
}

/* With any of these systemd writes the bandwidth again, in whole percents of a CPU. */
static void say_again(const struct planning *p, struct value *v)
{
    bool named = v[SHARES].named || v[IDLE].named || v[QUOTA].named || v[PERIOD].named;

    if (!p->update || !p->all.unit || !named)
        return;
    v[QUOTA].named = v[QUOTA].set;
    v[PERIOD].named = v[PERIOD].set;
}

/* --- real time ----------------------------------------------------------------------------------
 */

static int plan_realtime(struct planning *p, const struct value *v)
{
    bool runtime = v[RT_RUNTIME].named, period = v[RT_PERIOD].named;
    const char *path = rows[runtime ? RT_RUNTIME : RT_PERIOD].path;
    char text[TEXT_MAX];

    if (!runtime && !period)
        return 0;
    if (resource_version(p) != V1)
        return resource_refuse(p, path);
    if (!period)
        snprintf(text, sizeof(text), "%" PRIi64, v[RT_RUNTIME].number);
    else if (!runtime)
        snprintf(text, sizeof(text), "- period=%" PRIi64, v[RT_PERIOD].number);
    else
        snprintf(text, sizeof(text), "%" PRIi64 " period=%" PRIi64, v[RT_RUNTIME].number,
                 v[RT_PERIOD].number);
    return resource_put(p, path, WORK_REALTIME, "runtime", text);
}

static int plan_cpu(struct planning *p)
{
    struct value v[COUNT];

    if (resource_values(p, v) < 0)
        return -1;
    say_again(p, v);
    if (plan_weight(p, v) < 0 || plan_bandwidth(p, v) < 0)
        return -1;
    return plan_realtime(p, v);
}

const struct family cpu_family = {"cpu", CPU, EARLY, rows, COUNT, plan_cpu};

/* --- cpuset -------------------------------------------------------------------------------------
 */

enum { CPUS, MEMS, SETS };

/* clang-format off */
static const struct resource sets[SETS] = {
    [CPUS] = {CPU ".cpus", HOZO_STRING, "cpuset.cpus", "cpuset.cpus", text_plain, ""},
    [MEMS] = {CPU ".mems", HOZO_STRING, "cpuset.mems", "cpuset.mems", text_plain, ""},
};
/* clang-format on */

static int plan_cpuset(struct planning *p)
{
    struct value v[SETS];

    if (resource_values(p, v) < 0 || resource_plan(p, v, CPUS, WORK_WRITE) < 0)
        return -1;
    return resource_plan(p, v, MEMS, WORK_WRITE);
}

const struct family cpuset_family = {"cpuset", CPU, EARLY, sets, SETS, plan_cpuset};
