/* SPDX-License-Identifier: Apache-2.0 */
/* A guest of Xen's goes on when xl, which has started it, is killed. Its name is the host's, of which there may be several
 * containers with the same id, below other roots or one after the other: so there is a random part in it, and the
 * container's record has it. */
#ifndef PLUGINS_VM_DOMAIN_H
#define PLUGINS_VM_DOMAIN_H

#include "plugins/vm/vm.h"

/* Of the container with this id; to be freed. NULL: errno. */
char *domain_name(const char *id);

/* Before the guest is made: by which program it is ended, and its name. */
void domain_keep(struct buffer *json, const struct found *f);

#endif
