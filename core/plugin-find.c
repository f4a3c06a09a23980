/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin directories, or the table of a static build, hold: names only; nothing is opened.
 */
#include "core/plugin-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "build-config.h"
#include "core/files.h"

/* --- names ------------------------------------------------------------------------------------ */

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@-"

bool plugin_name_is_sound(const char *name)
{
    return *name && *name != '.' && !name[strspn(name, NAME_CHARACTERS)];
}

bool annotation_matches(const char *key, const char *prefix)
{
    size_t n = strlen(prefix);

    return !strncmp(key, prefix, n) && (!key[n] || key[n] == '.' || key[n] == '/');
}

static enum plugin_kind section_kind(const char *name, const char **why)
{
    const struct spec_field *row = spec_find(name);

    if (!row) {
        *why = "the specification has no such section";
        return KIND_STRAY;
    }
    /* An object of the core may hold sections of plugins. */
    if (row->server == SERVED_BY_PLUGIN ||
        (row->server == SERVED_BY_CORE && row->type == SPEC_OBJECT))
        return KIND_SECTION;
    *why = "the section is not a plugin's to serve";
    return KIND_STRAY;
}

static bool has_two_labels(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot && dot > key && dot[1];
}

/* Any member that config.json may hold on this system can be watched, the core's as well. */
static enum plugin_kind watcher_kind(const char *name, const char **why)
{
    size_t n = strcspn(name, "@");
    auto_free char *path = strndup(name, n);
    const struct spec_field *row = path ? spec_find(path) : NULL;

    if (!name[n + 1] || strchr(name + n + 1, '@'))
        *why = "the name of a watcher is not of the form PATH@NAME";
    else if (path && !strncmp(path, "annotations.", 12) ? !has_two_labels(path + 12) : !row)
        *why = "the specification has no such member to be watched";
    else if (row && row->server == SERVED_ELSEWHERE)
        *why = "what it watches belongs to another system";
    else
        return KIND_WATCHER;
    return KIND_STRAY;
}

enum plugin_kind plugin_kind(const char *name, const char **why)
{
    const char *none;

    if (!why)
        why = &none;
    *why = NULL;
    if (!*name) {
        *why = "the name is not of the form NAME.so";
        return KIND_STRAY;
    }
    if (strchr(name, '@'))
        return watcher_kind(name, why);
    if (*name == '+')
        return KIND_SERVICE;
    if (strncmp(name, "annotations.", 12))
        return section_kind(name, why);
    /* One label alone, "com", would take the keys of everybody. */
    if (has_two_labels(name + 12))
        return KIND_ANNOTATIONS;
    *why = "annotations are served from two labels on";
    return KIND_STRAY;
}

/* --- scanning --------------------------------------------------------------------------------- */

static struct plugin_file *add(struct plugins *p)
{
    struct plugin_file *files = reallocarray(p->files, p->n_files + 1, sizeof *files);

    if (!files)
        return NULL;
    p->files = files;
    files[p->n_files] = (struct plugin_file){0};
    return &files[p->n_files++];
}

#if HOZO_STATIC_PLUGINS_BUILD
extern const struct hozo_plugin *const static_plugins[]; /* NULL behind the last */

static int scan_all(struct plugins *p, struct error *err)
{
    if (p->dir)
        return fail(err, 0, NULL, "--plugin-dir: the plugins are built into this hozo");
    for (const struct hozo_plugin *const *d = static_plugins; *d; d++) {
        if (plugin_check(*d, err) < 0)
            return -1;
        for (uint32_t i = 0; i < (*d)->names.count; i++) {
            struct plugin_file *f = add(p);

            if (!f || !(f->name = strdup(table_string(&(*d)->names, i))) ||
                !(f->path = strdup("(built in)")))
                return fail_memory(err);
            f->built_in = *d;
        }
    }
    return 0;
}
#else
static int add_entry(struct plugins *p, const char *dir, const char *entry, struct error *err)
{
    size_t length = strlen(entry);
    bool counts = length > 3 && !strcmp(entry + length - 3, ".so") && plugin_name_is_sound(entry);
    struct plugin_file *f = add(p);

    if (!f || !(f->name = strndup(entry, counts ? length - 3 : 0)) ||
        asprintf(&f->path, "%s/%s", dir, entry) < 0)
        return fail_memory(err);
    return 0;
}

