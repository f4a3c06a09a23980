/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/cgroup/fake-host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct hozo_plugin hozo_plugin;

enum tag { CONFIG, FACTS, STATE, CHANGES };

static struct fake *fake_of(struct hozo_ctx *ctx)
{
    return (struct fake *)(void *)ctx;
}

static void *keep(struct fake *f, void *p)
{
    if (!p || f->n_garbage == sizeof(f->garbage) / sizeof(f->garbage[0]))
        abort();
    return f->garbage[f->n_garbage++] = p;
}

static int fake_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap) __attribute__((format(printf, 4, 0)));
static int fake_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap)
{
    struct fake *f = fake_of(ctx);
    char text[400];

    vsnprintf(text, sizeof(text), fmt, ap);
    snprintf(f->error, sizeof(f->error), "%s%s%s%s%s", path ? path : "", path ? ": " : "", text,
             errnum ? ": " : "", errnum ? strerror(errnum) : "");
    return -1;
}

static void fake_log(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void fake_log(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap)
{
    (void)ctx;
    printf("# log %d: ", level);
    vprintf(fmt, ap);
    putchar('\n');
}

static const char *fake_id(struct hozo_ctx *ctx)
{
    return fake_of(ctx)->id;
}

static const char *fake_option(struct hozo_ctx *ctx, const char *name)
{
    return strcmp(name, "rootfs") ? NULL : fake_of(ctx)->rootfs;
}

/* Whether "a.b[12].c" is what the row "a.b[].c" stands for, and "a[\"x.y\"]" what "a.*" does. */
static bool is_row(const char *row, const char *path)
{
    for (; *row; row++) {
        if (row[0] == '[') {
            if (*path != '[' || path[1] == '"')
                return false;
            path = strchr(path, ']') + 1;
            row++;
        } else if (row[0] == '.' && row[1] == '*') {
            if (*path == '[' && path[1] == '"')
                path = strstr(path, "\"]") + 2;
            else if (*path == '.')
                path += 1 + strcspn(path + 1, ".[");
            else
                return false;
            row++;
        } else if (*row != *path++) {
            return false;
        }
    }
    return !*path;
}

static const struct hozo_field *row_of(const char *path)
{
    const struct hozo_field *rows = hozo_plugin.fields.rows;

    for (uint32_t i = 0; i < hozo_plugin.fields.count; i++)
        if (is_row(rows[i].path, path))
            return &rows[i];
    return NULL;
}

static bool is_unset(const struct hozo_field *row, const cJSON *node)
{
    if (!(row->use & HOZO_UNSET_0))
        return false;
    return cJSON_IsString(node) ? !*node->valuestring : cJSON_GetNumberValue(node) == 0.0;
}

static int lookup(struct hozo_ctx *ctx, enum tag tag, const struct hozo_cursor *at,
                  const char *path, struct hozo_cursor *found)
{
    struct fake *f = fake_of(ctx);
    const cJSON *roots[] = {f->config, f->facts, f->state, f->changes};
    const cJSON *node = at ? at->node : roots[tag];
    char *full, *copy = strdup(path), *save = NULL;
    bool config = tag == CONFIG || tag == CHANGES;

    if (!copy || asprintf(&full, "%s%s%s", at ? at->path : "", at ? "." : "", path) < 0)
        abort();
    keep(f, copy);
    keep(f, full);
    if (config && !row_of(full)) {
        snprintf(f->error, sizeof(f->error), "%s: not declared", full);
        return -1;
    }
    for (char *name = strtok_r(copy, ".", &save); node && name; name = strtok_r(NULL, ".", &save))
        node = cJSON_GetObjectItemCaseSensitive(node, name);
    if (config && node && is_unset(row_of(full), node))
        node = NULL;
    *found = (struct hozo_cursor){node, full, tag};
    return node && !cJSON_IsNull(node);
}

static int fake_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                     struct hozo_cursor *found)
{
    return lookup(ctx, CONFIG, at, path, found);
}

static int fake_changed(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                        struct hozo_cursor *found)
{
    return lookup(ctx, CHANGES, at, path, found);
}

static int fake_fact(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                     struct hozo_cursor *found)
{
    return lookup(ctx, FACTS, at, path, found);
}

static int fake_state_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                           struct hozo_cursor *found)
{
    return lookup(ctx, STATE, at, path, found);
}

static int fake_item(struct hozo_ctx *ctx, const struct hozo_cursor *at, size_t index,
                     struct hozo_cursor *found, const char **key)
{
    const cJSON *node = cJSON_GetArrayItem(at->node, (int)index);
    char *path;

    if (!node)
        return 0;
    if (node->string && node->string[strspn(node->string, "abcdefghijklmnopqrstuvwxyz0123456789_")]
            ? asprintf(&path, "%s[\"%s\"]", at->path, node->string) < 0
        : node->string ? asprintf(&path, "%s.%s", at->path, node->string) < 0
                       : asprintf(&path, "%s[%zu]", at->path, index) < 0)
        abort();
    *found = (struct hozo_cursor){node, keep(fake_of(ctx), path), at->tag};
    if (key)
        *key = node->string;
    return 1;
}

static const char *fake_as_string(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return cJSON_GetStringValue(at->node);
}

static int64_t fake_as_int(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return (int64_t)cJSON_GetNumberValue(at->node);
}

static uint64_t fake_as_uint(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return (uint64_t)cJSON_GetNumberValue(at->node);
}

static int fake_as_bool(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return cJSON_IsTrue(at->node);
}

