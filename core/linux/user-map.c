/* SPDX-License-Identifier: Apache-2.0 */
#include "core/user-map.h"

#include <limits.h>

#define MAP "/proc/self/uid_map"

/* The first user namespace maps every id to itself. A kernel without them has no such file. */
bool users_are_all(void)
{
    auto_fclose FILE *map = fopen(MAP, "re");
    unsigned inside, outside, count;

    if (!map || fscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
        return true;
    return !inside && !outside && count == UINT_MAX;
}

void users_with_a_place(bool *everybody, bool *root)
{
    auto_fclose FILE *f = fopen(MAP, "re");
    unsigned long inside, outside, count;

    *everybody = *root = false;
    while (f && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3) {
        *everybody |= count == UINT32_MAX;
        *root |= !outside;
    }
}

uid_t users_without_a_place(void)
{
    auto_fclose FILE *f = fopen("/proc/sys/kernel/overflowuid", "re");
    unsigned uid;

    return f && fscanf(f, "%u", &uid) == 1 ? uid : 65534;
}
