/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/seccomp/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>

void *profile_grow(struct hozo_ctx *ctx, void *array, size_t n, size_t *room, size_t size)
{
    void *grown;

    if (n < *room)
        return array;
    *room = *room ? *room * 2 : 16;
    if (!(grown = reallocarray(array, *room, size)))
        hozo_error(ctx, ENOMEM, SECCOMP, "cannot be read");
    return grown;
}

int read_action(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *action,
                const char *data, uint32_t *value)
{
    const struct action *a;
    struct hozo_cursor found;
    uint64_t number = EPERM; /* what config-linux.md has where nothing is said */
    int r = hozo_find(ctx, at, action, &found);

    if (r <= 0)
        return r < 0 ? r : hozo_error(ctx, 0, found.path, "is missing");
    if (!(a = action_of(hozo_as_string(ctx, &found))))
        return hozo_error(ctx, 0, found.path, "is unknown");
    if ((r = hozo_find(ctx, at, data, &found)) < 0)
        return -1;
    if (r && !a->data_max)
        return hozo_error(ctx, 0, found.path, "%s returns no error", a->name);
    if (r && (number = hozo_as_uint(ctx, &found)) > a->data_max)
        return hozo_error(ctx, 0, found.path, "is above %u, the last that %s can return",
                          a->data_max, a->name);
    *value = a->data_max ? a->value | (uint32_t)number : a->value;
    return 0;
}

static int read_flags(struct hozo_ctx *ctx, struct profile *p)
{
    struct hozo_cursor all, at;
    int r = hozo_find(ctx, NULL, SECCOMP ".flags", &all);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &all, i, &at, NULL)) > 0; i++) {
        const struct flag *flag = flag_of(hozo_as_string(ctx, &at));

        if (!flag)
            return hozo_error(ctx, 0, at.path, "is unknown");
        if (flag->killable)
            p->killable = true;
        else
            p->flags |= flag->bit;
    }
    return r;
}

static int read_architectures(struct hozo_ctx *ctx, struct profile *p)
{
    struct hozo_cursor all, at;
    size_t room = 0;
    int r = hozo_find(ctx, NULL, SECCOMP ".architectures", &all);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &all, i, &at, NULL)) > 0; i++) {
        const struct architecture *a = architecture_of(hozo_as_string(ctx, &at));
        struct architecture *rows =
            profile_grow(ctx, p->architectures, p->n_architectures, &room, sizeof(*rows));

        if (!rows)
            return -1;
        p->architectures = rows;
        if (!a)
            return hozo_error(ctx, 0, at.path, "is unknown");
        rows[p->n_architectures++] = *a;
    }
    return r;
}

static int read_text(struct hozo_ctx *ctx, const char *path, const char **text)
{
    struct hozo_cursor at;
    int r = hozo_find(ctx, NULL, path, &at);

    if (r > 0)
        *text = hozo_as_string(ctx, &at);
    return r;
}

static int read_listener(struct hozo_ctx *ctx, struct profile *p)
{
    if (read_text(ctx, SECCOMP ".listenerPath", &p->listener) < 0 ||
        read_text(ctx, SECCOMP ".listenerMetadata", &p->metadata) < 0)
        return -1;
    if (p->metadata && !p->listener)
        return hozo_error(ctx, 0, SECCOMP ".listenerMetadata", "must not be set without %s",
                          "listenerPath");
    if (p->notifies && !p->listener)
        return hozo_error(ctx, 0, SECCOMP ".listenerPath", "is missing: SCMP_ACT_NOTIFY needs it");
    if (p->listener && p->listener[0] != '/')
        return hozo_error(ctx, 0, SECCOMP ".listenerPath", "\"%s\" is not an absolute path",
                          p->listener);
    return 0;
}

static int read_all(struct hozo_ctx *ctx, const struct hozo_cursor *at, struct profile *p,
                    enum profile_names names)
{
    if (read_action(ctx, at, "defaultAction", "defaultErrnoRet", &p->otherwise) < 0)
        return -1;
    /* hozo-init still has to say which descriptor the listener has: nobody could answer that yet. */
    if (p->otherwise == SECCOMP_RET_USER_NOTIF)
        return hozo_error(
            ctx, 0, SECCOMP ".defaultAction",
            "SCMP_ACT_NOTIFY would stop the container before its listener is handed over");
    return read_flags(ctx, p) < 0 || read_architectures(ctx, p) < 0 ||
                   read_rules(ctx, p, names) < 0 || read_listener(ctx, p) < 0
               ? -1
               : 1;
}

int profile_read(struct hozo_ctx *ctx, struct profile *p, enum profile_names names)
{
    struct hozo_cursor at;
    int r = hozo_find(ctx, NULL, SECCOMP, &at);

    *p = (struct profile){0};
    return r > 0 ? read_all(ctx, &at, p, names) : r;
}

void profile_free(struct profile *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        free((void *)p->rules[i].conditions);
    free(p->rules);
    free(p->named);
    free(p->architectures);
}
