/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/seccomp/library.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LIBRARY "libseccomp.so.2"

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct library, member)                                                     \
    }

static const struct {
    const char *name;
    size_t member;
} symbols[] = {
    SYMBOL(version, "seccomp_version"),
    SYMBOL(arch_native, "seccomp_arch_native"),
    SYMBOL(arch_resolve_name, "seccomp_arch_resolve_name"),
    SYMBOL(resolve_name, "seccomp_syscall_resolve_name_arch"),
    SYMBOL(resolve_number, "seccomp_syscall_resolve_num_arch"),
};

int library_open(struct hozo_ctx *ctx, struct library *l)
{
    if (!(l->handle = hozo_dlopen(ctx, LIBRARY)))
        return -1;
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(l->handle, symbols[i].name);

        if (!symbol)
            return hozo_error(ctx, 0, SECCOMP, LIBRARY " has no %s", symbols[i].name);
        memcpy((char *)l + symbols[i].member, &symbol, sizeof(symbol));
    }
    return 0;
}

/* --- identity --------------------------------------------------------------------------------- */

static bool identify(const char *version, const char *path, char identity[IDENTITY_MAX])
{
    struct stat st;
    int n;

    if (stat(path, &st) < 0)
        return false;
    n = snprintf(identity, IDENTITY_MAX, "libseccomp %s %llx:%llx %lld %lld.%09ld %s", version,
                 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
                 (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, path);
    return n > 0 && n < IDENTITY_MAX;
}

int library_identity(const struct library *l, char identity[IDENTITY_MAX])
{
    const struct scmp_version *v = l->version();
    struct link_map *map;
    char version[64];

    if (dlinfo(l->handle, RTLD_DI_LINKMAP, &map) < 0 || map->l_name[0] != '/')
        return -1;
    snprintf(version, sizeof(version), "%u.%u.%u", v->major, v->minor, v->micro);
    return identify(version, map->l_name, identity) ? 0 : -1;
}

bool identity_holds(const char *identity)
{
    char version[64], now[IDENTITY_MAX];
    const char *path = strchr(identity, '/');

    return path && sscanf(identity, "libseccomp %63s", version) == 1 &&
           identify(version, path, now) && !strcmp(identity, now);
}