static int scan_directory(struct plugins *p, const char *dir, struct error *err)
{
    auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    union {
        struct dirent first;
        char bytes[8192];
    } buffer;
    ssize_t n;

    if (fd < 0)
        /* A directory of the built-in list need not be there. */
        return errno == ENOENT && !p->dir ? 0 : fail(err, errno, NULL, "plugin directory %s", dir);
    while ((n = directory_read(fd, &buffer.first, sizeof buffer)) > 0) {
        const struct dirent *d;

        for (ssize_t at = 0; at < n; at += d->d_reclen) {
            d = (const void *)(buffer.bytes + at);
            if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
                continue;
            if (add_entry(p, dir, d->d_name, err) < 0)
                return -1;
        }
    }
    return n < 0 ? fail(err, errno, NULL, "read plugin directory %s", dir) : 0;
}

static int scan_all(struct plugins *p, struct error *err)
{
    char list[] = HOZO_PLUGIN_DIRS, *rest = list, *dir;

    if (p->dir)
        return scan_directory(p, p->dir, err);
    while ((dir = strsep(&rest, ":")))
        if (*dir && scan_directory(p, dir, err) < 0)
            return -1;
    return 0;
}
#endif

static int by_name(const void *a, const void *b)
{
    const struct plugin_file *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->path, y->path);
}

int plugins_scan(struct plugins *p, struct error *err)
{
    auto_span struct trace *span UNUSED = NULL;

    if (p->scanned)
        return 0;
    span = span_begin(p->trace, SPAN_FIND, NULL);
    if (scan_all(p, err) < 0)
        return -1;
    if (p->n_files)
        qsort(p->files, p->n_files, sizeof *p->files, by_name);
    p->scanned = true;
    return 0;
}

static bool has_name(const struct hozo_plugin *d, const char *name)
{
    for (uint32_t i = 0; i < d->names.count; i++)
        if (!strcmp(table_string(&d->names, i), name))
            return true;
    return false;
}

static void take_out(struct plugins *p, const struct hozo_plugin *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->n_files; i++) {
        if (!has_name(d, p->files[i].name)) {
            p->files[kept++] = p->files[i];
            continue;
        }
        free(p->files[i].name);
        free(p->files[i].path);
    }
    p->n_files = kept;
}

int plugins_put(struct plugins *p, const struct hozo_plugin *d, const char *path, struct error *err)
{
    if (plugins_scan(p, err) < 0)
        return -1;
    take_out(p, d);
    for (uint32_t i = 0; i < d->names.count; i++) {
        struct plugin_file *f = add(p);

        if (!f || !(f->name = strdup(table_string(&d->names, i))) || !(f->path = strdup(path)))
            return fail_memory(err);
        f->built_in = d;
    }
    qsort(p->files, p->n_files, sizeof *p->files, by_name);
    return 0;
}

size_t plugin_files(const struct plugins *p, const char *name, struct plugin_file **first)
{
    size_t i = 0, n = 0;

    while (i < p->n_files && strcmp(p->files[i].name, name))
        i++;
    while (i + n < p->n_files && !strcmp(p->files[i + n].name, name))
        n++;
    *first = p->files + i;
    return n;
}

/* The link's text counts as well as what it leads to: /dev may be empty. */
static bool leads_to_null(const char *path)
{
    char target[sizeof "/dev/null"];
    ssize_t n = readlink(path, target, sizeof target);
    struct stat st;

    if (n < 0)
        return false;
    if (n == sizeof target - 1 && !memcmp(target, "/dev/null", (size_t)n))
        return true;
    return !stat(path, &st) && S_ISCHR(st.st_mode) && device_is_null(st.st_rdev);
}

/* Asked only of names that are needed, so that an unused plugin costs nothing but its entry. */
const char *plugin_masked(const struct plugins *p, const char *name)
{
    struct plugin_file *f;
    size_t n = plugin_files(p, name, &f);

    for (size_t i = 0; i < n; i++)
        if (!f[i].built_in && leads_to_null(f[i].path))
            return f[i].path;
    return NULL;
}
