/* SPDX-License-Identifier: Apache-2.0 */
/* The set of opened plugins: how one gets in, in which order they stand, what is remembered of
 * them. */
#include "core/plugin-parts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/compile.h"
#include "core/json-edit.h"

static void plugin_free(struct plugin *p)
{
    if (!p)
        return;
    free(p->file);
    free(p->as);
    free(p);
}

static void forget_walked(struct plugins *p)
{
    if (!p->walked.path)
        return;
    free(p->walked.path);
    free(p->walked.real);
    close(p->walked.fd);
    p->walked.path = NULL;
}

void plugins_free(struct plugins *p)
{
    for (size_t i = 0; i < p->n_files; i++) {
        free(p->files[i].name);
        free(p->files[i].path);
        free(p->files[i].failed);
    }
    free(p->files);
    for (size_t i = 0; i < p->n_opened; i++)
        plugin_free(p->opened[i]);
    free(p->opened);
    additions_free(p);
    lates_free(p);
    confine_free(p);
    forget_walked(p);
    *p = (struct plugins){.dir = p->dir, .trace = p->trace, .container = p->container};
}

/* --- opening ---------------------------------------------------------------------------------- */

static struct plugin *remember(struct plugins *p, const struct hozo_plugin *d, const char *file,
                               const char *as, struct error *err)
{
    struct plugin **opened = reallocarray(p->opened, p->n_opened + 1, sizeof(struct plugin *));
    struct plugin *plugin = calloc(1, sizeof *plugin);

    if (opened)
        p->opened = opened;
    if (!opened || !plugin || !(plugin->file = strdup(file)) || !(plugin->as = strdup(as))) {
        plugin_free(plugin);
        fail_memory(err);
        return NULL;
    }
    plugin->d = d;
    plugin->watches = strchr(as, '@');
    return p->opened[p->n_opened++] = plugin;
}

/* One plugin may be opened under several names; two plugins may not have one name. */
static struct plugin *admit(struct plugins *p, const struct hozo_plugin *d, const char *file,
                            const char *as, struct error *err)
{
    if (plugin_check_name(d, as, err) < 0) {
        if (*file)
            fail_prefix(err, "%s", file);
        return NULL;
    }
    for (size_t i = 0; i < p->n_opened; i++) {
        if (p->opened[i]->d == d) {
            p->opened[i]->watches &= !!strchr(as, '@');
            return p->opened[i];
        }
        if (!strcmp(p->opened[i]->d->name, d->name)) {
            fail(err, 0, NULL, "two files are plugin %s: %s and %s", d->name,
                 plugin_where(p->opened[i]), *file ? file : "built in");
            return NULL;
        }
    }
    return remember(p, d, file, as, err);
}

/* The way to the file's directory is checked once for all files that lie side by side. */
static int walk_to(struct plugins *p, const char *path, char *real, struct error *err)
{
    const char *name = strrchr(path, '/') + 1;
    size_t length = (size_t)(name - path);

    if (!p->walked.path || strncmp(p->walked.path, path, length) || p->walked.path[length]) {
        auto_free char *directory = strndup(path, length);
        auto_close int fd = -1;

        if (!directory)
            return fail_memory(err);
        if ((fd = trust_walk_directory(directory, !p->dir, real, err)) < 0)
            return -1;
        forget_walked(p);
        if (!(p->walked.real = strdup(real)))
            return fail_memory(err);
        p->walked.path = steal_ptr(directory);
        p->walked.fd = steal_fd(fd);
    }
    return trust_walk_from(p->walked.fd, p->walked.real, name, !p->dir, real, err);
}

/* Every file of this name is the same one; *real is where it lies. */
static int resolve(struct plugins *p, const struct plugin_file *f, size_t n, char *real,
                   struct error *err)
{
    struct stat first = {0}, st;

    for (size_t i = 0; i < n; i++) {
        auto_close int fd = walk_to(p, f[i].path, real, err);

        if (fd < 0)
            return -1;
        if (fstat(fd, i ? &st : &first) < 0)
            return fail(err, errno, NULL, "%s", real);
        if (i && (st.st_dev != first.st_dev || st.st_ino != first.st_ino))
            return fail(err, 0, NULL, "two files serve %s: %s and %s", f->name, f[0].path,
                        f[i].path);
    }
    return 0;
}

