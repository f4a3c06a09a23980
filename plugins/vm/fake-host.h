/* SPDX-License-Identifier: Apache-2.0 */
/* A host for parts of this plugin alone: errors as text, a cache in memory, no setting. */
#ifndef PLUGINS_VM_FAKE_HOST_H
#define PLUGINS_VM_FAKE_HOST_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hozo/plugin.h>

#define FAKE_ENTRIES 16

struct fake {
    struct hozo_ctx ctx;
    char error[512];
    struct {
        char *key, *bytes;
        size_t key_size, size;
    } cache[FAKE_ENTRIES];
    unsigned kept, found, libraries;
};

static struct fake fake;

__attribute__((format(printf, 4, 0))) static int
fake_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt, va_list ap)
{
    char text[400];

    (void)ctx;
    vsnprintf(text, sizeof(text), fmt, ap);
    snprintf(fake.error, sizeof(fake.error), "%s%s%s%s%s", path ? path : "", path ? ": " : "", text,
             errnum ? ": " : "", errnum ? strerror(errnum) : "");
    return -1;
}

static void *fake_dlopen(struct hozo_ctx *ctx, const char *library)
{
    void *handle = dlopen(library, RTLD_NOW);

    fake.libraries++;
    if (!handle)
        hozo_error(ctx, 0, NULL, "no %s", library);
    return handle;
}

static void *copy_of(const void *bytes, size_t size)
{
    void *to = malloc(size ? size : 1);

    if (!to)
        abort();
    return memcpy(to, bytes, size);
}

static int fake_get(struct hozo_ctx *ctx, const void *key, size_t key_size, const void **bytes,
                    size_t *size)
{
    (void)ctx;
    for (unsigned i = 0; i < fake.kept; i++)
        if (fake.cache[i].key_size == key_size && !memcmp(fake.cache[i].key, key, key_size)) {
            *bytes = fake.cache[i].bytes;
            *size = fake.cache[i].size;
            fake.found++;
            return 1;
        }
    return 0;
}

static int fake_put(struct hozo_ctx *ctx, const void *key, size_t key_size, const void *bytes,
                    size_t size)
{
    (void)ctx;
    if (fake.kept < FAKE_ENTRIES) {
        fake.cache[fake.kept].key = copy_of(key, key_size);
        fake.cache[fake.kept].key_size = key_size;
        fake.cache[fake.kept].bytes = copy_of(bytes, size);
        fake.cache[fake.kept++].size = size;
    }
    return 0;
}

static int fake_setting(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                        struct hozo_cursor *found)
{
    (void)ctx;
    (void)at;
    (void)path;
    (void)found;
    return 0;
}

static const struct hozo_host fake_host = {
    .size = sizeof(fake_host),
    .error = fake_error,
    .dlopen = fake_dlopen,
    .cache_get = fake_get,
    .cache_put = fake_put,
    .setting = fake_setting,
};

static struct hozo_ctx *fake_begin(void)
{
    fake.ctx.host = &fake_host;
    fake.error[0] = '\0';
    fake.found = fake.libraries = 0;
    return &fake.ctx;
}

/* In the tests' own heap: with sanitizers, what is not freed is a failure. */
__attribute__((unused)) static void fake_end(void)
{
    for (unsigned i = 0; i < fake.kept; i++) {
        free(fake.cache[i].key);
        free(fake.cache[i].bytes);
    }
    fake.kept = 0;
}

#endif
