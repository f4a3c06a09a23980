/* SPDX-License-Identifier: Apache-2.0 */
/* Names of network devices, by the kernel's rules. Pure. */
#ifndef PLUGINS_NETDEV_NAMES_H
#define PLUGINS_NETDEV_NAMES_H

#include <net/if.h>
#include <stdbool.h>

/* "eth%d": the kernel puts the first free number in. */
bool name_is_template(const char *name);

/* NULL, or what is wrong with the name of a device that exists, to be said behind it. */
const char *name_problem(const char *name);

/* The same of a name to be given, which may be a template. */
const char *new_name_problem(const char *name);

/* The label of an IPv4 address, as its device is renamed: "eth0:1" becomes "net0:1". */
void label_renamed(char to[IFNAMSIZ], const char *label, const char *old, const char *new);

#endif