/* Constructors are foreign code, too. */
static int load(struct plugins *p, const char *name, const char *real, const struct hozo_plugin **d,
                uint64_t *ns, struct error *err)
{
    struct timespec begin = {0}, end = {0};
    struct census before;
    int r;

    guard_install(p->container ? p->container->log : NULL);
    if (census_take(&before, err) < 0)
        return -1;
    guard_enter(p->container, name, "load");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    r = plugin_load(real, d, err);
    clock_gettime(CLOCK_MONOTONIC, &end);
    guard_leave();
    guard_restore();
    *ns = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (uint64_t)end.tv_nsec -
          (uint64_t)begin.tv_nsec;
    return r < 0 ? -1 : census_same(&before, err);
}

static struct plugin *open_file(struct plugins *p, const struct plugin_file *f, size_t n,
                                struct error *err)
{
    auto_span struct trace *span = span_begin(p->trace, SPAN_LOAD, f->name);
    const struct hozo_plugin *d;
    struct plugin *plugin;
    char real[PATH_MAX];
    uint64_t ns;

    if (resolve(p, f, n, real, err) < 0)
        return NULL;
    /* By path: nobody but root can change what it means, as the walk has shown; and what the linker
     * reports later names a file instead of a descriptor. */
    if (load(p, f->name, real, &d, &ns, err) < 0) {
        fail_prefix(err, "%s", real);
        return NULL;
    }
    plugin = admit(p, d, real, f->name, err);
    if (plugin && !plugin->load_ns)
        plugin->load_ns = ns;
    if (plugin)
        span_end_for(&span, d->name);
    return plugin;
}

static struct plugin *open_built_in(struct plugins *p, const struct plugin_file *f, size_t n,
                                    struct error *err)
{
    if (n == 1)
        return admit(p, f->built_in, "", f->name, err);
    fail(err, 0, NULL, "two plugins serve %s: %s and %s", f->name, f[0].built_in->name,
         f[1].built_in->name);
    return NULL;
}

/* What is loaded a second time is only found again: a thread that its constructors started, say,
 * would no longer be noticed. */
static int remember_failure(struct plugin_file *f, const struct error *err)
{
    if ((f->failed = malloc(sizeof *err)))
        *f->failed = *err;
    return -1;
}

int plugins_open(struct plugins *p, const char *name, struct error *err)
{
    struct plugin_file *f;
    size_t n;

    if (plugins_scan(p, err) < 0)
        return -1;
    n = plugin_files(p, name, &f);
    if (!n || plugin_masked(p, name))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (f[i].fatal)
            return fail(err, 0, NULL, "%s: crashes, hangs or exits when it is loaded", f[i].path);
    if (!f->plugin && !f->failed) {
        f->plugin = f->built_in ? open_built_in(p, f, n, err) : open_file(p, f, n, err);
        return f->plugin ? 1 : remember_failure(f, err);
    }
    if (f->failed)
        *err = *f->failed;
    return f->plugin ? 1 : -1;
}

/* --- order ------------------------------------------------------------------------------------ */

static bool lists(const struct hozo_table *t, const char *name)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (!strcmp(table_string(t, i), name))
            return true;
    return false;
}

static bool precedes(const struct hozo_plugin *a, const struct hozo_plugin *b)
{
    return lists(&a->before, b->name) || lists(&b->after, a->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct plugin *const *)a)->d->name, (*(struct plugin *const *)b)->d->name);
}

/* The first of those left that no other of those left precedes. */
static size_t first_free(struct plugin *const *left, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool free_ = true;

        for (size_t j = 0; j < n && free_; j++)
            free_ = !precedes(left[j]->d, left[i]->d);
        if (free_)
            return i;
    }
    return n;
}

/* Each of those left has another before it. */
static struct plugin *predecessor(struct plugin *const *left, const struct plugin *p)
{
    while (!precedes((*left)->d, p->d))
        left++;
    return *left;
}

/* Names the circle alone, not those who wait for it: after n steps back the way is in it. */
static int fail_circle(struct plugin *const *left, size_t n, struct error *err)
{
    auto_text struct text names = {0};
    const struct plugin *in = *left, *p;

    while (n--)
        in = predecessor(left, in);
    p = in;
    do {
        text_add(&names, "%s%s", names.length ? ", " : "", p->d->name);
        p = predecessor(left, p);
    } while (p != in);
    return fail(err, 0, NULL, "the order of these plugins goes in a circle: %s",
                names.at ? names.at : "");
}

