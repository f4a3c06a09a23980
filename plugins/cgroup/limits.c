/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of linux.resources that are one file each: which file, and what is written to it. */
#include "plugins/cgroup/cgroup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct limit_row limit_rows[LIMIT_COUNT] = {
    [MEMORY_LIMIT]       = {RESOURCES ".memory.limit",       "memory", "memory.limit_in_bytes",       "memory.max"},
    [MEMORY_RESERVATION] = {RESOURCES ".memory.reservation", "memory", "memory.soft_limit_in_bytes",  "memory.low"},
    [MEMORY_SWAP]        = {RESOURCES ".memory.swap",        "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"},
    [CPU_SHARES]         = {RESOURCES ".cpu.shares",         "cpu",    "cpu.shares",                  "cpu.weight"},
    [CPU_PERIOD]         = {RESOURCES ".cpu.period",         "cpu",    "cpu.cfs_period_us",           "cpu.max"},
    [CPU_QUOTA]          = {RESOURCES ".cpu.quota",          "cpu",    "cpu.cfs_quota_us",            "cpu.max"},
    [CPU_CPUS]           = {RESOURCES ".cpu.cpus",           "cpuset", "cpuset.cpus",                 "cpuset.cpus"},
    [CPU_MEMS]           = {RESOURCES ".cpu.mems",           "cpuset", "cpuset.mems",                 "cpuset.mems"},
    [PIDS_LIMIT]         = {RESOURCES ".pids.limit",         "pids",   "pids.max",                    "pids.max"},
};
/* clang-format on */

#define CPU_PERIOD_DEFAULT 100000 /* of the kernel, microseconds */

static bool is_text(enum limit which)
{
    return which == CPU_CPUS || which == CPU_MEMS;
}

static bool is_unsigned(enum limit which)
{
    return which == CPU_SHARES || which == CPU_PERIOD;
}

int limits_read(struct hozo_ctx *ctx, struct limits *limits)
{
    memset(limits, 0, sizeof(*limits));
    for (enum limit i = 0; i < LIMIT_COUNT; i++) {
        struct hozo_cursor at;
        int found = hozo_find(ctx, NULL, limit_rows[i].path, &at);

        if (found < 0)
            return -1;
        if (!found)
            continue;
        if (is_text(i)) {
            limits->at[i].text = hozo_as_string(ctx, &at);
            limits->at[i].set = *limits->at[i].text != '\0';
            continue;
        }
        if (is_unsigned(i)) {
            uint64_t value = hozo_as_uint(ctx, &at);

            limits->at[i].number = value > INT64_MAX ? INT64_MAX : (int64_t)value;
        } else {
            limits->at[i].number = hozo_as_int(ctx, &at);
        }
        /* Clients write 0 for what nobody has set, and no kernel has such a value of memory and
         * cpu; only a number of tasks may be 0, which specification 1.3 takes literally. */
        limits->at[i].set = limits->at[i].number || i == PIDS_LIMIT;
    }
    return 0;
}

int limits_validate(struct hozo_ctx *ctx, const struct limits *limits)
{
    int64_t limit = limits->at[MEMORY_LIMIT].number, swap = limits->at[MEMORY_SWAP].number;

    if (limit > 0 && swap > 0 && swap < limit)
        return hozo_error(ctx, 0, limit_rows[MEMORY_SWAP].path,
                          "%" PRIi64 " is less than %s, %" PRIi64
                          ": it is memory and swap together",
                          swap, limit_rows[MEMORY_LIMIT].path, limit);
    return 0;
}

/* By the series of the area hyperbolic tangent: libm would be one more library for every container.
 */
static double logarithm2(uint64_t n)
{
    unsigned exponent = 63 - (unsigned)__builtin_clzll(n);
    double mantissa = (double)n / (double)(UINT64_C(1) << exponent);
    double z = (mantissa - 1) / (mantissa + 1), power = z, sum = 0;

    for (unsigned i = 1; i < 40; i += 2) {
        sum += power / i;
        power *= z * z;
    }
    return exponent + 2 * sum * 1.4426950408889634 /* 1 / ln 2 */;
}

/*
 * weight = 10 ^ ((l * l + 125 * l) / 612 - 7/34) with l = log2(shares), rounded up: the curve
 * through both ends and the default on which runc 1.3.2 and crun 1.23 agree. Searched for from the
 * other side, by log10(weight).
 */
unsigned limit_shares_to_weight(uint64_t shares)
{
    unsigned low = 1, high = 10000;
    double l, exponent;

    if (shares <= 2)
        return low;
    if (shares >= 262144)
        return high;
    l = logarithm2(shares);
    exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (logarithm2(middle) * 0.3010299956639812 /* log10(2) */ >= exponent - 1e-12)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const char *number_text(int64_t number, char *room)
{
    snprintf(room, LIMIT_TEXT_MAX, "%" PRIi64, number);
    return room;
}

/* v2 limits swap by itself, the specification both together. */
static const char *swap_v2(const struct limits *limits, char *room)
{
    int64_t limit = limits->at[MEMORY_LIMIT].number, swap = limits->at[MEMORY_SWAP].number;

    if (swap < 0)
        return swap == -1 ? "max" : number_text(swap, room);
    if (limit <= 0)
        return NULL;
    return number_text(swap - limit, room);
}

static const char *cpu_max(const struct limits *limits, char *room)
{
    int64_t quota = limits->at[CPU_QUOTA].number, period = limits->at[CPU_PERIOD].number;

    if (!period)
        period = CPU_PERIOD_DEFAULT;
    if (quota > 0)
        snprintf(room, LIMIT_TEXT_MAX, "%" PRIi64 " %" PRIi64, quota, period);
    else
        snprintf(room, LIMIT_TEXT_MAX, "max %" PRIi64, period);
    return room;
}

const char *limit_value(const struct limits *limits, enum limit which, bool v2, char *room)
{
    int64_t number = limits->at[which].number;

    if (is_text(which))
        return limits->at[which].text;
    if (which == PIDS_LIMIT)
        return number < 0 ? "max" : number_text(number, room);
    if (!v2)
        return number_text(number, room);
    switch (which) {
    case MEMORY_SWAP:
        return swap_v2(limits, room);
    case CPU_SHARES:
        return number_text(limit_shares_to_weight((uint64_t)number), room);
    case CPU_PERIOD:
    case CPU_QUOTA:
        return cpu_max(limits, room);
    default:
        return number == -1 ? "max" : number_text(number, room);
    }
}
