/* SPDX-License-Identifier: Apache-2.0 */
/* The version in a kernel's image, and where the modules of this version are. */
#include "plugins/vm/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

void kernel_free(struct kernel *k)
{
    free(k->version);
    free(k->modules);
    free(k->builtin);
    free(k->order);
}

/* --- the version --------------------------------------------------------------------------------- */

/* Documentation/arch/x86/boot.rst: "HdrS", and where the text of the version is, minus 0x200. */
#define X86_MAGIC   0x202
#define X86_VERSION 0x20e

#define BANNER "Linux version "

/* The first word; NULL where it is none. */
static char *word(const char *at, const char *end)
{
    size_t n = 0;

    while (at + n < end && at[n] > ' ' && at[n] != '/' && at[n] < 0x7f)
        n++;
    return n && at + n < end && at[0] != '.' ? strndup(at, n) : NULL;
}

static char *x86_version(const char *image, size_t size)
{
    const unsigned char *offset = (const unsigned char *)image + X86_VERSION;
    size_t at;

    if (size < X86_VERSION + 2 || memcmp(image + X86_MAGIC, "HdrS", 4))
        return NULL;
    at = 0x200 + (size_t)(offset[0] | offset[1] << 8);
    return at > 0x200 && at < size ? word(image + at, image + size) : NULL;
}

char *kernel_version(const void *bytes, size_t size)
{
    const char *image = bytes, *banner;
    char *version = x86_version(image, size);

    if (version)
        return version;
    /* An image that is not compressed. "Linux version %s" is there as well. */
    for (const char *at = image;
         (banner = memmem(at, size - (size_t)(at - image), BANNER, strlen(BANNER)));
         at = banner + 1)
        if (banner[strlen(BANNER)] >= '0' && banner[strlen(BANNER)] <= '9')
            return word(banner + strlen(BANNER), image + size);
    return NULL;
}

/* "vmlinuz-6.1.0-cloud": what stands behind the first dash, where the image is one that nobody can read. */
static char *version_of_name(const char *path)
{
    const char *name = strrchr(path, '/') + 1, *dash = strchr(name, '-');

    return dash && dash[1] >= '0' && dash[1] <= '9' ? strdup(dash + 1) : NULL;
}

/* What hypervisors boot on x86; elsewhere images have no header in common. Of a file that is none the hypervisor's own
 * words would come too late, and from among those of others. */
static bool is_image(const char *image, size_t size)
{
#if defined(__x86_64__)
    return (size > 0x206 && !memcmp(image + 0x202, "HdrS", 4)) ||
           (size > 4 && !memcmp(image, "\177ELF", 4));
#else
    (void)image;
    return size;
#endif
}

static int read_version(struct hozo_ctx *ctx, const char *path, char **version)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    void *image;
    bool sound;

    if (fd < 0 || fstat(fd, &st) < 0)
        return hozo_error(ctx, errno, VM_KERNEL, "%s", path);
    if (!S_ISREG(st.st_mode) || !st.st_size)
        return hozo_error(ctx, 0, VM_KERNEL, "%s is no kernel", path);
    image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (image == MAP_FAILED)
        return hozo_error(ctx, errno, VM_KERNEL, "%s", path);
    sound = is_image(image, (size_t)st.st_size);
    *version = sound ? kernel_version(image, (size_t)st.st_size) : NULL;
    munmap(image, (size_t)st.st_size);
    if (!sound)
        return hozo_error(ctx, 0, VM_KERNEL, "%s is no kernel", path);
    if (!*version)
        *version = version_of_name(path);
    return 0;
}

/* --- its modules --------------------------------------------------------------------------------- */

char *read_text(const char *directory, const char *name)
{
    auto_buffer struct buffer path = {0}, text = {0};
    auto_close int fd = -1;
    char chunk[16384];
    ssize_t n;

    buffer_print(&path, "%s/%s", directory, name);
    if (!buffer_text(&path) || (fd = open(path.at, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        return NULL;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buffer_append(&text, chunk, (size_t)n);
    return n < 0 || !buffer_text(&text) ? NULL : strdup(text.at);
}

static bool take_directory(struct kernel *k, const char *directory)
{
    k->order = read_text(directory, "modules.order");
    if (!k->order || !(k->builtin = read_text(directory, "modules.builtin")) ||
        !(k->modules = strdup(directory))) {
        free(k->order);
        free(k->builtin);
        k->order = k->builtin = NULL;
        return false;
    }
    return true;
}

/* %1$s: the directory of the image, %2$s: its version. */
static const char *const places[] = {
    "%1$s",
    "%1$s/modules",
    "%1$s/lib/modules/%2$s",
    "%1$s/../lib/modules/%2$s",
    "%1$s/../usr/lib/modules/%2$s",
    "/lib/modules/%2$s",
    "/usr/lib/modules/%2$s",
};

static int search(struct hozo_ctx *ctx, const char *image, struct kernel *k)
{
    auto_free char *directory = strndup(image, (size_t)(strrchr(image, '/') - image));

    for (size_t i = 0; directory && i < ARRAY_SIZE(places); i++) {
        auto_free char *place = NULL;
        int n;

        if (!k->version && strstr(places[i], "%2$s"))
            break;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        n = asprintf(&place, places[i], *directory ? directory : "/", k->version);
#pragma GCC diagnostic pop
        if (n < 0)
            return hozo_error(ctx, ENOMEM, VM_KERNEL, "%s", image);
        if (take_directory(k, place))
            return 0;
    }
    return directory ? 0 : hozo_error(ctx, ENOMEM, VM_KERNEL, "%s", image);
}

int kernel_find(struct hozo_ctx *ctx, const struct machine *m, struct kernel *k)
{
    const char *directory;

    *k = (struct kernel){0};
    if (read_version(ctx, m->kernel, &k->version) < 0 ||
        setting_string(ctx, "modulesDirectory", &directory) < 0)
        return -1;
    if (!directory)
        return search(ctx, m->kernel, k);
    return take_directory(k, directory)
               ? 0
               : hozo_error(
                     ctx, 0, "vm",
                     "%s, which the setting modulesDirectory names, has no modules.order and "
                     "modules.builtin",
                     directory);
}
