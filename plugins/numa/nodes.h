/* SPDX-License-Identifier: Apache-2.0 */
/* A set of memory nodes, and the text that names one: "0-3,7". */
#ifndef PLUGINS_NUMA_NODES_H
#define PLUGINS_NUMA_NODES_H

#include <limits.h>
#include <stddef.h>

/* set_mempolicy(2) takes a page of bits, and the smallest page has 4096 bytes. How many nodes there
 * can be is the kernel's to say: 1024 at most by NODES_SHIFT, 64 in many configurations. */
#define NODES_MAX      (4096 * CHAR_BIT)
#define NODES_PER_WORD (sizeof(unsigned long) * CHAR_BIT)

struct nodes {
    unsigned bits; /* the highest node and one; 0: no node */
    unsigned long mask[NODES_MAX / NODES_PER_WORD];
};

/* NULL, or what is wrong with the list, to be said behind it. */
const char *nodes_parse(const char *list, struct nodes *nodes);

/* Bytes of the mask up to the highest node, in whole words, as the kernel reads them. */
size_t nodes_size(const struct nodes *nodes);

#endif
