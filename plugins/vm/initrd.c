/* SPDX-License-Identifier: Apache-2.0 */
/* The initial RAM disk: the agent, the interpreter of plans, and the modules that bring both to their work. */
#include "plugins/vm/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "plugins/vm/cpio.h"
#include "plugins/vm/programs.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC        0x0010U
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int memfd(const char *name, bool program)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(name, flags | (program ? MFD_EXEC : MFD_NOEXEC_SEAL));

    return fd >= 0 || errno != EINVAL ? fd : memfd_create(name, flags);
}

int sealed_file(struct hozo_ctx *ctx, const char *name, const void *bytes, size_t size,
                bool program)
{
    auto_close int fd = memfd(name, program);
    const char *at = bytes;
    int result;

    if (fd < 0)
        return hozo_error(ctx, errno, "vm", "memfd_create");
    for (ssize_t n; size; at += n, size -= (size_t)n)
        if ((n = write(fd, at, size)) < 0)
            return hozo_error(ctx, errno, "vm", "write %s", name);
    /* Who executes what it may not read cannot be traced from the first instruction on: a visitor is as powerless as a
     * hypervisor that a guest has taken over, and holds the caller's streams. */
    if (program && fchmod(fd, 0100) < 0)
        return hozo_error(ctx, errno, "vm", "chmod %s", name);
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return hozo_error(ctx, errno, "vm", "seal %s", name);
    result = fd;
    fd = -1;
    return result;
}

/* What the kernel skips stands between two archives: zeros, to a multiple of four bytes. */
static int append_file(struct hozo_ctx *ctx, const char *path, struct buffer *archive)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char chunk[65536];
    struct stat st;
    ssize_t n = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        return hozo_error(ctx, errno, "vm.kernel.initrd", "%s", path);
    if (!S_ISREG(st.st_mode))
        return hozo_error(ctx, 0, "vm.kernel.initrd", "%s is no file", path);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buffer_append(archive, chunk, (size_t)n);
    if (n < 0)
        return hozo_error(ctx, errno, "vm.kernel.initrd", "%s", path);
    buffer_zeros(archive, -archive->length & 3);
    return 0;
}

void initrd_append_modules(struct buffer *archive, const struct modules *modules)
{
    auto_buffer struct buffer order = {0};

    if (!modules->n)
        return;
    cpio_directory(archive, "modules");
    for (size_t i = 0; i < modules->n; i++) {
        auto_buffer struct buffer name = {0};
        const struct module *m = &modules->at[i];

        buffer_print(&name, "modules/%s.ko", m->name);
        buffer_print(&order, "%s.ko\n", m->name);
        if (buffer_text(&name))
            cpio_file(archive, name.at, 0600, m->bytes.at, m->bytes.length);
        archive->failed |= name.failed;
    }
    cpio_file(archive, "modules/order", 0600, order.at, order.length);
    archive->failed |= order.failed;
}

int initrd_make(struct hozo_ctx *ctx, const struct machine *m, const struct kernel *k,
                const struct buffer *names)
{
    auto_modules struct modules modules = {0};
    auto_buffer struct buffer archive = {0};

    if (modules_resolve(ctx, k, names, &modules) < 0 ||
        (m->initrd && append_file(ctx, m->initrd, &archive) < 0))
        return -1;
    cpio_file(&archive, "init", 0700, vm_agent_image, vm_agent_size);
    cpio_file(&archive, "hozo-init", 0700, vm_init_image, vm_init_size);
    initrd_append_modules(&archive, &modules);
    cpio_end(&archive);
    return archive.failed ? hozo_error(ctx, ENOMEM, "vm", "initial RAM disk")
                          : sealed_file(ctx, "initrd", archive.at, archive.length, false);
}
