/* SPDX-License-Identifier: Apache-2.0 */
/* As /init of an initramfs: /hozo-init, /modules/order and the modules lie beside it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "plugins/vm/agent/agent.h"
#include "plugins/vm/agent/netlink.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

/* clang-format off */
static const struct {
    const char *place, *type;
    unsigned long flags;
} mounts[] = {
    {"/dev",  "devtmpfs", MS_NOSUID},
    {"/proc", "proc",     MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"/sys",  "sysfs",    MS_NOSUID | MS_NODEV | MS_NOEXEC},
};
/* clang-format on */

static int mount_all(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
        mkdir(mounts[i].place, 0755);
        if (mount(mounts[i].type, mounts[i].place, mounts[i].type, mounts[i].flags, NULL) < 0 &&
            errno != EBUSY) {
            log_line(mounts[i].place, "mount", errno);
            return -1;
        }
    }
    return 0;
}

/* Whatever the kernel has opened there, if anything. */
static void open_stdio(void)
{
    int fd = open("/dev/null", O_RDWR);

    for (int i = 0; i < 3; i++)
        if (fd != i)
            dup2(fd, i);
    if (fd > 2)
        close(fd);
}

/* In a file of its own, whose root the initramfs is not. */
static int load_init(void)
{
    auto_close int from = open("/hozo-init", O_RDONLY | O_CLOEXEC), to = -1;
    struct stat st;

    if (from < 0 || fstat(from, &st) < 0)
        return -1;
    to = memfd_create("hozo-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (to < 0 && errno == EINVAL)
        to = memfd_create("hozo-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (to < 0 || sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size ||
        fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -1;
    return steal_fd(to);
}

int boot(struct agent *a)
{
    int fd;

    umask(022);
    reboot(RB_DISABLE_CAD);
    if (mount_all() < 0)
        return -1;
    open_stdio();
    if ((a->init = load_init()) < 0) {
        log_line("/hozo-init", "load", errno);
        return -1;
    }
    modules_load();
    if (loopback_up() < 0)
        log_line("lo", "set it up", errno);
    if ((fd = port_find()) < 0) {
        log_line("port", "there is none", 0);
        return -1;
    }
    frames_open(&a->port, fd);
    return 0;
}