static const char *copy_text(struct fake *f, const char *s)
{
    return s ? keep(f, strdup(s)) : NULL;
}

static int fake_plan_work(struct hozo_ctx *ctx, const struct hozo_work *work)
{
    struct fake *f = fake_of(ctx);
    struct hozo_work *w = &f->works[f->n_works++];

    if (!f->planning || f->n_works > FAKE_WORKS)
        abort();
    *w = *work;
    w->path = copy_text(f, work->path);
    w->what = copy_text(f, work->what);
    w->value = copy_text(f, work->value);
    w->data =
        memcpy(keep(f, malloc(work->data_size + 1)), work->data ? work->data : "", work->data_size);
    return 0;
}

static int fake_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *work)
{
    struct fake *f = fake_of(ctx);

    for (size_t i = 0; i < f->n_works; i++)
        if (f->works[i].phase == f->phase && !index--) {
            *work = f->works[i];
            return 1;
        }
    return 0;
}

static int fake_cgroup(struct hozo_ctx *ctx, const struct hozo_cgroup *c)
{
    struct fake *f = fake_of(ctx);

    if (!f->planning)
        abort();
    f->directory = (char *)copy_text(f, c->directory);
    f->list = (char *)copy_text(f, c->list);
    f->freeze = (char *)copy_text(f, c->freeze);
    f->kill = (char *)copy_text(f, c->kill);
    for (size_t i = 0; c->procs && c->procs[i]; i++)
        f->procs[i] = (char *)copy_text(f, c->procs[i]);
    for (size_t i = 0; c->mounts && c->mounts[i]; i++)
        f->mounts[i] = (char *)copy_text(f, c->mounts[i]);
    return 0;
}

static int fake_state_set(struct hozo_ctx *ctx, const char *json, size_t size)
{
    struct fake *f = fake_of(ctx);

    cJSON_Delete(f->state);
    f->state = cJSON_ParseWithLength(json, size);
    if (!f->state)
        abort();
    return 0;
}

/* The tests' processes are there all the time. */
static int fake_process(struct hozo_ctx *ctx, int32_t *pid, int *pidfd)
{
    (void)ctx;
    *pid = 1;
    *pidfd = -1;
    return 0;
}

static const struct hozo_host host = {
    .size = sizeof(host),
    .error = fake_error,
    .log = fake_log,
    .id = fake_id,
    .option = fake_option,
    .find = fake_find,
    .fact = fake_fact,
    .item = fake_item,
    .as_string = fake_as_string,
    .as_int = fake_as_int,
    .as_uint = fake_as_uint,
    .as_bool = fake_as_bool,
    .plan_work = fake_plan_work,
    .cgroup = fake_cgroup,
    .work = fake_work,
    .process = fake_process,
    .state_set = fake_state_set,
    .state_find = fake_state_find,
    .changed = fake_changed,
};

void fake_begin(struct fake *f, const char *id, const char *config, const char *facts)
{
    memset(f, 0, sizeof(*f));
    f->ctx.host = &host;
    f->id = id;
    f->config = cJSON_Parse(config);
    f->facts = cJSON_Parse(facts);
    if (!f->config || !f->facts)
        abort();
}

void fake_end(struct fake *f)
{
    cJSON_Delete(f->config);
    cJSON_Delete(f->facts);
    cJSON_Delete(f->state);
    cJSON_Delete(f->changes);
    while (f->n_garbage)
        free(f->garbage[--f->n_garbage]);
}

int fake_plan(struct fake *f)
{
    int r = hozo_plugin.validate(&f->ctx);

    f->planning = true;
    if (!r)
        r = hozo_plugin.plan(&f->ctx);
    f->planning = false;
    return r;
}

int fake_prepare(struct fake *f)
{
    f->phase = HOZO_PHASE_PREPARE;
    return hozo_plugin.prepare(&f->ctx);
}

int fake_attach(struct fake *f)
{
    f->phase = HOZO_PHASE_ATTACH;
    return hozo_plugin.attach(&f->ctx);
}

static void merge(cJSON *into, const cJSON *from)
{
    const cJSON *child;

    cJSON_ArrayForEach (child, from) {
        cJSON *own = cJSON_GetObjectItemCaseSensitive(into, child->string);

        if (cJSON_IsObject(own) && cJSON_IsObject(child)) {
            merge(own, child);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(into, child->string);
        cJSON_AddItemToObject(into, child->string, cJSON_Duplicate(child, true));
    }
}

int fake_update(struct fake *f, const char *changes)
{
    int r;

    cJSON_Delete(f->changes);
    f->changes = cJSON_Parse(changes);
    if (!f->changes)
        abort();
    merge(f->config, f->changes);
    f->n_works = 0;
    f->phase = HOZO_PHASE_PREPARE;
    f->planning = true;
    r = hozo_plugin.update(&f->ctx);
    f->planning = false;
    return r;
}

int fake_update_apply(struct fake *f)
{
    return hozo_plugin.update_apply(&f->ctx);
}

int fake_update_undo(struct fake *f)
{
    return hozo_plugin.update_undo(&f->ctx);
}

int fake_cleanup(struct fake *f)
{
    return hozo_plugin.cleanup(&f->ctx);
}

char *fake_plan_text(struct fake *f, bool paths)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; out && i < f->n_works; i++)
        fprintf(out, "%s%s%s %s\n", paths ? f->works[i].path : "", paths ? " " : "",
                f->works[i].what, f->works[i].value);
    if (!out || fclose(out))
        abort();
    return keep(f, text);
}
