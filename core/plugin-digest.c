/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One number for the set of installed plugins: it changes whenever they do, so that engines, which
 * keep the answer of `features`, can see that theirs is old.
 */
#include "core/plugin-parts.h"

#include <link.h>
#include <string.h>

#include "core/sha256.h"

struct build_id {
    uintptr_t address;
    char hex[2 * 32 + 1];
};

static void read_notes(struct build_id *id, const char *at, size_t size)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = ((size_t)note->n_namesz + 3) & ~(size_t)3,
               all = sizeof *note + name + (((size_t)note->n_descsz + 3) & ~(size_t)3);
        const unsigned char *bytes = (const unsigned char *)at + sizeof *note + name;

        if (all > size)
            return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
            !memcmp(at + sizeof *note, "GNU", 4))
            for (size_t i = 0; i < note->n_descsz && 2 * i + 2 < sizeof id->hex; i++)
                snprintf(id->hex + 2 * i, 3, "%02x", bytes[i]);
        at += all;
        size -= all;
    }
}

/* Called for each loaded object: 1 at the one that holds the address. */
static int find_object(struct dl_phdr_info *object, size_t size UNUSED, void *data)
{
    struct build_id *id = data;
    bool here = false;

    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];

        here |= p->p_type == PT_LOAD && id->address - object->dlpi_addr - p->p_vaddr < p->p_memsz;
    }
    for (unsigned i = 0; here && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];

        if (p->p_type == PT_NOTE)
            read_notes(id, (const char *)(object->dlpi_addr + p->p_vaddr), p->p_memsz);
    }
    return here;
}

/* The files are sorted by name. */
void plugins_digest(const struct plugins *p, struct text *out)
{
    auto_text struct text all = {0};
    char hex[65];

    for (size_t i = 0; i < p->n_files; i++) {
        const struct plugin *plugin = p->files[i].plugin;
        struct build_id id = {.address = (uintptr_t)(plugin ? plugin->d : NULL)};

        if (!plugin)
            continue;
        dl_iterate_phdr(find_object, &id);
        text_add(&all, "%s %s %s %s\n", p->files[i].name, plugin->d->name, plugin->d->version,
                 id.hex);
    }
    out->failed |= all.failed;
    sha256_hex(all.at ? all.at : "", all.length, hex);
    text_add(out, "%s", hex);
}
