/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the unit change with the files: else systemd would bring the old limits back some day. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "plugins/systemd/manager.h"

struct changing {
    struct hozo_ctx *ctx;
    struct record record;
    struct manager m;
};

static void changing_end(struct changing *c)
{
    record_free(&c->record);
    manager_end(&c->m);
}

static int changing_begin(struct changing *c)
{
    int r = record_read(c->ctx, &c->record);

    manager_begin(&c->m, c->ctx, MANAGER_SYSTEM);
    if (r == 1)
        c->m.where = c->record.manager;
    return r;
}

/* --- what is there now -------------------------------------------------------------------------------- */

static int keep(struct changing *c, size_t n, const char *property)
{
    auto_free char *name = strndup(property, strcspn(property, "=")), *text = NULL;
    int r = name ? 0 : -ENOMEM;

    do {
        if (name)
            r = manager_property(&c->m, c->record.unit, name, &text);
    } while (r < 0 && manager_lost(&c->m, r));
    if (r > 0 && asprintf(&c->record.before[n], "%s=%s", name, text) < 0) {
        c->record.before[n] = NULL;
        r = -ENOMEM;
    }
    if (r > 0)
        return 0;
    return r < 0 ? manager_failed(&c->m, r, NULL, property)
                 : hozo_error(c->ctx, 0, NULL, "systemd has no unit %s any more", c->record.unit);
}

/* systemd writes these again with anything of the CPU that it is told, in whole percents. */
static const char *const rounded[] = {"cpu.max", "cpu.cfs_period_us", "cpu.cfs_quota_us"};
#define ROUNDED (sizeof(rounded) / sizeof(rounded[0]))

/* "/sys/fs/cgroup/…/cpu.max=12345 50000" */
static int keep_file(struct changing *c, size_t *n, const char *directory, const char *name)
{
    auto_free char *path = NULL;
    auto_close int fd = -1;
    char text[64];
    ssize_t length;

    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        path = NULL;
        return hozo_error(c->ctx, ENOMEM, NULL, "state");
    }
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        return errno == ENOENT ? 0 : hozo_error(c->ctx, errno, NULL, "%s", path);
    if ((length = read(fd, text, sizeof(text))) < 0)
        return hozo_error(c->ctx, errno, NULL, "%s", path);
    if (asprintf(&c->record.before[*n], "%s=%.*s", path, (int)length, text) < 0) {
        c->record.before[*n] = NULL;
        return hozo_error(c->ctx, ENOMEM, NULL, "state");
    }
    ++*n;
    return 0;
}

static int keep_files(struct changing *c, size_t n)
{
    __attribute__((cleanup(hierarchies_free))) struct hierarchies all = {.n = 0};
    auto_status struct unit_status status = {0};
    int r;

    do {
        r = manager_look(&c->m, c->record.unit, &status);
    } while (r < 0 && manager_lost(&c->m, r));
    if (r < 0)
        return manager_failed(&c->m, r, NULL, c->record.unit);
    if (!r || hierarchies_of_unit(c->ctx, status.group, &all) < 0)
        return r ? -1 : 0;
    for (size_t i = 0; i < all.n; i++)
        for (size_t k = 0; k < ROUNDED; k++)
            if (keep_file(c, &n, all.at[i].directory, rounded[k]) < 0)
                return -1;
    return 0;
}

static int keep_all(struct changing *c)
{
    struct hozo_work w;
    size_t n = 0;

    while (next_work(c->ctx, n, &w))
        n++;
    c->record.before = calloc(n + ROUNDED * HIERARCHIES_MAX + 1, sizeof(*c->record.before));
    if (!c->record.before)
        return hozo_error(c->ctx, ENOMEM, NULL, "state");
    n = 0;
    for (size_t i = 0; next_work(c->ctx, i, &w); i++)
        if (manager_knows(&c->m, &w) && keep(c, n++, w.value) < 0)
            return -1;
    return keep_files(c, n) < 0 ? -1 : record_write(c->ctx, &c->record);
}

/* --- setting --------------------------------------------------------------------------------------------- */

typedef int append_properties(struct changing *c, sd_bus_message *message);

static int append_planned(struct changing *c, sd_bus_message *message)
{
    return message_planned(&c->m, message);
}

/* A list of devices is added to what is there, an empty one empties it. */
static int append_emptied(sd_bus_message *message, const char *property)
{
    static const char list[] = "@a(st) [";
    const char *value = strchr(property, '=');
    auto_free char *empty = NULL;

    if (!value || strncmp(value + 1, list, strlen(list)) != 0)
        return 0;
    if (asprintf(&empty, "%.*s=%s]", (int)(value - property), property, list) < 0) {
        empty = NULL;
        return -ENOMEM;
    }
    return message_property(message, empty);
}

static int append_before(struct changing *c, sd_bus_message *message)
{
    int r = 0;

    for (char **text = c->record.before; r >= 0 && text && *text; text++)
        if (**text != '/' && (r = append_emptied(message, *text)) >= 0)
            r = message_property(message, *text);
    return r;
}

static int set_once(struct changing *c, append_properties *append)
{
    sd_bus_message *message = NULL;
    int r = manager_message(&c->m, "SetUnitProperties", &message);

    if (r >= 0 && (r = sd_bus_message_append(message, "sb", c->record.unit, true)) >= 0 &&
        (r = sd_bus_message_open_container(message, 'a', "(sv)")) >= 0 &&
        (r = append(c, message)) >= 0 && (r = sd_bus_message_close_container(message)) >= 0)
        r = manager_call(&c->m, message, NULL);
    sd_bus_message_unref(message);
    return r;
}

/* systemd answers before it writes, and has written before it answers the next question. What the files hold
 * then, the cgroup plugin has the last word on. */
static int set(struct changing *c, append_properties *append)
{
    int r;

    do {
        auto_status struct unit_status status = {0};

        if ((r = set_once(c, append)) >= 0)
            r = manager_look(&c->m, c->record.unit, &status);
    } while (r < 0 && manager_lost(&c->m, r));
    return r < 0 ? manager_failed(&c->m, r, NULL, c->record.unit) : 0;
}

static int write_before(struct changing *c)
{
    for (char **text = c->record.before; text && *text; text++) {
        const char *value = strchr(*text, '=');
        auto_free char *path = value ? strndup(*text, (size_t)(value - *text)) : NULL;
        auto_close int fd = -1;

        if (**text != '/' || !path)
            continue;
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || write(fd, value + 1, strlen(value + 1)) < 0)
            return hozo_error(c->ctx, errno, NULL, "%s", path);
    }
    return 0;
}

/* --- callbacks --------------------------------------------------------------------------------------------- */

int systemd_update_apply(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(changing_end))) struct changing c = {.ctx = ctx};

    if (!work_value(ctx, WORK_SET))
        return 0;
    if (changing_begin(&c) < 1)
        return hozo_error(ctx, 0, NULL, "the container has no unit");
    return keep_all(&c) < 0 ? -1 : set(&c, append_planned);
}

int systemd_update_undo(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(changing_end))) struct changing c = {.ctx = ctx};

    if (!work_value(ctx, WORK_SET) || changing_begin(&c) < 1)
        return 0;
    return set(&c, append_before) < 0 ? -1 : write_before(&c);
}
