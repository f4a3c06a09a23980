/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as state.json: refused, or what was read is what is written and read again. A plugin walks over
 * the value that it is said to have kept. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ID "c"

static const char *directory;
static int dirfd = -1;

static void remove_directory(void)
{
    unlinkat(dirfd, "state.json", 0);
    rmdir(directory);
}

static void make_directory(void)
{
    directory = new_directory();
    must((dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    atexit(remove_directory);
}

static void write_input(const char *bytes, size_t size)
{
    auto_close int fd = openat(dirfd, "state.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
}

/* --- the same state --------------------------------------------------------------------------- */

static void same(const char *a, const char *b)
{
    must(!a == !b && (!a || !strcmp(a, b)));
}

static void same_list(char *const *a, char *const *b)
{
    must(!a == !b);
    for (size_t i = 0; a; i++) {
        same(a[i], b[i]);
        if (!a[i])
            return;
    }
}

static void same_state(const struct state *a, const struct state *b)
{
    same(a->id, b->id);
    same(a->bundle, b->bundle);
    same(a->rootfs, b->rootfs);
    same(a->oci_version, b->oci_version);
    same(a->created, b->created);
    same(a->annotations, b->annotations);
    same(a->notify_socket, b->notify_socket);
    same(a->cgroup.directory, b->cgroup.directory);
    same(a->cgroup.list, b->cgroup.list);
    same(a->cgroup.freeze, b->cgroup.freeze);
    same(a->cgroup.kill, b->cgroup.kill);
    same_list(a->cgroup.procs, b->cgroup.procs);
    same_list(a->cgroup.mounts, b->cgroup.mounts);
    must(a->complete == b->complete && a->pid == b->pid && a->start_time == b->start_time &&
         a->owner == b->owner && a->own_pid_namespace == b->own_pid_namespace &&
         a->n_plugins == b->n_plugins);
    for (size_t i = 0; i < a->n_plugins; i++) {
        same(a->plugins[i].name, b->plugins[i].name);
        same(a->plugins[i].version, b->plugins[i].version);
        same(a->plugins[i].file, b->plugins[i].file);
        same(a->plugins[i].as, b->plugins[i].as);
        same(a->plugins[i].callbacks, b->plugins[i].callbacks);
        same(a->plugins[i].value, b->plugins[i].value);
        must(a->plugins[i].state_version == b->plugins[i].state_version);
    }
}

/* --- what is printed -------------------------------------------------------------------------- */

static void print(const struct state *s)
{
    auto_text struct text hook = {0}, people = {0}, list = {0};

    state_print_oci(s, STATUS_CREATED, NULL, false, &hook);
    state_print_oci(s, STATUS_STOPPED, NULL, true, &people);
    state_print_list(s, STATUS_RUNNING, "root", &list);
    check_json(&hook);
    check_json(&people);
    check_json(&list);
}

/* --- the plugin's value ----------------------------------------------------------------------- */

static int walk(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    struct hozo_cursor item, found;
    const char *key;
    size_t n = 0;
    int r;

    hozo_as_string(ctx, at);
    hozo_as_int(ctx, at);
    hozo_as_uint(ctx, at);
    hozo_as_bool(ctx, at);
    for (; (r = hozo_item(ctx, at, n, &item, &key)) == 1; n++) {
        /* The same member by its name, which may hold no dot. */
        if (key && *key && !strchr(key, '.'))
            must(hozo_state_find(ctx, at, key, &found) == 1 && found.node == item.node &&
                 !strcmp(found.path, item.path));
        if (walk(ctx, &item))
            return -1;
    }
    return r;
}

static int read_value(struct hozo_ctx *ctx)
{
    struct hozo_cursor root;
    size_t size;
    const char *value = hozo_state_get(ctx, &size);
    int r = hozo_state_find(ctx, NULL, "", &root);

    must(r < 0 || (value && r) || (!value && !r));
    if (r < 1 || walk(ctx, &root))
        return -1;
    return hozo_state_set(ctx, value, size); /* writes state.json again */
}

/* *c->state has a plugin: it is this one. */
static void call_plugin(struct container *c)
{
    const struct hozo_plugin d = {HOZO_HEADER, .name = c->state.plugins[0].name,
                                  .cleanup = read_value};
    struct plugin plugin = {.d = &d, .file = (char *)"", .as = (char *)"", .begun = true},
                  *opened[] = {&plugin};
    struct error err = {0};

    c->plugins.opened = opened;
    c->plugins.n_opened = 1;
    if (plugins_end(c, STAGE_CLEANUP, NULL, &err))
        check_error(&err);
    c->plugins = (struct plugins){0};
}

void target(const char *bytes, size_t size)
{
    auto_container struct container c;
    auto_state struct state again = {0};
    struct error err = {0};

    if (dirfd < 0)
        make_directory();
    container_init(&c);
    write_input(bytes, size);
    if (state_read(dirfd, ID, &c.state, &err)) {
        check_error(&err);
        return;
    }
    print(&c.state);
    must(!state_write(dirfd, &c.state, &err) && !state_read(dirfd, ID, &again, &err));
    same_state(&c.state, &again);
    if (c.state.n_plugins) {
        c.dirfd = dirfd;
        call_plugin(&c);
        c.dirfd = -1;
    }
}
