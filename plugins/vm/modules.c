/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel has built in, what it has to load and in which order. modules.order and modules.builtin come with the
 * modules themselves; modules.dep is made later, by depmod, and is not there where a package was only unpacked. So what
 * a module needs is read from the module.
 */
#include "plugins/vm/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "plugins/vm/decompress.h"

void modules_free(struct modules *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->at[i].name);
        free(m->at[i].path);
        buffer_free(&m->at[i].bytes);
    }
    free(m->at);
}

/* --- lists ---------------------------------------------------------------------------------------- */

static bool same_name(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]))
            return false;
    return true;
}

size_t module_find(const char *list, const char *module, const char **path)
{
    size_t length = strlen(module);

    for (size_t n; *list; list += n + (list[n] == '\n')) {
        const char *name;

        n = strcspn(list, "\n");
        name = list + n;
        while (name > list && name[-1] != '/')
            name--;
        if ((size_t)(list + n - name) == length + 3 && same_name(name, module, length) &&
            !memcmp(name + length, ".ko", 3)) {
            *path = list;
            return n;
        }
    }
    return 0;
}

bool kernel_has(const struct kernel *k, const char *module)
{
    const char *path;

    return !k->modules || module_find(k->builtin, module, &path) ||
           module_find(k->order, module, &path);
}

/* --- a module -------------------------------------------------------------------------------------- */

/* Entries of .modinfo are strings "name=value", each with its NUL. */
#define NEEDS "\0depends="

const char *module_needs(const void *module, size_t size)
{
    const char *at = size ? memmem(module, size, NEEDS, sizeof(NEEDS) - 1) : NULL, *end;

    if (!at)
        return "";
    at += sizeof(NEEDS) - 1;
    end = memchr(at, '\0', size - (size_t)(at - (const char *)module));
    return end ? at : "";
}

static const char *const endings[] = {"", ".xz", ".zst", ".gz"};

static int open_module(const struct kernel *k, const char *path, struct buffer *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        int fd;

        name->length = 0;
        buffer_print(name, "%s/%s%s", k->modules, path, endings[i]);
        if (!buffer_text(name))
            return -1;
        if ((fd = open(name->at, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) >= 0 || errno != ENOENT)
            return fd;
    }
    return -1;
}

static int read_all(struct hozo_ctx *ctx, int fd, const char *name, struct buffer *to)
{
    char chunk[65536];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buffer_append(to, chunk, (size_t)n);
    if (n < 0 || to->failed)
        return hozo_error(ctx, n < 0 ? errno : ENOMEM, NULL, "%s", name);
    return 0;
}

/* Unpacking takes longer than all else here: it is done once for each file. */
static int read_packed(struct hozo_ctx *ctx, int fd, const char *name, struct buffer *to)
{
    auto_buffer struct buffer packed = {0}, key = {0};
    const void *kept;
    struct stat st;
    size_t size;

    if (fstat(fd, &st) < 0)
        return hozo_error(ctx, errno, NULL, "%s", name);
    buffer_print(&key, "module %llx:%llx %lld %lld.%09ld %s", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                 st.st_mtim.tv_nsec, name);
    if (key.failed)
        return hozo_error(ctx, ENOMEM, NULL, "%s", name);
    if (hozo_cache_get(ctx, key.at, key.length, &kept, &size) > 0) {
        buffer_append(to, kept, size);
        return to->failed ? hozo_error(ctx, ENOMEM, NULL, "%s", name) : 0;
    }
    if (read_all(ctx, fd, name, &packed) < 0 ||
        decompress(ctx, name, packed.at, packed.length, to) < 0)
        return -1;
    return hozo_cache_put(ctx, key.at, key.length, to->at, to->length);
}

static int read_module(struct hozo_ctx *ctx, const struct kernel *k, const char *path,
                       struct buffer *to)
{
    auto_buffer struct buffer name = {0};
    auto_close int fd = open_module(k, path, &name);
    size_t n = name.length;

    if (fd < 0)
        return hozo_error(ctx, errno, VM_KERNEL, "the module %s/%s", k->modules, path);
    return n > 3 && !memcmp(name.at + n - 3, ".ko", 3) ? read_all(ctx, fd, name.at, to)
                                                       : read_packed(ctx, fd, name.at, to);
}

/* --- the order -------------------------------------------------------------------------------------- */

/* Deeper than any real one: modules cannot need each other, depmod refuses that. */
#define DEPTH_MAX 32

struct resolving {
    struct hozo_ctx *ctx;
    const struct kernel *kernel;
    struct modules *done;
};

static bool is_done(const struct modules *m, const char *path, size_t length)
{
    for (size_t i = 0; i < m->n; i++)
        if (strlen(m->at[i].path) == length && !memcmp(m->at[i].path, path, length))
            return true;
    return false;
}

static int add(struct resolving *r, const char *name, unsigned depth);

static int add_needs(struct resolving *r, const char *needs, unsigned depth)
{
    auto_free char *copy = strdup(needs);
    char *rest = copy, *name;

    if (!copy)
        return hozo_error(r->ctx, ENOMEM, VM_KERNEL, "modules");
    while ((name = strsep(&rest, ",")))
        if (*name && add(r, name, depth) < 0)
            return -1;
    return 0;
}

/* Takes over the bytes. */
static int append(struct resolving *r, const char *name, char **path, struct buffer *bytes)
{
    struct module *more = reallocarray(r->done->at, r->done->n + 1, sizeof(*more));
    char *own = strdup(name);

    if (more)
        r->done->at = more;
    if (!more || !own) {
        free(own);
        return hozo_error(r->ctx, ENOMEM, VM_KERNEL, "modules");
    }
    for (char *c = own; *c; c++)
        if (*c == '-')
            *c = '_';
    more[r->done->n++] = (struct module){.name = own, .path = *path, .bytes = *bytes};
    *path = NULL;
    *bytes = (struct buffer){0};
    return 0;
}

static int add(struct resolving *r, const char *name, unsigned depth)
{
    const struct kernel *k = r->kernel;
    auto_buffer struct buffer bytes = {0};
    auto_free char *path = NULL;
    const char *found;
    size_t length;

    if (module_find(k->builtin, name, &found))
        return 0;
    if (!(length = module_find(k->order, name, &found)))
        return hozo_error(r->ctx, 0, VM_KERNEL, "this kernel has no %s, neither built in nor in %s",
                          name, k->modules);
    if (is_done(r->done, found, length))
        return 0;
    if (depth == DEPTH_MAX)
        return hozo_error(r->ctx, 0, VM_KERNEL, "the modules in %s need each other", k->modules);
    if (!(path = strndup(found, length)))
        return hozo_error(r->ctx, ENOMEM, VM_KERNEL, "modules");
    if (read_module(r->ctx, k, path, &bytes) < 0 ||
        add_needs(r, module_needs(bytes.at, bytes.length), depth + 1) < 0)
        return -1;
    return append(r, name, &path, &bytes);
}

int modules_resolve(struct hozo_ctx *ctx, const struct kernel *k, const struct buffer *names,
                    struct modules *m)
{
    struct resolving r = {.ctx = ctx, .kernel = k, .done = m};

    if (!k->modules)
        return 0;
    for (const char *name = names->at; name < names->at + names->length; name += strlen(name) + 1) {
        bool optional = *name == '?';

        if (optional && !kernel_has(k, name + 1))
            continue;
        if (add(&r, name + optional, 0) < 0)
            return -1;
    }
    return 0;
}
