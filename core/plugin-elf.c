/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of a file say, of which nothing is loaded: bounds are looked at first. An author is told this
 * much before the linker, whose ways with it differ between versions.
 */
#include "core/plugin-subject.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* hozo's own header: the machine that it was compiled for. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* --- pieces of the file ----------------------------------------------------------------------- */

static const void *piece(const struct elf *e, uint64_t offset, uint64_t size, size_t alignment)
{
    return offset <= e->size && size <= e->size - offset && offset % alignment == 0 ? e->at + offset
                                                                                    : NULL;
}

static const ElfW(Phdr) * segment(const struct elf *e, uint32_t type)
{
    for (size_t i = 0; i < e->header->e_phnum; i++)
        if (e->segments[i].p_type == type)
            return &e->segments[i];
    return NULL;
}

/* What will lie at an address. */
static const void *loaded(const struct elf *e, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < e->header->e_phnum; i++) {
        const ElfW(Phdr) *s = &e->segments[i];

        if (s->p_type == PT_LOAD && address >= s->p_vaddr && address - s->p_vaddr <= s->p_filesz &&
            size <= s->p_filesz - (address - s->p_vaddr))
            return piece(e, s->p_offset + (address - s->p_vaddr), size, 1);
    }
    return NULL;
}

static const ElfW(Dyn) * dynamic(const struct elf *e, ElfW(Sxword) tag)
{
    for (size_t i = 0; i < e->n_dynamic; i++)
        if (e->dynamic[i].d_tag == tag)
            return &e->dynamic[i];
    return NULL;
}

static const char *string(const struct elf *e, uint64_t index)
{
    return index < e->strings_size ? e->strings + index : "";
}

static const char *section_name(const struct elf *e, const ElfW(Shdr) * sections, size_t i)
{
    const ElfW(Shdr) *names = &sections[e->header->e_shstrndx];
    const char *all = piece(e, names->sh_offset, names->sh_size, 1);

    return all && names->sh_size && !all[names->sh_size - 1] && sections[i].sh_name < names->sh_size
               ? all + sections[i].sh_name
               : "";
}

