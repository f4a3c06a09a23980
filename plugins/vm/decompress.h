/* SPDX-License-Identifier: Apache-2.0 */
/* Modules as distributions keep them: as they are, or in the form of xz, zstd or gzip. */
#ifndef PLUGINS_VM_DECOMPRESS_H
#define PLUGINS_VM_DECOMPRESS_H

#include <hozo/plugin.h>

#include "plugins/vm/buffer.h"

/* Appends to `to` what is in these bytes, by what they begin with: 0, or -1 with an error about `path`. */
int decompress(struct hozo_ctx *ctx, const char *path, const void *bytes, size_t size,
               struct buffer *to);

#endif
