/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_RDT_MOUNTINFO_H
#define PLUGINS_RDT_MOUNTINFO_H

/* Of a line of mountinfo, which is changed: where the whole of a resctrl is mounted, or NULL. */
char *mountinfo_resctrl(char *line);

#endif
