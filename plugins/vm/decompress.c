/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libraries are loaded when there is something for them, not with the plugin. Each of these functions has been the
 * same since its library's first stable version, and is declared here, so that nothing is needed to build this.
 */
#include "plugins/vm/decompress.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* The largest modules of distributions have about 10 MiB. */
#define SIZE_MAX_MODULE ((size_t)256 << 20)

/* Bytes that were made, or: */
#define TOO_SMALL (-1)
#define BROKEN    (-2)
#define OLD       (-3) /* the library has not what is needed */

/* --- xz: lzma/container.h ------------------------------------------------------------------------ */

#define LZMA_OK        0
#define LZMA_BUF_ERROR 10

typedef int (*lzma_decode)(uint64_t *memlimit, uint32_t flags, const void *allocator,
                           const uint8_t *in, size_t *in_pos, size_t in_size, uint8_t *out,
                           size_t *out_pos, size_t out_size);

static ssize_t xz(void *library, const void *in, size_t size, void *out, size_t room)
{
    lzma_decode decode = (lzma_decode)dlsym(library, "lzma_stream_buffer_decode");
    uint64_t memory = SIZE_MAX_MODULE;
    size_t from = 0, to = 0;
    int r;

    if (!decode)
        return OLD;
    r = decode(&memory, 0, NULL, in, &from, size, out, &to, room);
    return r == LZMA_OK ? (ssize_t)to : r == LZMA_BUF_ERROR ? TOO_SMALL : BROKEN;
}

/* --- zstd: zstd.h, and zstd_errors.h ------------------------------------------------------------- */

#define ZSTD_DST_TOO_SMALL 70

typedef size_t (*zstd_decode)(void *out, size_t room, const void *in, size_t size);

/* An error is a number of the highest: minus its code. */
static ssize_t zstd(void *library, const void *in, size_t size, void *out, size_t room)
{
    zstd_decode decode = (zstd_decode)dlsym(library, "ZSTD_decompress");
    size_t r;

    if (!decode)
        return OLD;
    r = decode(out, room, in, size);
    if (r <= room)
        return (ssize_t)r;
    return r == (size_t)-ZSTD_DST_TOO_SMALL ? TOO_SMALL : BROKEN;
}

/* --- gzip: zlib.h -------------------------------------------------------------------------------- */

struct z_stream {
    const uint8_t *next_in;
    unsigned avail_in;
    unsigned long total_in;
    uint8_t *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *msg;
    void *state, *zalloc, *zfree, *opaque;
    int data_type;
    unsigned long adler, reserved;
};

#define Z_OK         0
#define Z_STREAM_END 1
#define Z_BUF_ERROR  (-5)
#define Z_FINISH     4
#define Z_GZIP       (15 + 16) /* the largest window, in gzip's form */

typedef int (*z_init)(struct z_stream *s, int window, const char *version, int size);
typedef int (*z_inflate)(struct z_stream *s, int flush);
typedef int (*z_end)(struct z_stream *s);

static ssize_t gzip(void *library, const void *in, size_t size, void *out, size_t room)
{
    z_init init = (z_init)dlsym(library, "inflateInit2_");
    z_inflate inflate = (z_inflate)dlsym(library, "inflate");
    z_end end = (z_end)dlsym(library, "inflateEnd");
    struct z_stream s = {
        .next_in = in, .avail_in = (unsigned)size, .next_out = out, .avail_out = (unsigned)room};
    int r;

    if (!init || !inflate || !end)
        return OLD;
    if (init(&s, Z_GZIP, "1", (int)sizeof(s)) != Z_OK)
        return BROKEN;
    r = inflate(&s, Z_FINISH);
    end(&s);
    if (r == Z_STREAM_END)
        return (ssize_t)s.total_out;
    return (r == Z_OK || r == Z_BUF_ERROR) && !s.avail_out ? TOO_SMALL : BROKEN;
}

/* --- all of them -------------------------------------------------------------------------------- */

static const struct form {
    const char *magic;
    size_t length;
    const char *library;
    ssize_t (*decode)(void *library, const void *in, size_t size, void *out, size_t room);
} forms[] = {
    {"\xfd"
     "7zXZ",
     6, "liblzma.so.5", xz},
    {"\x28\xb5\x2f\xfd", 4, "libzstd.so.1", zstd},
    {"\x1f\x8b", 2, "libz.so.1", gzip},
};

static const struct form *form_of(const void *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (size >= forms[i].length && !memcmp(bytes, forms[i].magic, forms[i].length))
            return &forms[i];
    return NULL;
}

/* What comes out is up to a dozen times as large; tried with more until it fits. */
static int expand(struct hozo_ctx *ctx, const char *path, const struct form *form, void *library,
                  const void *bytes, size_t size, struct buffer *to)
{
    size_t room = size * 4;
    ssize_t made;

    for (;; room *= 2) {
        size_t before = to->length;

        if (room > SIZE_MAX_MODULE)
            return hozo_error(ctx, EFBIG, NULL, "%s", path);
        buffer_zeros(to, room);
        if (to->failed)
            return hozo_error(ctx, ENOMEM, NULL, "%s", path);
        made = form->decode(library, bytes, size, to->at + before, room);
        to->length = before + (made > 0 ? (size_t)made : 0);
        if (made >= 0)
            return 0;
        if (made != TOO_SMALL)
            return hozo_error(ctx, 0, NULL, "%s: %s %s", path, form->library,
                              made == OLD ? "is too old to unpack it" : "cannot unpack it");
    }
}

int decompress(struct hozo_ctx *ctx, const char *path, const void *bytes, size_t size,
               struct buffer *to)
{
    const struct form *form = form_of(bytes, size);
    void *library;

    if (!form) {
        buffer_append(to, bytes, size);
        return to->failed ? hozo_error(ctx, ENOMEM, NULL, "%s", path) : 0;
    }
    library = hozo_dlopen(ctx, form->library);
    return library ? expand(ctx, path, form, library, bytes, size, to) : -1;
}
