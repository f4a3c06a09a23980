/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

int pidfile_write(const char *file, pid_t pid, struct error *err)
{
    char temporary[PATH_MAX], text[16];
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    int length = snprintf(text, sizeof text, "%d", (int)pid);

    if ((size_t)snprintf(temporary, sizeof temporary, "%.*s.%s.%d", (int)(name - file), file, name,
                         (int)getpid()) >= sizeof temporary)
        return fail(err, ENAMETOOLONG, NULL, "pid file %s", file);
    /* Another hozo with this pid has ended: what lies here is the rest of a crash. O_EXCL: never
     * through a link that someone put there. */
    unlink(temporary);
    auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail(err, errno, NULL, "create pid file %s", file);
    if (write(fd, text, (size_t)length) != length || rename(temporary, file)) {
        fail(err, errno, NULL, "write pid file %s", file);
        unlink(temporary);
        return -1;
    }
    return 0;
}
