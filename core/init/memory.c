/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All memory that hozo-init takes is needed until the user program replaces it, or is too little to be
 * worth a return to the kernel. So it is handed out piece by piece and never taken back: musl's allocator
 * would map and unmap a page for nearly every path.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)64 << 10)
#define ALIGN 16

static char *free_at, *free_end;

void *malloc(size_t size)
{
    /* Before each piece lies its size, in as much room as keeps the piece aligned. */
    size_t whole = ALIGN + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    char *piece;

    if (size > PTRDIFF_MAX - CHUNK) {
        errno = ENOMEM;
        return NULL;
    }
    if (whole > (size_t)(free_end - free_at)) {
        size_t chunk = whole > CHUNK ? whole : CHUNK;
        void *at = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED)
            return NULL;
        free_at = at;
        free_end = free_at + chunk;
    }
    piece = free_at + ALIGN;
    free_at += whole;
    memcpy(piece - sizeof(size_t), &size, sizeof size);
    return piece;
}

void *calloc(size_t count, size_t size)
{
    if (size && count > PTRDIFF_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(count * size); /* fresh from the kernel: zero */
}

void *realloc(void *piece, size_t size)
{
    size_t before = 0;
    void *other;

    if (piece)
        memcpy(&before, (char *)piece - sizeof before, sizeof before);
    if (piece && size <= before)
        return piece;
    if ((other = malloc(size)) && before)
        memcpy(other, piece, before);
    return other;
}

void free(void *piece)
{
    (void)piece;
}
