/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a schemata file of resctrl: "L3:0=7ff;1=1f", "    MB:0= 70;1=100". */
#ifndef PLUGINS_RDT_SCHEMATA_H
#define PLUGINS_RDT_SCHEMATA_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the line is about this resource. */
bool schemata_names(const char *line, const char *resource);

/* The line of `text` that is about the same resource as `line`, without its end; NULL: none. */
const char *schemata_line(const char *text, const char *line, size_t *length);

/*
 * Whether each domain that `line` names has in `text`, the kernel's file, the value that it would have if
 * the line were written. Bandwidth the kernel may round up to a multiple of `step`; 0: it does not.
 */
bool schemata_match(const char *text, const char *line, unsigned long step);

#endif
