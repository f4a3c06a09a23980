/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_LINK_H
#define TESTS_FREEBSD_LINK_H

/* dlinfo(3), dl_iterate_phdr(3) */
#include <elf.h>
#include <stddef.h>
#define ElfW(type) Elf64_##type
typedef char *caddr_t;
struct link_map {
    caddr_t l_base;
    const char *l_name;
    const void *l_ld;
    struct link_map *l_next, *l_prev;
    caddr_t l_addr;
    const char *l_refname;
};
struct dl_phdr_info {
    Elf64_Addr dlpi_addr;
    const char *dlpi_name;
    const Elf64_Phdr *dlpi_phdr;
    Elf64_Half dlpi_phnum;
};
int dl_iterate_phdr(int (*look)(struct dl_phdr_info *object, size_t size, void *data), void *data);

#endif
