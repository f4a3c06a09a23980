/* SPDX-License-Identifier: Apache-2.0 */
/* A set of CPUs, and the text that names one: "0-3,7". */
#ifndef CORE_LINUX_CPU_LIST_H
#define CORE_LINUX_CPU_LIST_H

#include "core/base.h"

/* No kernel is built for more (NR_CPUS), and of a longer mask it reads no more than it has. */
#define CPUS_MAX      8192
#define CPUS_PER_WORD (8 * sizeof(unsigned long))

struct cpu_list {
    size_t
        size; /* bytes of the mask up to the highest CPU, in whole words, as the kernel reads them */
    unsigned long mask[CPUS_MAX / CPUS_PER_WORD];
};

/* NULL, or what is wrong with the text, to be said behind it. */
const char *cpu_list_parse(const char *text, struct cpu_list *list);

#endif
