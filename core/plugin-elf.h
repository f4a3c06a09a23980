/* SPDX-License-Identifier: Apache-2.0 */
/* A file as the dynamic linker will see it, before it does. */
#ifndef CORE_PLUGIN_ELF_H
#define CORE_PLUGIN_ELF_H

#include <link.h>

#include "core/error.h"

struct elf {
    const char *at; /* all of the file */
    size_t size;
    const ElfW(Ehdr) * header;
    const ElfW(Phdr) * segments;
    const ElfW(Dyn) * dynamic; /* n_dynamic entries in front of DT_NULL */
    size_t n_dynamic;
    const char *strings; /* of the dynamic section; ends with a NUL */
    size_t strings_size;
};

#endif
