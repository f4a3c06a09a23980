/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's modules, which whoever made the initramfs has put into an order. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/base.h"
#include "plugins/vm/agent/agent.h"

#define DIRECTORY "/modules"

/* EEXIST: it is there; ENODEV: there is no such device. */
static void load(int directory, const char *name)
{
    auto_close int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        log_line(name, "open", errno);
    else if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST && errno != ENODEV)
        log_line(name, "finit_module", errno);
    else
        unlinkat(directory, name, 0); /* its memory is free again */
}

void modules_load(void)
{
    auto_close int directory = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_close int order = directory < 0 ? -1 : openat(directory, "order", O_RDONLY | O_CLOEXEC);
    static char text[16384];
    ssize_t n = order < 0 ? 0 : read(order, text, sizeof text - 1);

    for (char *at = text; n > 0 && *at;) {
        size_t length = strcspn(at, "\n");
        bool more = at[length];

        at[length] = '\0';
        if (length)
            load(directory, at);
        at += length + more;
    }
}
