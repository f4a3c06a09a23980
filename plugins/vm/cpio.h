/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as the kernel unpacks them from an initial RAM disk: "newc" of Documentation/driver-api/early-userspace. */
#ifndef PLUGINS_VM_CPIO_H
#define PLUGINS_VM_CPIO_H

#include "plugins/vm/buffer.h"

/* Entries belong to root and have no time, so that the same content is the same archive. Names without "/" in front; a directory comes before what is in it. */
void cpio_directory(struct buffer *archive, const char *name);
void cpio_file(struct buffer *archive, const char *name, unsigned mode, const void *bytes,
               size_t size);
void cpio_end(struct buffer *archive);

#endif