static int order(struct plugins *p, struct error *err)
{
    if (p->n_opened)
        qsort(p->opened, p->n_opened, sizeof(struct plugin *), by_name);
    for (size_t done = 0; done < p->n_opened; done++) {
        struct plugin **left = p->opened + done;
        size_t n = p->n_opened - done, i = first_free(left, n);
        struct plugin *next;

        if (i == n)
            return fail_circle(left, n, err);
        next = left[i];
        memmove(left + 1, left, i * sizeof(struct plugin *));
        *left = next;
    }
    return 0;
}

/* --- for a container -------------------------------------------------------------------------- */

/* The plugin that writes the kernel's files does so as well where systemd makes the control groups. */
static const struct {
    const char *manager, *names[CGROUP_MANAGERS_MAX + 1];
} managers[] = {
    {"cgroupfs", {"+cgroup-manager.cgroupfs"}},
    {"systemd", {"+cgroup-manager.systemd", "+cgroup-manager.cgroupfs"}},
    {"disabled", {NULL}},
};

const char *const *cgroup_managers(const struct container *c)
{
    static const char *const none[] = {NULL};
    size_t i = 0;

    if (config_is_foreign(c->config.root))
        return none;
    while (i + 1 < ARRAY_SIZE(managers) && c->cgroup_manager &&
           strcmp(c->cgroup_manager, managers[i].manager) != 0)
        i++;
    return managers[i].names;
}

int cgroup_manager_open(struct container *c, const char *name, struct error *err)
{
    const char *mask;
    int r = plugins_open(&c->plugins, name, err);

    if (r)
        return r < 0 ? -1 : 0;
    if ((mask = plugin_masked(&c->plugins, name)))
        return fail(err, 0, "linux.cgroupsPath", "the plugin that serves this is masked by %s",
                    mask);
    return fail(err, 0, "linux.cgroupsPath", "no installed plugin serves this; install %s",
                plugin_package(name) ? plugin_package(name) : name);
}

/* Every container has a cgroup, whether its configuration says something of it or not: state, kill
 * and ps depend on it. */
static int open_cgroup_managers(struct container *c, struct error *err)
{
    for (const char *const *name = cgroup_managers(c); *name; name++)
        if (cgroup_manager_open(c, *name, err) < 0)
            return -1;
    return 0;
}

/* What is there is served before anybody may add to it, and so is what was added. */
static int check(struct container *c, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_SERVE, NULL);

    if (fields_served(&c->plugins, c->config.root, spec_config, "", err) < 0 ||
        fields_check(&c->plugins, &c->config, err) < 0)
        return -1;
    return order(&c->plugins, err);
}

static int read_settings(struct container *c, struct error *err)
{
    for (size_t i = 0; i < c->plugins.n_opened; i++)
        if (settings_read(c, c->plugins.opened[i], err) < 0)
            return -1;
    return 0;
}

/* Each plugin is asked once; the set grows until nothing is added any more. */
static int adjust(struct container *c, struct error *err)
{
    size_t additions;

    do {
        additions = c->plugins.n_additions;
        if (read_settings(c, err) < 0 || plugins_call(c, STAGE_ADJUST, err) < 0)
            return -1;
        if (c->plugins.n_additions == additions)
            return 0;
        if (spec_check(&c->config, c->config.root, spec_config, "", err) < 0 ||
            fields_open(c, false, err) < 0 || check(c, err) < 0)
            return -1;
    } while (true);
}

int plugins_for_config(struct container *c, struct error *err)
{
    /* Whether it is for this system may be said by an annotation, which a plugin turns into a section. */
    bool sure = json_get(c->config.root, "linux");

    if (settings_of_host(c, err) < 0 || (sure && open_cgroup_managers(c, err) < 0) ||
        fields_open(c, false, err) < 0 || check(c, err) < 0 || adjust(c, err) < 0)
        return -1;
    if (sure || config_is_foreign(c->config.root))
        return 0;
    return open_cgroup_managers(c, err) < 0 || check(c, err) < 0 ? -1 : adjust(c, err);
}

int plugins_for_process(struct container *c, const struct json *process, struct error *err)
{
    if (fields_open_below(&c->plugins, process->root, spec_process, "process", err) < 0 ||
        read_settings(c, err) < 0 ||
        fields_served(&c->plugins, process->root, spec_process, "process", err) < 0)
        return -1;
    /* What plugins read of the process is this one; most containers have none that does. */
    if (!c->plugins.n_opened)
        return 0;
    if (json_insert(&c->config, c->config.root, "process", process->text, process->size, err) < 0)
        return -1;
    return fields_check(&c->plugins, &c->config, err);
}
