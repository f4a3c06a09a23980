/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/capabilities.h"

#include <sys/capability.h>

static uint64_t read_set(const cJSON *capabilities, const char *member, uint64_t grantable)
{
    const cJSON *name;
    uint64_t set = 0;

    cJSON_ArrayForEach(name, json_get(capabilities, member))
    {
        cap_value_t value;

        if (!cap_from_name(name->valuestring, &value) && value >= 0 && value < 64)
            set |= UINT64_C(1) << value;
    }
    return set & grantable;
}

void capability_sets_read(const cJSON *capabilities, uint64_t grantable,
                          struct capability_sets *sets)
{
    sets->bounding = read_set(capabilities, "bounding", grantable);
    sets->permitted = read_set(capabilities, "permitted", grantable);
    /* capabilities(7): effective lies within permitted, ambient within permitted and inheritable. */
    sets->effective = read_set(capabilities, "effective", sets->permitted);
    sets->inheritable = read_set(capabilities, "inheritable", grantable);
    sets->ambient =
        read_set(capabilities, "ambient", sets->permitted & sets->inheritable);
}
