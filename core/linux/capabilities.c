/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/capabilities.h"

#include <ctype.h>
#include <sys/capability.h>

#include "core/log.h"

static void warn(const struct log *log, const char *member, const char *name)
{
    char line[256];

    if (!log)
        return;
    snprintf(line, sizeof line, "process.capabilities.%s: %.100s cannot be granted", member, name);
    log_line(log, LOG_LEVEL_WARNING, line);
}

static uint64_t read_set(const cJSON *capabilities, const char *member, uint64_t grantable,
                         const struct log *log)
{
    const cJSON *name;
    uint64_t set = 0;

    cJSON_ArrayForEach (name, json_get(capabilities, member)) {
        cap_value_t value;
        uint64_t bit = 0;

        if (!cap_from_name(name->valuestring, &value) && value >= 0 && value < 64)
            bit = UINT64_C(1) << value & grantable;
        if (!bit)
            warn(log, member, name->valuestring);
        set |= bit;
    }
    return set;
}

void capability_sets_read(const cJSON *capabilities, uint64_t grantable, const struct log *log,
                          struct capability_sets *sets)
{
    sets->bounding = read_set(capabilities, "bounding", grantable, log);
    sets->permitted = read_set(capabilities, "permitted", grantable, log);
    /* capabilities(7): effective lies within permitted, ambient within permitted and inheritable. */
    sets->effective = read_set(capabilities, "effective", sets->permitted, log);
    sets->inheritable = read_set(capabilities, "inheritable", grantable, log);
    sets->ambient = read_set(capabilities, "ambient", sets->permitted & sets->inheritable, log);
}

bool capability_name(int number, char *name, size_t size)
{
    char *lower = cap_to_name((cap_value_t)number);
    bool known = lower && isalpha((unsigned char)*lower);
    size_t n = 0;

    for (; known && lower[n] && n + 1 < size; n++)
        name[n] = (char)toupper((unsigned char)lower[n]);
    name[n] = '\0';
    cap_free(lower);
    return known;
}
