/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/cpio.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

static void pad(struct buffer *archive)
{
    buffer_zeros(archive, -archive->length & 3);
}

/* Every file is a first link to an inode of its own: `inode` is only told apart where there are several links. */
static void entry(struct buffer *archive, const char *name, unsigned mode, const void *bytes,
                  size_t size)
{
    if (size > UINT32_MAX) {
        archive->failed = true;
        return;
    }
    buffer_print(archive, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0, mode,
                 0, 0, S_ISDIR(mode) ? 2 : 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0);
    buffer_append(archive, name, strlen(name) + 1);
    pad(archive);
    buffer_append(archive, bytes, size);
    pad(archive);
}

void cpio_directory(struct buffer *archive, const char *name)
{
    entry(archive, name, S_IFDIR | 0755, NULL, 0);
}

void cpio_file(struct buffer *archive, const char *name, unsigned mode, const void *bytes,
               size_t size)
{
    entry(archive, name, S_IFREG | mode, bytes, size);
}

void cpio_end(struct buffer *archive)
{
    entry(archive, "TRAILER!!!", 0, NULL, 0);
}
