/* SPDX-License-Identifier: Apache-2.0 */
/* A guest of Xen's goes on when xl, which has started it, is killed. */
#ifndef PLUGINS_VM_DOMAIN_H
#define PLUGINS_VM_DOMAIN_H

#include "plugins/vm/vm.h"

#define DOMAIN_NAME "hozo-%s" /* the container's id */

/* Before the guest is made: by which program it is ended. */
void domain_keep(struct buffer *json, const struct found *f);

#endif
