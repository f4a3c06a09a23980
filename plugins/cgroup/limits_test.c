/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/cgroup/cgroup.h"

#include <math.h>
#include <string.h>

#include "plugins/tap.h"

static unsigned weight_by_libm(unsigned shares)
{
    double l = log2(shares);

    return (unsigned)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34));
}

static void test_shares(void)
{
    unsigned differ = 0, fall = 0, last = 0;

    for (unsigned shares = 2; shares <= 262144; shares++) {
        unsigned weight = limit_shares_to_weight(shares);

        differ += weight != weight_by_libm(shares);
        fall += weight < last;
        last = weight;
    }
    ok(!differ, "shares: all weights are the formula's (%u differ)", differ);
    ok(!fall, "shares: more shares never weigh less");
    ok(limit_shares_to_weight(2) == 1 && limit_shares_to_weight(1024) == 100 &&
           limit_shares_to_weight(262144) == 10000,
       "shares: both ends and the default");
    ok(limit_shares_to_weight(1) == 1 && limit_shares_to_weight(UINT64_MAX) == 10000,
       "shares: beyond both ends");
}

static void value(const char *name, const struct limits *l, enum limit which, bool v2,
                  const char *expected)
{
    char room[LIMIT_TEXT_MAX];
    const char *got = limit_value(l, which, v2, room);

    ok(expected ? got && !strcmp(got, expected) : !got, "%s: %s", name, got ? got : "(none)");
}

#define NUMBER(n)                                                                                  \
    {                                                                                              \
        true, (n), NULL                                                                            \
    }

static void test_values(void)
{
    const struct limits some = {.at = {
                                    [MEMORY_LIMIT] = NUMBER(1000),
                                    [MEMORY_SWAP] = NUMBER(1500),
                                    [CPU_QUOTA] = NUMBER(50000),
                                    [CPU_PERIOD] = NUMBER(200000),
                                    [PIDS_LIMIT] = NUMBER(0),
                                    [CPU_SHARES] = NUMBER(512),
                                    [CPU_CPUS] = {true, 0, "0-1"},
                                }};
    const struct limits none = {.at = {
                                    [MEMORY_LIMIT] = NUMBER(-1),
                                    [MEMORY_SWAP] = NUMBER(-1),
                                    [CPU_QUOTA] = NUMBER(-1),
                                    [PIDS_LIMIT] = NUMBER(-1),
                                }};
    const struct limits swap_only = {.at = {[MEMORY_SWAP] = NUMBER(1500)}};

    value("v2 memory.limit", &some, MEMORY_LIMIT, true, "1000");
    value("v2 memory.swap is without memory", &some, MEMORY_SWAP, true, "500");
    value("v1 memory.swap is with memory", &some, MEMORY_SWAP, false, "1500");
    value("v2 quota and period", &some, CPU_QUOTA, true, "50000 200000");
    value("v1 quota", &some, CPU_QUOTA, false, "50000");
    value("v1 shares", &some, CPU_SHARES, false, "512");
    value("cpus", &some, CPU_CPUS, true, "0-1");
    value("no task at all", &some, PIDS_LIMIT, true, "0");
    value("v2 no memory limit", &none, MEMORY_LIMIT, true, "max");
    value("v1 no memory limit", &none, MEMORY_LIMIT, false, "-1");
    value("v2 no swap limit", &none, MEMORY_SWAP, true, "max");
    value("v2 no quota", &none, CPU_QUOTA, true, "max 100000");
    value("v1 no quota", &none, CPU_QUOTA, false, "-1");
    value("v1 any number of tasks", &none, PIDS_LIMIT, false, "max");
    value("v2 swap without memory.limit", &swap_only, MEMORY_SWAP, true, NULL);
}

int main(void)
{
    test_shares();
    test_values();
    return done();
}
