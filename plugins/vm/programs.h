/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that the plugin carries, as the build made them. */
#ifndef PLUGINS_VM_PROGRAMS_H
#define PLUGINS_VM_PROGRAMS_H

#include <stddef.h>

extern const char vm_agent_image[], vm_init_image[], vm_monitor_image[];
extern const size_t vm_agent_size, vm_init_size, vm_monitor_size;

#endif
