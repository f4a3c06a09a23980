/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/init/image.h"
#include "core/init/kernel.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int sealed_memfd(const char *name, unsigned flags, const void *bytes, size_t size)
{
    auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

    if (fd < 0 && flags && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return steal_fd(fd);
}

static int write_image(int directory)
{
    auto_close int fd =
        openat(directory, "hozo-init", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500);

    return fd < 0 || write(fd, hozo_init_image, hozo_init_size) != (ssize_t)hozo_init_size ? -1 : 0;
}

/* The file system is made read-only, and not only this mount of it: so there is no other that is not. Nobody
 * can make it writable again, since that takes the root of the mount, which no process has open. */
static int make_read_only(int fs)
{
    return sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL) < 0 ||
                   sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0
               ? -1
               : 0;
}

int image_on_tmpfs(struct error *err)
{
    auto_close int fs = sys_fsopen("tmpfs"), top = -1, fd = -1;

    if (fs < 0)
        return fail(err, errno, NULL, "fsopen");
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return fail(err, errno, NULL, "fsconfig");
    top = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (top < 0)
        return fail(err, errno, NULL, "fsmount");
    if (write_image(top) < 0)
        return fail(err, errno, NULL, "write");
    if (make_read_only(fs) < 0)
        return fail(err, errno, NULL, "make it read-only");
    fd = openat(top, "hozo-init", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? fail(err, errno, NULL, "open") : steal_fd(fd);
}

int init_image(struct error *err)
{
    int fd = sealed_memfd("hozo-init", MFD_EXEC, hozo_init_image, hozo_init_size);

    if (fd >= 0)
        return fd;
    /* EACCES: sysctl vm.memfd_noexec is 2 (Linux 6.3); EPERM: a security module. */
    if (errno != EACCES && errno != EPERM)
        return fail(err, errno, NULL, "memfd for hozo-init");
    if ((fd = image_on_tmpfs(err)) < 0)
        fail_prefix(err,
                    "memfd for hozo-init: sysctl vm.memfd_noexec or a security module forbids it; "
                    "tmpfs for hozo-init");
    return fd;
}
