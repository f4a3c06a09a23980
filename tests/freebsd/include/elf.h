/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_ELF_H
#define TESTS_FREEBSD_ELF_H

/* elf(5), of 64 bits */
#include <stdint.h>
typedef uint16_t Elf64_Half;
typedef uint32_t Elf64_Word;
typedef int64_t Elf64_Sxword;
typedef uint64_t Elf64_Xword, Elf64_Addr, Elf64_Off;
#define EI_CLASS  4
#define EI_DATA   5
#define EI_NIDENT 16
#define ELFMAG    "\177ELF"
#define SELFMAG   4
#define ET_DYN    3
typedef struct {
    unsigned char e_ident[EI_NIDENT];
    Elf64_Half e_type, e_machine;
    Elf64_Word e_version;
    Elf64_Addr e_entry;
    Elf64_Off e_phoff, e_shoff;
    Elf64_Word e_flags;
    Elf64_Half e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
} Elf64_Ehdr;
typedef struct {
    Elf64_Word sh_name, sh_type;
    Elf64_Xword sh_flags;
    Elf64_Addr sh_addr;
    Elf64_Off sh_offset;
    Elf64_Xword sh_size;
    Elf64_Word sh_link, sh_info;
    Elf64_Xword sh_addralign, sh_entsize;
} Elf64_Shdr;
#define PT_LOAD      1
#define PT_DYNAMIC   2
#define PT_NOTE      4
#define PT_GNU_STACK 0x6474e551
#define PF_X         1
#define PF_W         2
typedef struct {
    Elf64_Word p_type, p_flags;
    Elf64_Off p_offset;
    Elf64_Addr p_vaddr, p_paddr;
    Elf64_Xword p_filesz, p_memsz, p_align;
} Elf64_Phdr;
#define DT_NULL         0
#define DT_NEEDED       1
#define DT_HASH         4
#define DT_STRTAB       5
#define DT_SYMTAB       6
#define DT_STRSZ        10
#define DT_INIT         12
#define DT_SONAME       14
#define DT_RPATH        15
#define DT_TEXTREL      22
#define DT_INIT_ARRAY   25
#define DT_INIT_ARRAYSZ 27
#define DT_RUNPATH      29
#define DT_FLAGS        30
#define DT_GNU_HASH     0x6ffffef5
#define DF_TEXTREL      4
typedef struct {
    Elf64_Sxword d_tag;
    union {
        Elf64_Xword d_val;
        Elf64_Addr d_ptr;
    } d_un;
} Elf64_Dyn;
#define SHN_UNDEF    0
#define STB_LOCAL    0
#define STV_INTERNAL 1
#define STV_HIDDEN   2
#define ELF32_ST_BIND(info) ((info) >> 4)
#define ELF64_ST_BIND(info) ((info) >> 4)
typedef struct {
    Elf64_Word st_name;
    unsigned char st_info, st_other;
    Elf64_Half st_shndx;
    Elf64_Addr st_value;
    Elf64_Xword st_size;
} Elf64_Sym;
#define NT_GNU_BUILD_ID 3
typedef struct {
    Elf64_Word n_namesz, n_descsz, n_type;
} Elf64_Nhdr;

#endif
