/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of linux.netDevices without looking at the host; and the work of attach. Pure. */
#include "plugins/netdev/netdev.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "plugins/netdev/names.h"

/* The i-th device: 1, 0 behind the last, -1. `to`: what it is called in the container. */
static int device_at(struct hozo_ctx *ctx, const struct hozo_cursor *all, size_t i,
                     struct hozo_cursor *at, const char **name, const char **to)
{
    struct hozo_cursor given;
    int found = hozo_item(ctx, all, i, at, name);

    if (found <= 0)
        return found;
    found = hozo_find(ctx, at, "name", &given);
    /* Who writes a member for each of a structure writes "" for one that is not set. */
    *to = found > 0 && *hozo_as_string(ctx, &given) ? hozo_as_string(ctx, &given) : *name;
    return found < 0 ? -1 : 1;
}

static int check_names(struct hozo_ctx *ctx, const struct hozo_cursor *all, size_t i,
                       const struct hozo_cursor *at, const char *name, const char *to)
{
    const char *problem = name_problem(name), *other, *others;
    struct hozo_cursor before;

    if (problem)
        return hozo_error(ctx, 0, at->path, "the name of the device %s", problem);
    if ((problem = new_name_problem(to)))
        return hozo_error(ctx, 0, at->path, "the name \"%s\" %s", to, problem);
    for (size_t k = 0; k < i && !name_is_template(to); k++) {
        if (device_at(ctx, all, k, &before, &other, &others) <= 0)
            return -1;
        if (!strcmp(others, to))
            return hozo_error(ctx, 0, at->path, "\"%s\" is what %s is called in the container", to,
                              other);
    }
    return 0;
}

static bool has_network_namespace(struct hozo_ctx *ctx)
{
    struct hozo_cursor list, item, type;

    if (hozo_find(ctx, NULL, "linux.namespaces", &list) != 1)
        return false;
    for (size_t i = 0; hozo_item(ctx, &list, i, &item, NULL) == 1; i++)
        if (hozo_find(ctx, &item, "type", &type) == 1 &&
            !strcmp(hozo_as_string(ctx, &type), "network"))
            return true;
    return false;
}

static uint64_t fact(struct hozo_ctx *ctx, const char *name, uint64_t absent)
{
    struct hozo_cursor found;

    return hozo_fact(ctx, NULL, name, &found) == 1 ? hozo_as_uint(ctx, &found) : absent;
}

static bool may_move(struct hozo_ctx *ctx)
{
    uint64_t all = fact(ctx, "euid", 0) ? 0 : UINT64_MAX;

    return fact(ctx, "capabilities", all) >> CAP_NET_ADMIN & 1;
}

int netdev_validate(struct hozo_ctx *ctx)
{
    struct hozo_cursor all, at;
    const char *name, *to;
    int found = hozo_find(ctx, NULL, NET_DEVICES, &all);
    size_t n = 0;

    if (found <= 0)
        return found;
    for (; (found = device_at(ctx, &all, n, &at, &name, &to)) > 0; n++)
        if (check_names(ctx, &all, n, &at, name, to) < 0)
            return -1;
    if (found < 0 || !n)
        return found;
    if (!has_network_namespace(ctx))
        return hozo_error(ctx, 0, NET_DEVICES,
                          "the container has no network namespace of its own: "
                          "linux.namespaces names none");
    if (!may_move(ctx))
        return hozo_error(ctx, 0, NET_DEVICES,
                          "moving a device needs CAP_NET_ADMIN on the host, which %s does not have",
                          fact(ctx, "euid", 0) ? "an ordinary user" : "hozo");
    return 0;
}

int netdev_plan(struct hozo_ctx *ctx)
{
    struct hozo_cursor all, at;
    const char *name, *to;
    int found = hozo_find(ctx, NULL, NET_DEVICES, &all);

    for (size_t i = 0; found > 0 && (found = device_at(ctx, &all, i, &at, &name, &to)) > 0; i++) {
        char value[2 * IFNAMSIZ + sizeof(WORK_AS)];
        struct hozo_work work = {
            .size = sizeof(work),
            .phase = HOZO_PHASE_ATTACH,
            .path = at.path,
            .what = WORK_MOVE,
            .value = value,
        };

        snprintf(value, sizeof(value), "%s" WORK_AS "%s", name, to);
        if (hozo_plan_work(ctx, &work) < 0)
            return -1;
    }
    return found;
}
