/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a loaded object exports, from the hash table by which the dynamic linker finds it. Whatever a plugin
 * exports beside its descriptor can only be taken for somebody else's, by it or by its libraries.
 */
#include "core/plugin-parts.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* The ABIs of two processors made it wider. */
#if defined(__alpha__) || defined(__s390x__)
typedef uint64_t hash_entry;
#else
typedef uint32_t hash_entry;
#endif

/* What some linkers add on their own. */
static bool of_the_linker(const char *name)
{
    static const char *const names[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/* The linker has made addresses of most of these; on some architectures they are still offsets. */
static const void *section(const struct link_map *map, ElfW(Sxword) tag)
{
    const ElfW(Addr) base = (ElfW(Addr))map->l_addr;

    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
        if (d->d_tag == tag)
            return (const void *)(d->d_un.d_ptr < base ? d->d_un.d_ptr + base : d->d_un.d_ptr);
    return NULL;
}

struct exports {
    const ElfW(Sym) * symbols;
    const char *strings;
    const char *expected;
};

/* The symbol's name, if it is one too many. */
static const char *surplus(const struct exports *e, size_t i)
{
    const ElfW(Sym) *s = &e->symbols[i];
    const char *name = e->strings + s->st_name;
    unsigned visibility = s->st_other & 3u;

    if (s->st_shndx == SHN_UNDEF || ELF32_ST_BIND(s->st_info) == STB_LOCAL ||
        visibility == STV_HIDDEN || visibility == STV_INTERNAL)
        return NULL;
    return strcmp(name, e->expected) != 0 && !of_the_linker(name) ? name : NULL;
}

/* Buckets lead to chains, which lie side by side behind them; the lowest bit ends a chain. */
static const char *surplus_gnu(const struct exports *e, const uint32_t *hash)
{
    uint32_t n = hash[0], first = hash[1];
    const uint32_t *buckets = hash + 4 + hash[2] * (sizeof(ElfW(Addr)) / sizeof *hash);
    const uint32_t *chain = buckets + n;

    for (uint32_t b = 0; b < n; b++) {
        for (uint32_t i = buckets[b]; i >= first; i++) {
            const char *name = surplus(e, i);

            if (name)
                return name;
            if (chain[i - first] & 1)
                break;
        }
    }
    return NULL;
}

static const char *surplus_sysv(const struct exports *e, const hash_entry *hash)
{
    const char *name = NULL;

    for (hash_entry i = 0; i < hash[1] && !name; i++)
        name = surplus(e, i);
    return name;
}

int plugin_exports_only(void *handle, const char *symbol, struct error *err)
{
    struct exports e = {.expected = symbol};
    const void *gnu, *sysv;
    const char *name = NULL;
    struct link_map *map;

    if (dlinfo(handle, RTLD_DI_LINKMAP, &map))
        return fail(err, 0, NULL, "has symbols that cannot be found: %s", dlerror());
    e.symbols = section(map, DT_SYMTAB);
    e.strings = section(map, DT_STRTAB);
    gnu = section(map, DT_GNU_HASH);
    sysv = section(map, DT_HASH);
    if (!e.symbols || !e.strings || (!gnu && !sysv))
        return fail(err, 0, NULL, "has no table of its symbols");
    name = gnu ? surplus_gnu(&e, gnu) : surplus_sysv(&e, sysv);
    return name ? fail(err, 0, NULL, "exports %s as well", name) : 0;
}
