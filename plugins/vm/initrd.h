/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_VM_INITRD_H
#define PLUGINS_VM_INITRD_H

#include "plugins/vm/kernel.h"

/* As the agent loads them: /modules/NAME.ko, and their names in /modules/order. */
void initrd_append_modules(struct buffer *archive, const struct modules *modules);

#endif