/* The address of a section, or 0. */
static uint64_t section(const struct elf *e, const char *name)
{
    const ElfW(Ehdr) *h = e->header;
    const ElfW(Shdr) *sections =
        piece(e, h->e_shoff, (uint64_t)h->e_shnum * sizeof *sections, _Alignof(ElfW(Shdr)));

    for (size_t i = 0; sections && h->e_shstrndx < h->e_shnum && i < h->e_shnum; i++)
        if (!strcmp(section_name(e, sections, i), name))
            return sections[i].sh_addr;
    return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int map(struct elf *e, const char *path, struct error *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *at;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(err, errno, NULL, "cannot be read");
    if ((size_t)st.st_size < sizeof *e->header)
        return fail(err, 0, NULL, "is no shared object");
    e->size = (size_t)st.st_size;
    if ((at = mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        return fail(err, errno, NULL, "cannot be mapped");
    e->at = at;
    return 0;
}

static int read_header(struct elf *e, struct error *err)
{
    const ElfW(Ehdr) *h = e->header = (const void *)e->at;

    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return fail(err, 0, NULL, "is no shared object");
    if (h->e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
        h->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
        h->e_machine != __ehdr_start.e_machine)
        return fail(err, 0, NULL, "is for another machine: ELF machine %u instead of %u",
                    h->e_machine, __ehdr_start.e_machine);
    if (h->e_type != ET_DYN || h->e_phentsize != sizeof *e->segments)
        return fail(err, 0, NULL, "is no shared object, but an ELF file of type %u", h->e_type);
    e->segments =
        piece(e, h->e_phoff, (uint64_t)h->e_phnum * sizeof *e->segments, _Alignof(ElfW(Phdr)));
    return e->segments ? 0 : fail(err, 0, NULL, "is torn: its segments lie behind its end");
}

static int read_dynamic(struct elf *e, struct error *err)
{
    const ElfW(Phdr) *s = segment(e, PT_DYNAMIC);
    const ElfW(Dyn) * strings, *size;

    if (!s || !(e->dynamic = piece(e, s->p_offset, s->p_filesz, _Alignof(ElfW(Dyn)))))
        return fail(err, 0, NULL, "has no dynamic section");
    while (e->n_dynamic < s->p_filesz / sizeof *e->dynamic &&
           e->dynamic[e->n_dynamic].d_tag != DT_NULL)
        e->n_dynamic++;
    strings = dynamic(e, DT_STRTAB);
    size = dynamic(e, DT_STRSZ);
    if (strings && size)
        e->strings = loaded(e, strings->d_un.d_ptr, e->strings_size = size->d_un.d_val);
    if (!e->strings || !e->strings_size || e->strings[e->strings_size - 1])
        return fail(err, 0, NULL, "has no names in its dynamic section");
    return 0;
}

int point_shared(struct subject *s, struct error *err)
{
    if (map(&s->elf, s->real, err) < 0 || read_header(&s->elf, err) < 0)
        return -1;
    return read_dynamic(&s->elf, err);
}

/* --- the points ------------------------------------------------------------------------------- */

int point_search_path(struct subject *s, struct error *err)
{
    const ElfW(Dyn) *d = dynamic(&s->elf, DT_RPATH);
    const char *what = d ? "RPATH" : "RUNPATH";

    if (!d && !(d = dynamic(&s->elf, DT_RUNPATH)))
        return 0;
    return fail(err, 0, NULL, "has %s %s", what, string(&s->elf, d->d_un.d_val));
}

int point_relocations(struct subject *s, struct error *err)
{
    const ElfW(Dyn) *flags = dynamic(&s->elf, DT_FLAGS);

    if (dynamic(&s->elf, DT_TEXTREL) || (flags && flags->d_un.d_val & DF_TEXTREL))
        return fail(err, 0, NULL, "has text relocations");
    return 0;
}

/* Up to the version: what a compiler links to every program of its language. */
static bool of_the_language(const char *library)
{
    static const char *const starts[] = {
        "libc.so.",      "libm.so.",      "libpthread.so.", "libdl.so.",     "librt.so.",
        "ld-linux",      "ld-musl-",      "ld64.so.",       "libc.musl-",    "libgcc_s.so.",
        "libatomic.so.", "libstdc++.so.", "libc++.so.",     "libc++abi.so.",
    };

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (!strncmp(library, starts[i], strlen(starts[i])))
            return true;
    return false;
}

static bool declared(const struct check_request *r, const char *library)
{
    for (size_t i = 0; i < r->n_libraries; i++)
        if (!strcmp(r->libraries[i], library))
            return true;
    return false;
}

int point_libraries(struct subject *s, struct error *err)
{
    for (size_t i = 0; i < s->elf.n_dynamic; i++) {
        const ElfW(Dyn) *d = &s->elf.dynamic[i];
        const char *library = string(&s->elf, d->d_un.d_val);

        if (d->d_tag == DT_NEEDED && !of_the_language(library) && !declared(s->request, library))
            return fail(err, 0, NULL, "needs %s", library);
    }
    return 0;
}

/* The compiler's own start files bring a function `.init`, and one entry of the array. */
int point_constructors(struct subject *s, struct error *err)
{
    const ElfW(Dyn) *size = dynamic(&s->elf, DT_INIT_ARRAYSZ), *init = dynamic(&s->elf, DT_INIT);
    uint64_t entries = size ? size->d_un.d_val / sizeof(ElfW(Addr)) : 0;

    if (init && init->d_un.d_ptr != section(&s->elf, ".init"))
        return fail(err, 0, NULL, "has a function that begins it");
    if (entries > 1)
        return fail(err, 0, NULL, "has %llu constructors", (unsigned long long)entries - 1);
    return 0;
}

/* Without the header it is up to the linker, which then takes the old way. */
int point_stack(struct subject *s, struct error *err)
{
    const ElfW(Phdr) *stack = segment(&s->elf, PT_GNU_STACK);

    if (!stack)
        return fail(err, 0, NULL, "does not say what the stack needs: it has no GNU_STACK");
    return stack->p_flags & PF_X ? fail(err, 0, NULL, "wants an executable stack") : 0;
}
